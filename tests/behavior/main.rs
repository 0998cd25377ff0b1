//! The whole poller with fakes at the ports, on tokio's paused time. Each test is named after the sentence it proves.

mod order;
mod positions;
mod resharding;
mod stopping;
mod trouble;
mod world;
