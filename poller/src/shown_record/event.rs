//! The records inside an invocation event.

use super::ShownRecord;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pelton_core::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// An event that is none of a stream.
#[derive(Debug, thiserror::Error)]
#[error("the event holds no records of a stream")]
pub(crate) struct BadEvent {
    source: serde_json::Error,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(flatten)]
    of: OfSource,
}

#[derive(Deserialize)]
enum OfSource {
    #[serde(rename = "kinesis")]
    Kinesis(Kinesis),
    #[serde(rename = "dynamodb")]
    DynamoDb(Value),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    partition_key: Option<String>,
    sequence_number: String,
    #[serde(deserialize_with = "base64")]
    data: Vec<u8>,
    #[serde(deserialize_with = "seconds")]
    approximate_arrival_timestamp: Timestamp,
}

fn base64<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    STANDARD.decode(text).map_err(serde::de::Error::custom)
}

/// Seconds with three digits behind the point.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
    let millis = (seconds * 1000.0).round() as u64;
    Ok(Timestamp::from_millis(millis))
}

/// The records of an event, in their order. Windows may have an event without records.
pub(crate) fn records_of_event(event: &[u8]) -> Result<Vec<ShownRecord>, BadEvent> {
    let event: Event = serde_json::from_slice(event).map_err(|source| BadEvent { source })?;
    let shown = |Record { event_id, of }: Record| match of {
        OfSource::Kinesis(kinesis) => ShownRecord {
            shard: event_id.split_once(':').map_or("", |(shard, _)| shard).to_owned(),
            sequence_number: kinesis.sequence_number,
            partition_key: kinesis.partition_key,
            arrival: kinesis.approximate_arrival_timestamp,
            data: kinesis.data,
        },
        OfSource::DynamoDb(change) => of_table(&change),
    };
    Ok(event.records.into_iter().map(shown).collect())
}

/// A change of an item. Its event does not name its shard.
fn of_table(change: &Value) -> ShownRecord {
    let seconds = change["ApproximateCreationDateTime"].as_u64().unwrap_or_default();
    ShownRecord {
        shard: String::new(),
        sequence_number: change["SequenceNumber"].as_str().unwrap_or_default().to_owned(),
        partition_key: Some(change["Keys"].to_string()),
        arrival: Timestamp::from_millis(seconds * 1_000),
        data: change.to_string().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use pelton_core::Batch;
    use pelton_core::event::kinesis::{KinesisEncoder, KinesisOrigin, KinesisRecord};
    use pelton_core::event::page::records_envelope;

    #[test]
    fn an_event_holds_the_records_that_it_was_made_of() {
        let arrival = Timestamp::from_millis(1_545_084_650_987);
        let encoder = KinesisEncoder::new(KinesisOrigin {
            shard_id: "shardId-1".into(),
            event_source_arn: "arn:aws:kinesis:r:1:stream/s".into(),
            region: "r".into(),
            invoke_identity_arn: "role".into(),
        });
        let records = [(Some("k"), &b"\xff{}"[..]), (None, &b""[..])].map(|(partition_key, data)| {
            KinesisRecord { sequence_number: "495", partition_key, data, arrival }
        });
        let batch = Batch::new(encoder.encode(records, 0).into_records(Bytes::from), records_envelope());
        let expected = records.map(|record| ShownRecord {
            shard: "shardId-1".to_owned(),
            sequence_number: "495".to_owned(),
            partition_key: record.partition_key.map(str::to_owned),
            arrival,
            data: record.data.to_vec(),
        });
        assert_eq!(records_of_event(&batch.body().concat()).unwrap(), expected);
        records_of_event(b"{}").unwrap_err();
    }
}
