//! One thing that was said: when, how urgent, by whom, and its fields with those of its spans.

use crate::errors::chain;
use pelton_core::Timestamp;
use serde_json::Value;
use std::error::Error;
use std::fmt;
use tracing::Level;
use tracing::field::{Field, Visit};

pub(super) const MESSAGE: &str = "message";

pub(super) struct Event<'a> {
    pub(super) time: Timestamp,
    pub(super) level: Level,
    pub(super) target: &'a str,
    pub(super) fields: Fields,
}

/// Fields in the order in which they were first named, each once: what is said later, or further in, counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The value of a field, as text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| *key == name).and_then(|(_, value)| value.as_str())
    }

    /// The constant sentence of the event; empty if it has none.
    pub(super) fn message(&self) -> &str {
        self.text(MESSAGE).unwrap_or_default()
    }

    /// Every field but the message.
    pub(super) fn others(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().filter(|(name, _)| *name != MESSAGE).map(|(name, value)| (*name, value))
    }

    pub(super) fn extend(&mut self, others: &Self) {
        for (name, value) in &others.0 {
            self.set(name, value.clone());
        }
    }

    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field.name(), chain(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_further_in_counts_and_stands_in_the_first_one_s_place() {
        let mut fields = Fields::default();
        fields.set("shard", "a");
        fields.set("attempt", 1);
        fields.set("shard", "b");
        let others: Vec<(&str, String)> =
            fields.others().map(|(name, value)| (name, value.to_string())).collect();
        assert_eq!(others, [("shard", "\"b\"".to_owned()), ("attempt", "1".to_owned())]);
    }
}
