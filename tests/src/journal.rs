//! What a handler that keeps a journal was handed, and what it was done with.

use aws_lambda_events::kinesis::KinesisEvent;
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
}

/// A tumbling window that ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first moment, as the event says it.
    pub start: String,
    /// The names of its records, as the state tells them that the function returned itself.
    pub seen: Vec<String>,
}

/// A batch that the handler was handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What happened to it.
    pub step: Step,
    /// Id of its shard.
    pub shard: String,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// A record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition key.
    pub key: String,
    /// Its data, as text.
    pub data: String,
}

#[derive(Deserialize)]
struct Line {
    step: Step,
    event: KinesisEvent,
}

impl Journal {
    /// The journal that the handler in this folder keeps.
    #[must_use]
    pub fn of(function: &Path) -> Self {
        Self { path: function.join("journal") }
    }

    /// Every batch that began or ended, in order. A line that a `kill -9` cut short was never finished and is not told, nor
    /// is the end of a window, which has no records.
    #[must_use]
    pub fn batches(&self) -> Vec<Batch> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok());
        lines.filter(|line| !line.event.records.is_empty()).map(batch).collect()
    }

    /// The batches that began, in order.
    #[must_use]
    pub fn began(&self) -> Vec<Batch> {
        self.of_step(Step::Began)
    }

    /// The batches that ended well, in order.
    #[must_use]
    pub fn ended(&self) -> Vec<Batch> {
        self.of_step(Step::Ended)
    }

    /// Number of records that were handed over and done with.
    #[must_use]
    pub fn records_ended(&self) -> usize {
        self.ended().iter().map(|batch| batch.records.len()).sum()
    }

    /// The final invocations of tumbling windows that ended well, in order.
    #[must_use]
    pub fn windows(&self) -> Vec<Window> {
        let text = fs::read_to_string(&self.path).unwrap_or_default();
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_final =
            |line: &Value| line["step"] == "ended" && line["event"]["isFinalInvokeForWindow"] == true;
        lines.filter(is_final).map(|line| window(&line["event"])).collect()
    }

    fn of_step(&self, step: Step) -> Vec<Batch> {
        self.batches().into_iter().filter(|batch| batch.step == step).collect()
    }
}

impl Batch {
    /// The data of its records, in order.
    #[must_use]
    pub fn data(&self) -> Vec<&str> {
        self.records.iter().map(|record| record.data.as_str()).collect()
    }
}

/// The data of the records, in order.
#[must_use]
pub fn data(batches: &[Batch]) -> Vec<&str> {
    batches.iter().flat_map(Batch::data).collect()
}

/// The data of the records of each key, in order.
#[must_use]
pub fn data_by_key(batches: &[Batch]) -> BTreeMap<&str, Vec<&str>> {
    let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in batches.iter().flat_map(|batch| &batch.records) {
        keys.entry(&record.key).or_default().push(&record.data);
    }
    keys
}

fn window(event: &Value) -> Window {
    let start = event["window"]["start"].as_str().expect("a window begins").to_owned();
    let seen = event["state"]["seen"].as_array().expect("the state is the function's own");
    let name = |name: &Value| name.as_str().expect("a name is text").to_owned();
    Window { start, seen: seen.iter().map(name).collect() }
}

fn batch(line: Line) -> Batch {
    let shard_of = |id: &str| id.split_once(':').map(|(shard, _)| shard.to_owned());
    let records = line.event.records.iter();
    let shards = records.clone().map(|record| {
        let id = record.event_id.as_deref().expect("a record has an id");
        shard_of(id).expect("the id of a record names its shard")
    });
    let mut shards: Vec<String> = shards.collect();
    shards.dedup();
    let [shard] = shards.try_into().expect("a batch holds records of one shard");
    let record = |record: &aws_lambda_events::kinesis::KinesisEventRecord| Record {
        key: record.kinesis.partition_key.clone(),
        data: String::from_utf8_lossy(&record.kinesis.data).into_owned(),
    };
    Batch { step: line.step, shard, records: records.map(record).collect() }
}
