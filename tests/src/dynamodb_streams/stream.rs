//! A table with its streams: the one that is enabled, and those that were disabled.

use super::change::{Change, Deleter, Item, Items, ViewType};
use super::script::Script;
use super::tree::{Kept, Tree};
use super::{Accepted, Now};
use serde_json::Value;

/// The account in the ARNs.
const ACCOUNT: &str = "123456789012";

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) items: Items,
    view: ViewType,
}

/// A stream of a table.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) arn: String,
    pub(super) label: String,
    pub(super) table: String,
    pub(super) key_schema: Value,
    pub(super) view: ViewType,
    pub(super) made_at_s: u64,
    pub(super) is_enabled: bool,
    pub(super) tree: Tree,
}

impl Table {
    pub(super) fn new(name: &str, key_names: &[&str], view: ViewType) -> Self {
        Self { name: name.to_owned(), items: Items::new(key_names), view }
    }

    pub(super) fn remove(&mut self, key: &Item, by: Deleter) -> Option<Change> {
        self.items.remove(key, by)
    }
}

impl Stream {
    /// A new stream of a table. `label_ms` is the moment of its label, which differs from that of every other stream.
    pub(super) fn new(table: &Table, script: &Script, label_ms: u64, now: Now) -> Self {
        let label = label(label_ms);
        Self {
            arn: format!("arn:aws:dynamodb:{}:{ACCOUNT}:table/{}/stream/{label}", script.region, table.name),
            label,
            table: table.name.clone(),
            key_schema: table.items.key_schema(),
            view: table.view,
            made_at_s: now.epoch_s(),
            is_enabled: true,
            tree: Tree::new(script, now.elapsed, now.epoch),
        }
    }

    /// Records a change.
    pub(super) fn accept(&mut self, change: Change, script: &Script, now: Now) -> Accepted {
        let key = change.canonical_key();
        let shard = self.tree.shard_of(&key, now.elapsed);
        let sequence_number = shard.number_behind();
        let record = change.record(self.view, sequence_number, now.epoch_s(), &script.region);
        shard.accept(Kept { sequence_number, at: now.elapsed, record: record.clone() });
        Accepted { shard: shard.id.clone(), sequence_number: sequence_number.to_string(), key, record }
    }

    /// No more changes are recorded. What is recorded can still be read.
    pub(super) fn disable(&mut self, now: Now) {
        self.is_enabled = false;
        self.tree.close(now.elapsed);
    }

    pub(super) fn status(&self) -> &'static str {
        if self.is_enabled { "ENABLED" } else { "DISABLED" }
    }
}

/// A moment as AWS labels streams with it: `2026-12-01T00:00:00.000`.
fn label(moment_ms: u64) -> String {
    let moment = i64::try_from(moment_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    let text = format!("{:.3}", moment.expect("the year has four digits"));
    text.trim_end_matches('Z').to_owned()
}
