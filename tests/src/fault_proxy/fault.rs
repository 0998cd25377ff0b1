//! What can go wrong with a call, as AWS and networks do it.

use super::api::Api;
use super::connection::Answer;
use super::lies::Lie;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// What the data of a record begins with that grows.
pub const GROWS: &[u8] = b"large";

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service refuses it; the endpoint behind is not asked.
    Refused(Refusal),
    /// 503 with a page of HTML, as a load balancer answers; the endpoint behind is not asked.
    BusyPage,
    /// GetRecords answers without records though there are more: the iterator is the same; on Kinesis `MillisBehindLatest` is above
    /// zero.
    /// Other calls are answered as ever.
    EmptyPage,
    /// GetRecords answers with records that are larger than the endpoint takes: data that begins with [`GROWS`] is repeated until
    /// it has at least this many bytes. Kinesis only: on DynamoDB Streams the connection is closed.
    Grown(usize),
    /// The connection is reset before the request has reached the endpoint.
    Reset,
    /// The connection is reset in the middle of the answer's body.
    ResetInBody,
    /// The connection is closed in the middle of the answer's body: `Content-Length` promised more.
    CutShort,
    /// Nothing comes for this long; then the connection is closed. The endpoint is not asked.
    Stall(Duration),
    /// Half of the answer comes, then nothing for this long; then the connection is closed.
    StallInBody(Duration),
    /// The answer comes in small pieces, over this long.
    Trickle(Duration),
    /// The endpoint is asked at once, and the answer comes after this long, whether anybody waits for it or not.
    Late(Duration),
    /// The answer comes twice.
    Twice,
    /// The answer is wrong. Where there is nothing to tell, such as no earlier answer, it is right.
    Lie(Lie),
}

/// What the service says when it refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More was read of a shard than its share.
    ThroughputExceeded,
    /// Too many calls of the control plane.
    LimitExceeded,
    /// The iterator is older than the API allows: five minutes on Kinesis, 15 on DynamoDB Streams.
    ExpiredIterator,
    /// Too many calls, as AWS's common errors name it.
    Throttled,
    /// The records at the iterator's place are trimmed. DynamoDB Streams only.
    TrimmedData,
    /// The key service is asked too often for the stream's key.
    KmsThrottled,
    /// The stream's key may not be used.
    KmsAccessDenied,
    /// The stream's key is disabled.
    KmsDisabled,
    /// Something broke inside the service.
    InternalFailure,
}

impl Fault {
    /// Whether the endpoint behind gets to see the call.
    pub(super) fn reaches_the_endpoint(&self) -> bool {
        match self {
            Fault::Refused(_) | Fault::BusyPage | Fault::EmptyPage | Fault::Reset | Fault::Stall(_) => false,
            Fault::ResetInBody
            | Fault::CutShort
            | Fault::StallInBody(_)
            | Fault::Trickle(_)
            | Fault::Late(_)
            | Fault::Grown(_)
            | Fault::Twice
            | Fault::Lie(_) => true,
        }
    }
}

impl Refusal {
    /// The error's name in the API of Kinesis.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Refusal::ThroughputExceeded => "ProvisionedThroughputExceededException",
            Refusal::LimitExceeded => "LimitExceededException",
            Refusal::ExpiredIterator => "ExpiredIteratorException",
            Refusal::Throttled => "ThrottlingException",
            Refusal::TrimmedData => "TrimmedDataAccessException",
            Refusal::KmsThrottled => "KMSThrottlingException",
            Refusal::KmsAccessDenied => "KMSAccessDeniedException",
            Refusal::KmsDisabled => "KMSDisabledException",
            Refusal::InternalFailure => "InternalFailure",
        }
    }

    /// The answer that carries it.
    pub(super) fn answer(self, api: &Api) -> Answer {
        let is_internal = self == Refusal::InternalFailure;
        let (status, code) = if is_internal { (500, api.internal_failure) } else { (400, self.code()) };
        json_answer(api, status, &json!({"__type": code, "message": "refused by the fault proxy"}))
    }
}

/// The answer of a load balancer that has nobody to ask.
pub(super) fn busy_page() -> Answer {
    let body = "<html><head><title>503 Service Unavailable</title></head><body><h1>503</h1></body></html>";
    let headers = vec![("content-type".to_owned(), "text/html".to_owned())];
    Answer { status: 503, headers, body: Bytes::from_static(body.as_bytes()) }
}

/// GetRecords without records, with the same iterator to go on with.
pub(super) fn empty_page(api: &Api, iterator: &str) -> Answer {
    let mut page = json!({"Records": [], "NextShardIterator": iterator});
    if api.tells_millis_behind {
        page["MillisBehindLatest"] = 60_000.into();
    }
    json_answer(api, 200, &page)
}

/// GetRecords with records that have grown.
pub(super) fn grown(answer: Answer, bytes: usize) -> Option<Answer> {
    let mut page: Value = serde_json::from_slice(&answer.body).ok()?;
    for record in page["Records"].as_array_mut()? {
        let data = STANDARD.decode(record["Data"].as_str()?).ok()?;
        if data.starts_with(GROWS) {
            record["Data"] = STANDARD.encode(data.repeat(bytes.div_ceil(data.len()))).into();
        }
    }
    Some(Answer { body: Bytes::from(page.to_string()), ..answer })
}

fn json_answer(api: &Api, status: u16, body: &Value) -> Answer {
    let headers = vec![("content-type".to_owned(), api.content_type.to_owned())];
    Answer { status, headers, body: Bytes::from(body.to_string()) }
}
