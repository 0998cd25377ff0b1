//! Every metric, as a function of what the poller shows; nobody else knows a metric's name.
//!
//! In: a status snapshot. Out: the Prometheus text exposition format 0.0.4. Keeps nothing: what happens is counted by the
//! core, and looked at when somebody asks, so that a shard without traffic costs nothing.
//!
//! A shard's counters go with it when it ends. Those of its mapping never go back while the process lives.

mod counters;
mod family;
mod mappings;
mod poller;
mod shards;
#[cfg(test)]
mod tests;

use crate::control::StatusSnapshot;
use prometheus::TextEncoder;

/// The media type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Every metric that there is something to say of. Takes its time where there are many shards: some microseconds each.
#[must_use]
pub fn render(snapshot: &StatusSnapshot) -> String {
    let families =
        poller::families(snapshot).chain(mappings::families(snapshot)).chain(shards::families(snapshot));
    let mut text = String::new();
    // One at a time: of thousands of shards, all of them together would take ten times what the text does.
    for family in families.flatten() {
        TextEncoder::new()
            .encode_utf8(&[family], &mut text)
            .expect("a family with a name and samples can be written to memory");
    }
    text
}
