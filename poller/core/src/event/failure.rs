//! What an on-failure destination is told of records that were given up (specification 4.5).
//!
//! In: a failure of the core, and where it comes from. Out: one JSON object on one line. Exactly AWS's keys in AWS's order; a
//! member that AWS leaves out is absent, and one that AWS sets to null is null.

mod batch_info;
mod topic;

pub use topic::TopicMessage;

use super::kafka::KafkaCluster;
use super::{iso_8601_millis, utc};
use crate::giving_up::{Failure, GiveUp};
use crate::invocation::HowFailed;
use crate::time::Timestamp;
use batch_info::{BatchInfo, FailureSource};
use serde::Serialize;
use serde_json::value::RawValue;

/// Version of the records' format.
const FORMAT_VERSION: &str = "1.0";
/// Status of an invocation that reached its function, whatever came of it.
const INVOKED: u16 = 200;
/// The version that ran: Pelton's functions have no other.
const EXECUTED_VERSION: &str = "$LATEST";
/// What AWS calls every failure of a function itself.
const UNHANDLED: &str = "Unhandled";

/// Makes the records of one mapping's failures.
#[derive(Clone, Debug)]
pub struct FailureEncoder {
    source: FailureSource,
    function_arn: String,
}

/// A failure, and what its record says beside it.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What was given up. It holds at least one record.
    pub failure: &'a Failure,
    /// The shard of the records.
    pub shard_id: &'a str,
    /// When they were given up.
    pub at: Timestamp,
    /// The request id to show where no invocation that reached the function had one: a fresh UUID.
    pub fresh_request_id: &'a str,
}

impl FailureEncoder {
    /// For a mapping of a Kinesis stream. `function_arn` is the ARN of the mapping's function.
    #[must_use]
    pub fn kinesis(stream_arn: &str, function_arn: &str) -> Self {
        Self::new(FailureSource::Kinesis { stream_arn: stream_arn.to_owned() }, function_arn)
    }

    /// For a mapping of a table's stream.
    #[must_use]
    pub fn dynamodb(stream_arn: &str, function_arn: &str) -> Self {
        Self::new(FailureSource::DynamoDb { stream_arn: stream_arn.to_owned() }, function_arn)
    }

    /// For a mapping of a topic of Kafka.
    #[must_use]
    pub fn kafka(cluster: KafkaCluster, function_arn: &str) -> Self {
        Self::new(FailureSource::Kafka(cluster), function_arn)
    }

    fn new(source: FailureSource, function_arn: &str) -> Self {
        Self { source, function_arn: function_arn.to_owned() }
    }

    /// The record for a queue of SQS or a topic of SNS: which records they are, and why.
    ///
    /// # Panics
    ///
    /// If the failure is of no records.
    #[must_use]
    pub fn metadata(&self, report: &Report<'_>) -> String {
        self.of_batch(report, None)
    }

    /// The record for a bucket or a file: the same, and the whole event that was given up, as a string of JSON.
    ///
    /// # Panics
    ///
    /// If the failure is of no records.
    #[must_use]
    pub fn with_payload(&self, report: &Report<'_>) -> String {
        let event = report.failure.batch.body().concat();
        self.of_batch(report, Some(Payload::Text(&String::from_utf8_lossy(&event))))
    }

    fn of_batch(&self, report: &Report<'_>, payload: Option<Payload<'_>>) -> String {
        let batch_info = self.source.batch_info(&report.failure.batch, report.shard_id);
        self.document(report, batch_info, payload)
    }

    fn document(
        &self,
        report: &Report<'_>,
        batch_info: BatchInfo<'_>,
        payload: Option<Payload<'_>>,
    ) -> String {
        let failure = report.failure;
        let request_id = failure.last_reached.as_ref().and_then(|reached| reached.request_id.as_deref());
        let document = Document {
            request_context: RequestContext {
                request_id: request_id.unwrap_or(report.fresh_request_id),
                function_arn: &self.function_arn,
                condition: condition(failure.reason),
                approximate_invoke_count: failure.attempts.max(1),
            },
            response_context: response_context(failure),
            version: FORMAT_VERSION,
            timestamp: iso_8601_millis(report.at),
            batch_info,
            payload,
        };
        serde_json::to_string(&document).expect("texts and numbers are always JSON")
    }
}

/// Where a bucket keeps the record of a failure: `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-OBJECT`, in UTC, at the
/// moment that the record shows. `mapping` is the UUID of the mapping, `object` a random one.
#[must_use]
pub fn object_key(mapping: &str, shard_id: &str, at: Timestamp, object: &str) -> String {
    let (day, second) = (utc(at).strftime("%Y/%m/%d"), utc(at).strftime("%Y-%m-%dT%H.%M.%S"));
    format!("aws/lambda/{mapping}/{shard_id}/{day}/{second}-{object}")
}

/// The stream no longer keeping a record is an age, too: AWS names no condition of its own for it. That of an event that is too
/// large is documented for Kafka. One example of AWS, a message for a topic, has `RetriesExhausted`; all others, and the condition's
/// description, have the name here.
fn condition(reason: GiveUp) -> &'static str {
    match reason {
        GiveUp::TooOld | GiveUp::Expired => "RecordAgeExceeded",
        GiveUp::RetriesExhausted => "RetryAttemptsExhausted",
        GiveUp::TooLarge => "MaximumPayloadSizeExceeded",
    }
}

/// The outer `None` is absent, the inner one null.
fn response_context(failure: &Failure) -> Option<Option<ResponseContext>> {
    match failure.reason {
        GiveUp::TooOld | GiveUp::Expired => None,
        GiveUp::TooLarge => Some(None),
        GiveUp::RetriesExhausted => {
            let function_error = match failure.last_reached.as_ref().map(|reached| reached.how) {
                Some(HowFailed::FunctionError) => Some(UNHANDLED),
                Some(HowFailed::Reported) | None => None,
            };
            Some(Some(ResponseContext {
                status_code: INVOKED,
                executed_version: EXECUTED_VERSION,
                function_error,
            }))
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    request_context: RequestContext<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_context: Option<Option<ResponseContext>>,
    version: &'static str,
    timestamp: String,
    #[serde(flatten)]
    batch_info: BatchInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<Payload<'a>>,
}

/// The event of records that were given up.
#[derive(Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    /// As a string of JSON.
    Text(&'a str),
    /// As it is.
    Event(&'a RawValue),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: &'a str,
    function_arn: &'a str,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseContext {
    status_code: u16,
    executed_version: &'static str,
    function_error: Option<&'static str>,
}

#[cfg(test)]
mod tests;
