//! What differs between the APIs that the proxy stands in front of: one table, a row per API.

use super::fault::Refusal;
use super::lies::{LIES, Lie};
use super::weather::Operation;

/// An API of a stream.
#[derive(Debug)]
pub(super) struct Api {
    /// What `X-Amz-Target` begins with.
    target: &'static str,
    /// The content type of its answers.
    pub(super) content_type: &'static str,
    /// The code of an error inside the service.
    pub(super) internal_failure: &'static str,
    /// Whether GetRecords tells how far behind it is.
    pub(super) tells_millis_behind: bool,
    /// How GetRecords is refused by chance, each as often as it stands here.
    pub(super) reads_refused: &'static [Refusal],
    /// How GetShardIterator is refused by chance.
    pub(super) iterators_refused: &'static [Refusal],
    /// Whether a client can see that records or an iterator are of another shard.
    shows_foreign_records: bool,
}

const KINESIS: Api = Api {
    target: "Kinesis_20131202",
    content_type: "application/x-amz-json-1.1",
    internal_failure: "InternalFailure",
    tells_millis_behind: true,
    reads_refused: &[
        Refusal::ThroughputExceeded,
        Refusal::ExpiredIterator,
        Refusal::ExpiredIterator,
        Refusal::KmsThrottled,
        Refusal::KmsAccessDenied,
        Refusal::KmsDisabled,
    ],
    iterators_refused: &[Refusal::ThroughputExceeded],
    shows_foreign_records: true,
};

/// Its sequence numbers do not name their shard, nor do its records or iterators.
const DYNAMODB_STREAMS: Api = Api {
    target: "DynamoDBStreams_20120810",
    content_type: "application/x-amz-json-1.0",
    internal_failure: "InternalServerError",
    tells_millis_behind: false,
    reads_refused: &[
        Refusal::ThroughputExceeded,
        Refusal::LimitExceeded,
        Refusal::ExpiredIterator,
        Refusal::ExpiredIterator,
        Refusal::Throttled,
    ],
    iterators_refused: &[Refusal::LimitExceeded, Refusal::Throttled],
    shows_foreign_records: false,
};

impl Api {
    /// The API that a request asks, by its header `X-Amz-Target`. Whatever is unknown is answered like Kinesis.
    pub(super) fn of_target(target: &str) -> &'static Self {
        let is_dynamodb = target.split('.').next() == Some(DYNAMODB_STREAMS.target);
        if is_dynamodb { &DYNAMODB_STREAMS } else { &KINESIS }
    }

    /// The lies about an operation that a client can see through.
    pub(super) fn lies(&self, operation: Operation) -> Vec<Lie> {
        let is_of_shard = matches!(operation, Operation::GetRecords | Operation::GetShardIterator);
        let shows_foreign = self.shows_foreign_records || !is_of_shard;
        LIES.into_iter().filter(|lie| shows_foreign || *lie != Lie::Foreign).collect()
    }
}
