//! Records of Kinesis Data Streams.

use crate::record::Record;
use crate::response::ItemIdentifier;
use crate::sequence_number::SequenceNumber;
use crate::source::{Run, Source, StreamEvent, UnusableRecord};
use aws_lambda_events::kinesis::KinesisEventRecord;
use std::borrow::Cow;

/// Kinesis Data Streams.
#[derive(Clone, Copy, Debug)]
pub enum Kinesis {}

impl Source for Kinesis {
    type Record = KinesisEventRecord;
    type Event = StreamEvent<KinesisEventRecord>;

    fn record<'a>(
        _run: &'a Run<KinesisEventRecord>,
        raw: &'a KinesisEventRecord,
    ) -> Result<Record<'a, Self>, UnusableRecord> {
        let id = raw.event_id.as_deref().and_then(|id| id.split_once(':'));
        let (shard, _) = id.ok_or(UnusableRecord::without("eventID"))?;
        let stream = raw.event_source_arn.as_deref();
        let sequence_number = SequenceNumber::new(raw.kinesis.sequence_number.as_str());
        let key = raw.kinesis.partition_key.as_str();
        Ok(Record {
            stream: stream.ok_or(UnusableRecord::without("eventSourceARN"))?,
            shard: Cow::Borrowed(shard),
            sequence_number: sequence_number.map_err(|_| UnusableRecord::without("sequenceNumber"))?,
            key: (!key.is_empty()).then_some(Cow::Borrowed(key)),
            raw,
        })
    }

    /// The lowest sequence number wins: everything from it on comes again.
    fn failures(rest: &[Record<'_, Self>]) -> Vec<ItemIdentifier> {
        ItemIdentifier::of_the_first(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Invocation;

    /// The shape that AWS documents and sends.
    const EVENT: &str = r#"{"Records":[{"kinesis":{"kinesisSchemaVersion":"1.0","partitionKey":"1",
        "sequenceNumber":"49590338271490256608559692538361571095921575989136588898",
        "data":"SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==","approximateArrivalTimestamp":1545084650.987},
        "eventSource":"aws:kinesis","eventVersion":"1.0",
        "eventID":"shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
        "eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion":"us-east-2","eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream"}]}"#;

    fn run(event: &str) -> Run<KinesisEventRecord> {
        let event: StreamEvent<KinesisEventRecord> = serde_json::from_str(event).unwrap();
        Invocation::from(event).runs.remove(0)
    }

    #[test]
    fn a_record_tells_its_place() {
        let run = run(EVENT);
        let record = Kinesis::record(&run, &run.records[0]).unwrap();
        assert_eq!(record.stream, "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream");
        assert_eq!(record.shard, "shardId-000000000006");
        assert_eq!(
            record.sequence_number.as_str(),
            "49590338271490256608559692538361571095921575989136588898"
        );
        assert_eq!(record.key.as_deref(), Some("1"));
        assert_eq!(record.raw.kinesis.data.0, b"Hello, this is a test.");
    }

    #[test]
    fn a_record_may_have_no_partition_key() {
        let run = run(&EVENT.replace("\"partitionKey\":\"1\",", ""));
        assert_eq!(Kinesis::record(&run, &run.records[0]).unwrap().key, None);
    }

    #[test]
    fn a_record_that_kinesis_did_not_send_is_refused() {
        for field in ["eventID", "eventSourceARN", "sequenceNumber"] {
            let run = run(&EVENT.replace(&format!("\"{field}\""), "\"somethingElse\""));
            let error = Kinesis::record(&run, &run.records[0]).unwrap_err();
            assert!(error.to_string().contains(field), "{error}");
        }
    }
}
