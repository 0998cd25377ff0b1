//! Records as an invocation event: the JSON that Pelton writes, too, and nothing else.

use aws_sdk_kinesis::types::Record;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::io::Write as _;

/// What stands in a record beside its data, about.
const RECORD_BYTES_BESIDE_DATA: usize = 600;

/// Writes the events of one shard.
pub(crate) struct Encoder {
    /// Everything after the arrival time and before the sequence number of `eventID`.
    middle: String,
    /// Everything after `eventID`.
    tail: String,
}

impl Encoder {
    pub(crate) fn new(shard: &str, stream: &str) -> Self {
        Self {
            middle: format!(r#"}},"eventSource":"aws:kinesis","eventVersion":"1.0","eventID":"{shard}:"#),
            tail: format!(
                r#"","eventName":"aws:kinesis:record","invokeIdentityArn":"arn:aws:iam::000000000000:role/bare","awsRegion":"us-east-1","eventSourceARN":"arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"}}"#
            ),
        }
    }

    /// One event.
    pub(crate) fn event(&self, records: &[Record]) -> Bytes {
        let data: usize = records.iter().map(|record| record.data().as_ref().len()).sum();
        let mut event = Vec::with_capacity(data * 4 / 3 + records.len() * RECORD_BYTES_BESIDE_DATA);
        event.extend_from_slice(br#"{"Records":["#);
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                event.push(b',');
            }
            self.append(record, &mut event);
        }
        event.extend_from_slice(b"]}");
        event.into()
    }

    fn append(&self, record: &Record, event: &mut Vec<u8>) {
        let (key, number) = (record.partition_key().unwrap_or_default(), record.sequence_number());
        write!(
            event,
            r#"{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"{key}","sequenceNumber":"{number}","data":""#
        )
        .expect("memory can be written");
        let start = event.len();
        let data = record.data().as_ref();
        event.resize(start + data.len().div_ceil(3) * 4, 0);
        STANDARD.encode_slice(data, &mut event[start..]).expect("there is room for it");
        let arrival = record.approximate_arrival_timestamp().map_or(0.0, |arrival| arrival.as_secs_f64());
        write!(event, r#"","approximateArrivalTimestamp":{arrival}{}{number}{}"#, self.middle, self.tail)
            .expect("memory can be written");
    }
}
