//! A map of YAML while it is read: keys are unique, and `<<` takes over what other maps have.

use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node, Value};
use super::source::Span;
use std::collections::HashMap;

/// The key that takes over the keys of other maps (YAML 1.1).
const MERGE_KEY: &str = "<<";

/// A map whose end has not come yet.
#[derive(Default)]
pub(super) struct OpenMapping {
    pub(super) entries: Vec<Entry>,
    merged: Vec<Entry>,
    /// A key whose value has not come yet.
    pub(super) key: Option<(String, Span)>,
    seen: HashMap<String, Span>,
}

impl OpenMapping {
    /// Adds an entry; answers what is wrong if its key is there already.
    pub(super) fn add(&mut self, entry: Entry) -> Option<Diagnostic> {
        if entry.key == MERGE_KEY {
            self.merged.extend(merged_entries(entry.value));
            return None;
        }
        if let Some(&first) = self.seen.get(&entry.key) {
            return Some(
                Diagnostic::error(Code::DuplicateKey, format!("`{}` stands twice in this map", entry.key))
                    .at(entry.key_span, "second time")
                    .related(first, "first time")
                    .help("remove one of them"),
            );
        }
        self.seen.insert(entry.key.clone(), entry.key_span);
        self.entries.push(entry);
        None
    }

    /// Its own entries, then those of merged maps whose keys it does not have: the first one that has a key wins.
    pub(super) fn into_entries(mut self) -> Vec<Entry> {
        for entry in self.merged {
            if self.seen.insert(entry.key.clone(), entry.key_span).is_none() {
                self.entries.push(entry);
            }
        }
        self.entries
    }
}

/// What `<<: *map` and `<<: [*map, *map]` take over.
fn merged_entries(node: Node) -> Vec<Entry> {
    match node.value {
        Value::Mapping(entries) => entries,
        Value::Sequence(items) => items.into_iter().flat_map(merged_entries).collect(),
        Value::Null | Value::Scalar(_) => Vec::new(),
    }
}
