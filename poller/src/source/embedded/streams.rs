//! Creates the streams of a template where they do not exist yet.

use crate::clock::Clock;
use crate::ports::Cause;
use crate::source::api_error::{ApiError, ApiErrorKind};
use crate::source::aws::KinesisClient;
use aws_sdk_kinesis::types::StreamStatus;
use pelton_model::Stream;
use std::time::Duration;

/// The retention of a new stream, in hours (Kinesis API, CreateStream).
pub const RETENTION_HOURS_DEFAULT: u32 = 24;

/// The largest record of a new stream, in KiB (Kinesis API, CreateStream).
pub const RECORD_KIB_MAX_DEFAULT: u32 = 1024;

/// How often a stream that is being created is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// How long a stream may take to become active. AWS takes about half a minute.
const ACTIVE_AFTER_MAX: Duration = Duration::from_secs(120);

/// Why a stream is not there.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The endpoint refused or could not be reached.
    #[error("the stream {stream} cannot be created: {operation} failed")]
    Refused {
        /// The stream's name.
        stream: String,
        /// The API call.
        operation: &'static str,
        /// What the endpoint said.
        source: Cause,
    },
    /// It was created, and takes too long.
    #[error("the stream {stream} did not become active within two minutes")]
    NotActive {
        /// The stream's name.
        stream: String,
    },
}

/// Creates those of `streams` that do not exist, and waits until all are active. Streams that exist are left as they are.
///
/// Out: the names of those it created. Cancelling leaves what was created.
pub async fn create_streams(
    client: &KinesisClient,
    clock: &Clock,
    streams: &[Stream],
) -> Result<Vec<String>, CreateError> {
    let mut created = Vec::new();
    for stream in streams {
        if create(client, stream).await? {
            await_active(client, clock, stream).await?;
            set_retention(client, stream).await?;
            tracing::info!(stream = %stream.name, shards = stream.shard_count, "stream created");
            created.push(stream.name.clone());
        } else {
            await_active(client, clock, stream).await?;
        }
    }
    Ok(created)
}

/// Says what the embedded stream does otherwise than these streams would on AWS.
pub fn warn_of_differences(streams: &[Stream]) {
    for stream in streams.iter().filter(|stream| stream.record_kib_max != RECORD_KIB_MAX_DEFAULT) {
        tracing::warn!(
            stream = %stream.name,
            asked_kib = stream.record_kib_max,
            taken_kib = RECORD_KIB_MAX_DEFAULT,
            "the embedded stream takes no larger records, whatever MaxRecordSizeInKiB says"
        );
    }
}

/// Whether the stream is new.
async fn create(client: &KinesisClient, stream: &Stream) -> Result<bool, CreateError> {
    let shards = i32::try_from(stream.shard_count).unwrap_or(i32::MAX);
    let mut call = client.sdk().create_stream().stream_name(&stream.name).shard_count(shards);
    if stream.record_kib_max != RECORD_KIB_MAX_DEFAULT {
        call = call.max_record_size_in_kib(i32::try_from(stream.record_kib_max).unwrap_or(i32::MAX));
    }
    match call.send().await.map_err(|error| ApiError::new("CreateStream", error)) {
        Ok(_) => Ok(true),
        Err(error) if error.kind == ApiErrorKind::InUse => Ok(false),
        Err(error) => Err(refused(stream, error)),
    }
}

async fn await_active(client: &KinesisClient, clock: &Clock, stream: &Stream) -> Result<(), CreateError> {
    let deadline = clock.now().after(ACTIVE_AFTER_MAX);
    loop {
        let call = client.sdk().describe_stream_summary().stream_name(&stream.name).send();
        let answer =
            call.await.map_err(|error| refused(stream, ApiError::new("DescribeStreamSummary", error)))?;
        let status = answer.stream_description_summary().map(|summary| summary.stream_status().clone());
        if matches!(status, Some(StreamStatus::Active | StreamStatus::Updating)) {
            return Ok(());
        }
        if clock.now() >= deadline {
            return Err(CreateError::NotActive { stream: stream.name.clone() });
        }
        clock.sleep(LOOK_INTERVAL).await;
    }
}

async fn set_retention(client: &KinesisClient, stream: &Stream) -> Result<(), CreateError> {
    if stream.retention_hours == RETENTION_HOURS_DEFAULT {
        return Ok(());
    }
    let hours = i32::try_from(stream.retention_hours).unwrap_or(i32::MAX);
    let call = client
        .sdk()
        .increase_stream_retention_period()
        .stream_name(&stream.name)
        .retention_period_hours(hours)
        .send();
    call.await
        .map(drop)
        .map_err(|error| refused(stream, ApiError::new("IncreaseStreamRetentionPeriod", error)))
}

fn refused(stream: &Stream, error: ApiError) -> CreateError {
    CreateError::Refused { stream: stream.name.clone(), operation: error.operation, source: error.cause }
}
