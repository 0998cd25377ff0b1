//! Finds the stream of a table.
//!
//! In: the name of a table. Out: the ARN of the stream that a mapping of it reads, or that it has none. An answer counts only if the
//! next one repeats it: which stream it is decides to what the positions of a mapping belong.

use super::client::DynamoDbStreamsClient;
use crate::agreement::{agreed, same};
use crate::clock::Clock;
use crate::ports::SourceError;
use crate::source::api_error::{ApiError, ApiErrorKind};
use aws_sdk_dynamodbstreams::types::{Stream, StreamStatus};
use pelton_core::table_stream::{TableStream, current};
use pelton_model::StreamArn;

const LIST: &str = "ListStreams";
const DESCRIBE: &str = "DescribeStream";

/// The stream that a mapping of the table reads; `None`: the table has none, or there is no such table. Cancelling is safe.
///
/// # Errors
/// If the endpoint refuses, or goes on not answering or contradicting itself.
pub async fn find_stream_of_table(
    client: &DynamoDbStreamsClient,
    table: &str,
    clock: &Clock,
) -> Result<Option<StreamArn>, SourceError> {
    let ask = async || client.look_for_stream(table).await;
    let contradiction = SourceError::Senseless { operation: LIST, flaw: "each answer names another stream" };
    agreed(ask, same, contradiction, clock).await
}

impl DynamoDbStreamsClient {
    /// The same by one answer.
    async fn look_for_stream(&self, table: &str) -> Result<Option<StreamArn>, SourceError> {
        let listed = self.streams_of(table).await?;
        let mut streams = Vec::new();
        for stream in &listed {
            let Some(arn) = stream.stream_arn() else { continue };
            // The only one is read whatever its status, and DescribeStream may not be called often.
            let is_enabled = listed.len() == 1 || self.is_enabled(arn, table).await?;
            let label = stream.stream_label().unwrap_or_default().to_owned();
            streams.push(TableStream { arn: arn.to_owned(), label, is_enabled });
        }
        let Some(stream) = current(streams) else { return Ok(None) };
        match stream.arn.parse::<StreamArn>() {
            Ok(arn) if arn.name == table => Ok(Some(arn)),
            Ok(_) => {
                Err(self.of_table(table, ApiError::senseless(LIST, "it names a stream of another table")))
            }
            Err(_) => Err(self.of_table(table, ApiError::senseless(LIST, "it names no ARN of a stream"))),
        }
    }

    /// ListStreams, page by page.
    async fn streams_of(&self, table: &str) -> Result<Vec<Stream>, SourceError> {
        let mut streams: Vec<Stream> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let turn = self.turn().await;
            let call = self.sdk().list_streams().table_name(table);
            let call = call.set_exclusive_start_stream_arn(after.take()).send();
            let answer = Box::pin(call).await;
            drop(turn);
            let answer = match answer.map_err(|error| ApiError::new(LIST, error)) {
                Ok(answer) => answer,
                // There is no such table, or not yet.
                Err(refusal) if refusal.kind == ApiErrorKind::NotFound => return Ok(Vec::new()),
                Err(refusal) => return Err(self.of_table(table, refusal)),
            };
            if answer.streams.is_none() {
                return Err(self.of_table(table, ApiError::senseless(LIST, "it has no list of streams")));
            }
            let page = answer.streams();
            if page.iter().any(|stream| streams.iter().any(|known| known.stream_arn() == stream.stream_arn()))
            {
                return Err(self.of_table(table, ApiError::senseless(LIST, "a page comes again")));
            }
            streams.extend_from_slice(page);
            match answer.last_evaluated_stream_arn() {
                None => break,
                Some(_) if page.is_empty() => {
                    let flaw = "an empty page promises another one";
                    return Err(self.of_table(table, ApiError::senseless(LIST, flaw)));
                }
                Some(last) => after = Some(last.to_owned()),
            }
        }
        // A server that knows no tables' names names all streams.
        streams.retain(|stream| stream.table_name().is_none_or(|name| name == table));
        Ok(streams)
    }

    /// One that has gone since it was listed is not.
    async fn is_enabled(&self, arn: &str, table: &str) -> Result<bool, SourceError> {
        let _turn = self.turn_to_describe().await;
        let call = self.sdk().describe_stream().stream_arn(arn).limit(1).send();
        let described = match Box::pin(call).await.map_err(|error| ApiError::new(DESCRIBE, error)) {
            Ok(answer) => answer.stream_description,
            Err(refusal) if refusal.kind == ApiErrorKind::NotFound => return Ok(false),
            Err(refusal) => return Err(self.of_table(table, refusal)),
        };
        let described = described.filter(|described| described.stream_arn() == Some(arn));
        let status = described.and_then(|described| described.stream_status().cloned());
        match status {
            Some(status) => Ok(matches!(status, StreamStatus::Enabled | StreamStatus::Enabling)),
            None => {
                Err(self.of_table(table, ApiError::senseless(DESCRIBE, "it names no status of that stream")))
            }
        }
    }

    fn of_table(&self, table: &str, refusal: ApiError) -> SourceError {
        refusal.into_source_error(self.endpoint(), || format!("the table {table}"))
    }
}
