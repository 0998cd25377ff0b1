//! The requests of the API.

use super::answer::ApiError;
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListStreams {
    pub(super) table_name: Option<String>,
    pub(super) limit: Option<i64>,
    pub(super) exclusive_start_stream_arn: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DescribeStream {
    pub(super) stream_arn: String,
    pub(super) limit: Option<i64>,
    pub(super) exclusive_start_shard_id: Option<String>,
    pub(super) shard_filter: Option<ShardFilter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShardFilter {
    #[serde(rename = "Type")]
    kind: Option<String>,
    shard_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetShardIterator {
    pub(super) stream_arn: String,
    pub(super) shard_id: String,
    pub(super) shard_iterator_type: String,
    sequence_number: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetRecords {
    pub(super) shard_iterator: String,
    pub(super) limit: Option<i64>,
}

impl ShardFilter {
    /// The shard whose children are asked for.
    pub(super) fn parent(&self) -> Result<&str, ApiError> {
        match (self.kind.as_deref(), self.shard_id.as_deref()) {
            (Some("CHILD_SHARDS"), Some(shard)) => Ok(shard),
            _ => Err(ApiError::Validation("A shard filter is CHILD_SHARDS of a ShardId".to_owned())),
        }
    }
}

impl GetShardIterator {
    pub(super) fn number(&self) -> Result<u128, ApiError> {
        let number = self.sequence_number.as_deref().and_then(|number| number.parse().ok());
        number.ok_or_else(|| ApiError::Validation("Invalid SequenceNumber".to_owned()))
    }
}

/// The request in a body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => ApiError::Validation(format!("1 validation error: {error}")),
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => ApiError::Serialization(error.to_string()),
    })
}

/// The limit of a page: what was asked for, or the API's own.
pub(super) fn limit(asked: Option<i64>, max: usize) -> Result<usize, ApiError> {
    let Some(asked) = asked else { return Ok(max) };
    let limit = usize::try_from(asked).ok().filter(|limit| (1..=max).contains(limit));
    limit.ok_or_else(|| {
        let bound = if asked < 1 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {max}") };
        ApiError::Validation(format!(
            "1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: Member must have value {bound}"
        ))
    })
}
