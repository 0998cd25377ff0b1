//! The block of a failure's record that says which records it is about: one for each kind of source.
//!
//! In: the batch that was given up, and where its records come from. Out: AWS's names and members, in AWS's order.

use crate::batch::Batch;
use crate::event::kafka::KafkaCluster;
use crate::event::{iso_8601_millis, iso_8601_seconds};
use crate::record::Record;
use serde::Serialize;
use std::collections::BTreeMap;

/// Where the records of a mapping come from.
#[derive(Clone, Debug)]
pub(super) enum FailureSource {
    Kinesis { stream_arn: String },
    DynamoDb { stream_arn: String },
    Kafka(KafkaCluster),
}

/// The block and its name.
#[derive(Serialize)]
pub(super) enum BatchInfo<'a> {
    #[serde(rename = "KinesisBatchInfo")]
    Kinesis(StreamBatchInfo<'a>),
    #[serde(rename = "DDBStreamBatchInfo")]
    DynamoDb(StreamBatchInfo<'a>),
    #[serde(rename = "KafkaBatchInfo")]
    Kafka(KafkaBatchInfo<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamBatchInfo<'a> {
    shard_id: &'a str,
    start_sequence_number: &'a str,
    end_sequence_number: &'a str,
    approximate_arrival_of_first_record: String,
    approximate_arrival_of_last_record: String,
    batch_size: usize,
    stream_arn: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KafkaBatchInfo<'a> {
    batch_size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_source_arn: Option<&'a str>,
    bootstrap_servers: &'a str,
    payload_size: usize,
    #[serde(flatten)]
    records: KafkaRecords<'a>,
}

/// Which records of Kafka.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum KafkaRecords<'a> {
    /// By partition.
    RecordsInfo(BTreeMap<&'a str, KafkaRange<'a>>),
    /// The only one.
    RecordInfo { offset: &'a str, timestamp: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KafkaRange<'a> {
    first_record_offset: &'a str,
    last_record_offset: &'a str,
    first_record_timestamp: String,
    last_record_timestamp: String,
}

impl FailureSource {
    /// The block of a batch of this shard.
    pub(super) fn batch_info<'a>(&'a self, batch: &'a Batch, shard_id: &'a str) -> BatchInfo<'a> {
        let (first, last) = ends(batch);
        let of_stream = |stream_arn: &'a str, written: fn(&Record) -> String| StreamBatchInfo {
            shard_id,
            start_sequence_number: first.position().as_str(),
            end_sequence_number: last.position().as_str(),
            approximate_arrival_of_first_record: written(first),
            approximate_arrival_of_last_record: written(last),
            batch_size: batch.records().len(),
            stream_arn,
        };
        match self {
            Self::Kinesis { stream_arn } => {
                BatchInfo::Kinesis(of_stream(stream_arn, |record| iso_8601_millis(record.arrival())))
            }
            Self::DynamoDb { stream_arn } => {
                BatchInfo::DynamoDb(of_stream(stream_arn, |record| iso_8601_seconds(record.arrival())))
            }
            Self::Kafka(cluster) => {
                let range = KafkaRange {
                    first_record_offset: first.position().as_str(),
                    last_record_offset: last.position().as_str(),
                    first_record_timestamp: iso_8601_millis(first.arrival()),
                    last_record_timestamp: iso_8601_millis(last.arrival()),
                };
                let records = KafkaRecords::RecordsInfo(BTreeMap::from([(shard_id, range)]));
                BatchInfo::Kafka(KafkaBatchInfo::new(cluster, batch, records))
            }
        }
    }
}

impl<'a> KafkaBatchInfo<'a> {
    /// That of a batch of a single record, for a topic.
    pub(super) fn of_one(cluster: &'a KafkaCluster, batch: &'a Batch) -> Self {
        let (record, _) = ends(batch);
        let (offset, timestamp) = (record.position().as_str(), iso_8601_millis(record.arrival()));
        Self::new(cluster, batch, KafkaRecords::RecordInfo { offset, timestamp })
    }

    /// The size of the payload is that of the event.
    fn new(cluster: &'a KafkaCluster, batch: &'a Batch, records: KafkaRecords<'a>) -> Self {
        Self {
            batch_size: batch.records().len(),
            event_source_arn: cluster.event_source_arn.as_deref(),
            bootstrap_servers: &cluster.bootstrap_servers,
            payload_size: batch.event_len(),
            records,
        }
    }
}

fn ends(batch: &Batch) -> (&Record, &Record) {
    let (Some(first), Some(last)) = (batch.records().first(), batch.records().last()) else {
        panic!("a failure record is of at least one record");
    };
    (first, last)
}
