//! The whole poller with fakes at the ports, on tokio's paused time. Each test is named after the sentence it proves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod catching_up;
mod changing;
mod giving_up;
mod lies;
mod listed_failures;
mod order;
mod positions;
mod record_age;
mod resharding;
mod rewinding;
mod stopping;
mod trouble;
mod world;
