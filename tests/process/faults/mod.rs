//! What real streams do, between `pelton run` and the stream: the poller recovers, loses nothing, keeps the order, and
//! says what it copes with.

mod lies;
mod refusals;
mod stopping;
mod storm;
mod transport;
mod world;
