//! What a handler that keeps a journal was handed of a topic, and what it was done with.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The journal of one function.
#[derive(Clone, Debug)]
pub struct Journal {
    path: PathBuf,
}

/// What happened to a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It was handed over.
    Began,
    /// It was done with, and went well.
    Ended,
    /// It failed, or some of its records were reported as failed.
    #[serde(alias = "reported")]
    Failed,
}

/// What happened, when, and to which records.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// What.
    pub step: Step,
    /// When, by a clock that all processes of this machine share.
    pub at_ns: u64,
    /// Its records, in order.
    pub records: Vec<Received>,
}

/// A record, as the handler got it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Number of its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its value as text; of a tombstone, `None`.
    pub value: Option<String>,
    /// The whole of it.
    pub json: Value,
}

#[derive(Deserialize)]
struct Line {
    step: Step,
    at_ns: u64,
    event: Contents,
}

#[derive(Deserialize)]
struct Contents {
    records: BTreeMap<String, Vec<Value>>,
}

impl Journal {
    /// The journal that the handler in this folder keeps.
    #[must_use]
    pub fn of(function: &Path) -> Self {
        Self { path: function.join("journal") }
    }

    /// Everything that happened, in order. A line that a `kill -9` cut short was never finished and is not told.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        lines.map(event).collect()
    }

    /// The batches that began, in order.
    #[must_use]
    pub fn began(&self) -> Vec<Event> {
        self.of_step(Step::Began)
    }

    /// The batches that ended well, in order.
    #[must_use]
    pub fn ended(&self) -> Vec<Event> {
        self.of_step(Step::Ended)
    }

    /// The values of the records that were done with, in order.
    #[must_use]
    pub fn values_ended(&self) -> Vec<String> {
        self.ended().iter().flat_map(Event::values).collect()
    }

    fn of_step(&self, step: Step) -> Vec<Event> {
        self.events().into_iter().filter(|event| event.step == step).collect()
    }
}

impl Event {
    /// Its partition: an event has records of one only.
    ///
    /// # Panics
    /// If it has records of several, or none.
    #[must_use]
    pub fn partition(&self) -> i32 {
        let first = self.records.first().expect("an event has records").partition;
        assert!(self.records.iter().all(|record| record.partition == first), "records of one partition");
        first
    }

    /// The values of its records, in order; of a tombstone, an empty one.
    #[must_use]
    pub fn values(&self) -> Vec<String> {
        self.records.iter().map(|record| record.value.clone().unwrap_or_default()).collect()
    }

    /// The offsets of its records, in order.
    #[must_use]
    pub fn offsets(&self) -> Vec<i64> {
        self.records.iter().map(|record| record.offset).collect()
    }
}

fn event(line: Line) -> Event {
    let received = |json: Value| Received {
        partition: i32::try_from(json["partition"].as_i64().expect("a record has a partition"))
            .expect("a small number"),
        offset: json["offset"].as_i64().expect("a record has an offset"),
        value: json["value"].as_str().map(|value| {
            let bytes = STANDARD.decode(value).expect("a value is base64");
            String::from_utf8_lossy(&bytes).into_owned()
        }),
        json,
    };
    let records = line.event.records.into_values().flatten().map(received).collect();
    Event { step: line.step, at_ns: line.at_ns, records }
}
