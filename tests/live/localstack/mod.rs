//! `pelton run` as a process, with real functions, on the Kinesis of LocalStack: what real streams do to it.

mod accounts;
mod forgetful;
mod giving_up;
mod many_mappings;
mod positions;
mod recreation;
mod resharding;
mod restart;
mod retention;
mod rules;
mod shards;
mod stopping;
mod world;
