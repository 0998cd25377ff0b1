//! What a handler answers.
//!
//! ```json
//! {"batchItemFailures":[{"itemIdentifier":"49590338271490256608559692538361571095921575989136588898"}],"state":{"1":282}}
//! ```

use crate::record::Record;
use crate::source::Source;
use serde::Serialize;
use serde_json::value::RawValue;

/// The answer to an invocation that did not fail as a whole.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// What is to come again; nothing if all went well. Counts only if the mapping's FunctionResponseTypes has
    /// ReportBatchItemFailures.
    pub batch_item_failures: Vec<BatchItemFailure>,
    /// The state of the tumbling window: always there if the event had a window, as without it the invocation counts as
    /// failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<Box<RawValue>>,
}

/// A record that is to come again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// Its name.
    pub item_identifier: ItemIdentifier,
}

/// How a record is named in an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ItemIdentifier {
    /// Of Kinesis and DynamoDB Streams.
    SequenceNumber(String),
    /// Of Kafka.
    Offset {
        /// Topic and partition: `orders-0`.
        partition: String,
        /// Within the partition.
        offset: i64,
    },
}

impl ItemIdentifier {
    /// The sequence number of the first record, if there is one.
    pub(crate) fn of_the_first<S: Source>(rest: &[Record<'_, S>]) -> Vec<Self> {
        rest.iter()
            .take(1)
            .map(|record| Self::SequenceNumber(record.sequence_number.as_str().to_owned()))
            .collect()
    }
}
