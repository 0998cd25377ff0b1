//! A Kinesis record, as a handler that keeps order needs it.
//!
//! In: a record of the event. Out: where it stands in its stream, and its payload. Fails on what Kinesis never sends.

use aws_lambda_events::kinesis::KinesisEventRecord;
use std::cmp::Ordering;

/// One record and its place.
///
/// The arrival time is left out on purpose: `aws_lambda_events` reads `….9` as 9 ms past the second.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// ARN of the stream.
    pub stream: &'a str,
    /// Id of the shard.
    pub shard: &'a str,
    /// Names the record in its shard: decimal digits, growing, with gaps.
    pub sequence_number: &'a str,
    /// Records of the same key come in order. Empty if the record has none.
    pub partition_key: &'a str,
    /// The payload, decoded.
    pub data: &'a [u8],
}

/// The event holds something that Kinesis does not send. No retry will help.
#[derive(Debug, thiserror::Error)]
#[error("a record of the event has no usable {field}: was this event sent by a Kinesis mapping?")]
pub struct NotAKinesisRecord {
    /// The field of the event.
    field: &'static str,
}

impl<'a> Record<'a> {
    /// Takes what is needed out of a record of the event.
    pub fn new(record: &'a KinesisEventRecord) -> Result<Self, NotAKinesisRecord> {
        let missing = |field| NotAKinesisRecord { field };
        let event_id = record.event_id.as_deref().ok_or(missing("eventID"))?;
        let (shard, _) = event_id.split_once(':').ok_or(missing("eventID"))?;
        let sequence_number = record.kinesis.sequence_number.as_str();
        if sequence_number.is_empty() || !sequence_number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(missing("sequenceNumber"));
        }
        Ok(Self {
            stream: record.event_source_arn.as_deref().ok_or(missing("eventSourceARN"))?,
            shard,
            sequence_number,
            partition_key: &record.kinesis.partition_key,
            data: &record.kinesis.data,
        })
    }

    /// What names the records that this one must stay in order with.
    ///
    /// A record without a partition key has no order to keep: it stands alone.
    pub(crate) fn order_key(&self) -> &'a str {
        if self.partition_key.is_empty() { self.sequence_number } else { self.partition_key }
    }

    /// Whether this record comes after the one named `sequence_number` in the same shard.
    pub(crate) fn is_after(&self, sequence_number: &str) -> bool {
        compare(self.sequence_number, sequence_number) == Ordering::Greater
    }
}

/// Compares decimal numbers of any length; they exceed every integer type.
fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (left.trim_start_matches('0'), right.trim_start_matches('0'));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lambda_events::kinesis::KinesisEvent;

    /// The shape that AWS documents and sends.
    const EVENT: &str = r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1",
        "sequenceNumber":"49590338271490256608559692538361571095921575989136588898",
        "data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","approximateArrivalTimestamp":1545084650.987},
        "eventSource":"aws:kinesis","eventVersion":"1.0",
        "eventID":"shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}]}"#;

    fn event(text: &str) -> KinesisEvent {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_record_of_aws_tells_its_place_and_its_payload() {
        let event = event(EVENT);
        let record = Record::new(&event.records[0]).unwrap();
        assert_eq!(record.stream, "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream");
        assert_eq!(record.shard, "shardId-000000000006");
        assert_eq!(record.sequence_number, "49590338271490256608559692538361571095921575989136588898");
        assert_eq!(record.partition_key, "1");
        assert_eq!(record.data, b"Hello, this is a test.");
    }

    #[test]
    fn a_record_that_kinesis_did_not_send_is_refused() {
        for field in ["eventID", "eventSourceARN", "sequenceNumber"] {
            let event = event(&EVENT.replace(&format!("\"{field}\""), "\"somethingElse\""));
            let error = Record::new(&event.records[0]).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
    }

    #[test]
    fn sequence_numbers_are_compared_as_numbers() {
        for (left, right, expected) in [
            ("9", "10", Ordering::Less),
            ("49590338271490256608559692538361571095921575989136588898", "5", Ordering::Greater),
            ("007", "7", Ordering::Equal),
            ("0", "", Ordering::Equal),
        ] {
            assert_eq!(compare(left, right), expected, "{left} and {right}");
        }
    }
}
