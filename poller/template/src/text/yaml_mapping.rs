//! A map of YAML while it is read: of a key that stands twice the last one counts, and `<<` takes over what other maps have.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::node::{Entry, Node, Value};
use super::source::Span;
use std::collections::{BTreeMap, HashMap};

/// A key whose value has not come yet.
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
    /// Whether it is `<<` without quotes, which takes over the keys of other maps (YAML 1.1).
    pub(crate) is_merge: bool,
}

/// A map whose end has not come yet.
#[derive(Default)]
pub(crate) struct OpenMapping {
    pub(crate) key: Option<Key>,
    entries: Vec<Entry>,
    indices: HashMap<String, usize>,
    /// Of the keys that stand twice: the index of the entry, and the place of the first one.
    first_places: BTreeMap<usize, Span>,
    merged: Vec<Entry>,
}

impl OpenMapping {
    /// Where the last value ends.
    pub(crate) fn end(&self) -> Option<usize> {
        self.entries.last().map(|entry| entry.value.span.end)
    }

    pub(crate) fn add(&mut self, key: Key, value: Node) {
        if key.is_merge {
            self.merged.extend(merged_entries(value));
            return;
        }
        let entry = Entry { key: key.text, key_span: key.span, value };
        if let Some(&index) = self.indices.get(&entry.key) {
            self.first_places.entry(index).or_insert(self.entries[index].key_span);
            self.entries[index] = entry;
        } else {
            self.indices.insert(entry.key.clone(), self.entries.len());
            self.entries.push(entry);
        }
    }

    /// Its own entries, then those of merged maps whose keys it does not have; of these, too, the last one counts.
    /// Warns of each key that stands twice.
    pub(crate) fn into_entries(mut self, diagnostics: &mut Diagnostics) -> Vec<Entry> {
        for (&index, &first) in &self.first_places {
            let Entry { key, key_span, .. } = &self.entries[index];
            diagnostics.push(
                Diagnostic::warning(Code::DuplicateKey, format!("`{key}` is a duplicate key of this map"))
                    .at(*key_span, "this value is used, as on AWS")
                    .related(first, "ignored"),
            );
        }
        for entry in self.merged.into_iter().rev() {
            if !self.indices.contains_key(&entry.key) {
                self.indices.insert(entry.key.clone(), self.entries.len());
                self.entries.push(entry);
            }
        }
        self.entries
    }
}

/// What `<<: *map` and `<<: [*map, *map]` take over. Of several maps the first one that has a key counts.
fn merged_entries(node: Node) -> Vec<Entry> {
    match node.value {
        Value::Mapping(entries) => entries,
        Value::Sequence(items) => items.into_iter().rev().flat_map(merged_entries).collect(),
        Value::Null | Value::Scalar(_) => Vec::new(),
    }
}
