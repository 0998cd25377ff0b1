//! Stands between the network and the embedded stream.
//!
//! In: every request. Out: its answer, unchanged; and word to [`Arrivals`] once records are in.
//!
//! A put first numbers its records and then stores them, and two puts at once may store in another order than they
//! number: a reader in between would pass over the record that is stored last. So puts go one at a time, and no read
//! runs beside one. Nothing waits for the network meanwhile: a request is let in once it is complete.

use super::arrivals::Arrivals;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;
use tokio::sync::RwLock;

/// Largest request: 10 MiB of records (specification 13) in base64, and what stands around them.
pub(super) const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most reads at once. Each takes a copy of the list of the stream's shards: five megabytes if it has ten thousand.
const READS_AT_ONCE_MAX: u32 = 16;

/// Lets requests in.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    arrivals: Arrivals,
    /// Held alone by puts, shared by reads.
    turn: Arc<RwLock<()>>,
}

/// What a request does, as far as the gate cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Put,
    Read,
    Reshard,
    Other,
}

impl Gate {
    pub(super) fn new(arrivals: Arrivals) -> Self {
        Self { arrivals, turn: Arc::new(RwLock::with_max_readers((), READS_AT_ONCE_MAX)) }
    }
}

/// The middleware.
pub(super) async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match deed(request.headers()) {
        Deed::Put => put(&gate, request, next).await,
        Deed::Read => match complete(request).await {
            Ok((request, _)) => {
                let _beside_other_reads = gate.turn.read().await;
                next.run(request).await
            }
            Err(refusal) => refusal,
        },
        Deed::Reshard => {
            let answer = next.run(request).await;
            gate.arrivals.wake_all();
            answer
        }
        Deed::Other => next.run(request).await,
    }
}

async fn put(gate: &Gate, request: Request, next: Next) -> Response {
    let (request, body) = match complete(request).await {
        Ok(complete) => complete,
        Err(refusal) => return refusal,
    };
    let answer = {
        let _alone = gate.turn.write().await;
        next.run(request).await
    };
    if answer.status() != StatusCode::OK {
        return answer;
    }
    let (parts, answer_body) = answer.into_parts();
    // The stream server answers puts from memory: this waits for nothing.
    let Ok(answer_body) = to_bytes(answer_body, REQUEST_BYTES_MAX).await else {
        gate.arrivals.wake_all();
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    wake(&gate.arrivals, &body, &answer_body);
    Response::from_parts(parts, Body::from(answer_body))
}

/// Waits until the whole request is there.
async fn complete(request: Request) -> Result<(Request, Bytes), Response> {
    let (parts, body) = request.into_parts();
    match to_bytes(body, REQUEST_BYTES_MAX).await {
        Ok(body) => Ok((Request::from_parts(parts, Body::from(body.clone())), body)),
        Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE.into_response()),
    }
}

fn deed(headers: &HeaderMap) -> Deed {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    match target.rsplit('.').next().unwrap_or_default() {
        "PutRecord" | "PutRecords" => Deed::Put,
        "GetRecords" | "GetShardIterator" => Deed::Read,
        "SplitShard" | "MergeShards" | "UpdateShardCount" | "DeleteStream" => Deed::Reshard,
        _ => Deed::Other,
    }
}

/// The stream that a put names.
#[derive(Deserialize)]
struct Put<'a> {
    #[serde(rename = "StreamName", borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(rename = "StreamARN", borrow, default)]
    arn: Option<Cow<'a, str>>,
}

/// Where the records went: at the top for PutRecord, in a list for PutRecords.
#[derive(Deserialize)]
struct PutAnswer<'a> {
    #[serde(rename = "ShardId", borrow, default)]
    shard: Option<Cow<'a, str>>,
    #[serde(rename = "Records", borrow, default)]
    records: Vec<PutAnswer<'a>>,
}

/// Wakes the shards that took records. A body that cannot be read, such as CBOR, wakes all.
fn wake(arrivals: &Arrivals, put: &[u8], answer: &[u8]) {
    let (Ok(put), Ok(answer)) = (serde_json::from_slice::<Put<'_>>(put), serde_json::from_slice(answer))
    else {
        return arrivals.wake_all();
    };
    let of_arn = put.arn.as_deref().and_then(|arn| arn.rsplit_once('/')).map(|(_, name)| name);
    let Some(stream) = put.name.as_deref().or(of_arn) else { return arrivals.wake_all() };
    let PutAnswer { shard, records } = answer;
    let mut shards: Vec<&str> =
        shard.iter().chain(records.iter().filter_map(|r| r.shard.as_ref())).map(|s| &**s).collect();
    shards.sort_unstable();
    shards.dedup();
    arrivals.wake(stream, shards);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the shards 0 and 1 of `orders` a put wakes.
    #[track_caller]
    fn check(put: &[u8], answer: &[u8], expected: [bool; 2]) {
        let arrivals = Arrivals::default();
        let shards = ["shardId-0", "shardId-1"].map(|shard| arrivals.watch("orders", shard));
        wake(&arrivals, put, answer);
        assert_eq!(shards.map(|shard| shard.has_changed().unwrap()), expected);
    }

    #[test]
    fn a_put_wakes_the_shards_that_took_its_records() {
        let one = br#"{"ShardId":"shardId-1","SequenceNumber":"4"}"#;
        let many = br#"{"FailedRecordCount":1,"Records":[{"ShardId":"shardId-0","SequenceNumber":"4"},
            {"ErrorCode":"ProvisionedThroughputExceededException"},{"ShardId":"shardId-0","SequenceNumber":"5"}]}"#;
        check(br#"{"Data":"YQ==","StreamName":"orders"}"#, one, [false, true]);
        check(br#"{"StreamName":"orders","Records":[{"Data":"YQ=="}]}"#, many, [true, false]);
        check(br#"{"StreamARN":"arn:aws:kinesis:us-east-1:000000000000:stream/orders"}"#, one, [false, true]);
        check(br#"{"StreamName":"clicks"}"#, one, [false, false]);
    }

    #[test]
    fn a_put_that_cannot_be_read_wakes_all() {
        check(b"\xbfjStreamName", b"\xbfgShardId", [true, true]);
    }
}
