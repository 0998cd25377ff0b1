//! Puts records, in the order in which they come.
//!
//! In: records. Out: how many the stream accepted. One call at a time: what it throttles goes first in the next one. (The
//! API may still take a later record of the same call and key before an earlier one that it throttles.)

use super::{Entry, PutError, PutSummary, Sent, Sink};
use crate::clock::Clock;
use crate::ports::Cause;
use crate::source::api_error::{ApiError, ApiErrorKind};
use aws_sdk_kinesis::operation::put_records::PutRecordsOutput;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use pelton_core::{Backoff, Timestamp};
use std::time::Duration;

/// Why a record is put again of which an answer says nothing.
const UNANSWERED: &str = "the answer does not say what became of the record";

/// Most records of one PutRecords (specification 13).
pub(super) const BATCH_RECORDS_MAX: usize = 500;

/// Most bytes of one PutRecords, data and keys: 5 MB, which every server in use takes.
const BATCH_BYTES_MAX: usize = 5_000_000;

/// How long the stream may accept nothing before the rest is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits between calls that were throttled or got no answer.
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(100), factor: 2, cap: Duration::from_secs(5) };

/// A record with the key that says which shard takes it.
struct Keyed {
    key: String,
    data: Vec<u8>,
}

impl From<Entry> for Keyed {
    /// A record without a key gets one that nobody else has: such records spread over the shards.
    fn from(Entry { key, data }: Entry) -> Self {
        Self { key: key.unwrap_or_else(|| format!("{:032x}", fastrand::u128(..))), data }
    }
}

/// Puts records into one stream.
pub(super) struct Sender {
    sdk: aws_sdk_kinesis::Client,
    clock: Clock,
    stream: String,
    random: fastrand::Rng,
    records: u64,
    bytes: u64,
    throttled: u64,
}

impl Sender {
    pub(super) fn new(sdk: aws_sdk_kinesis::Client, clock: Clock, stream: String) -> Self {
        Self { sdk, clock, stream, random: fastrand::Rng::new(), records: 0, bytes: 0, throttled: 0 }
    }

    async fn send_keyed(
        &mut self,
        mut entries: Vec<Keyed>,
        stop: impl Future<Output = ()> + Clone,
    ) -> Result<Sent, PutError> {
        let mut failures = 0;
        let mut last_progress = self.clock.now();
        while !entries.is_empty() {
            let rest = entries.split_off(fitting(&entries));
            let put_before = self.records;
            let refused = match self.put(&entries).await {
                Ok(answer) => self.count(&mut entries, &answer),
                Err(error) => Some(self.retryable(error)?),
            };
            entries.extend(rest);
            if self.records > put_before {
                (failures, last_progress) = (0, self.clock.now());
            }
            let Some(cause) = refused else { continue };
            self.give_up_if_late(last_progress, cause)?;
            failures += 1;
            let delay = BACKOFF.delay(failures, &mut self.random);
            tokio::select! {
                biased;
                () = stop.clone() => return Ok(Sent::Interrupted),
                () = self.clock.sleep(delay) => {}
            }
        }
        Ok(Sent::All)
    }

    async fn put(&self, entries: &[Keyed]) -> Result<PutRecordsOutput, ApiError> {
        let records = entries.iter().map(|entry| {
            let entry = PutRecordsRequestEntry::builder()
                .partition_key(&entry.key)
                .data(Blob::new(entry.data.as_slice()));
            entry.build().expect("a record to put has data")
        });
        let call = self.sdk.put_records().stream_name(&self.stream).set_records(Some(records.collect()));
        call.send().await.map_err(|error| ApiError::new("PutRecords", error))
    }

    /// Keeps of `entries` what the stream does not say that it accepted, and tells why it did not accept the first of them.
    fn count(&mut self, entries: &mut Vec<Keyed>, answer: &PutRecordsOutput) -> Option<Cause> {
        let mut answers = answer.records().iter();
        let mut first_refusal = None;
        entries.retain(|entry| {
            let answer = answers.next();
            let code = answer.and_then(|answer| answer.error_code());
            let is_accepted = answer.is_some_and(|answer| answer.sequence_number().is_some());
            if code.is_none() && is_accepted {
                self.records += 1;
                self.bytes += entry.data.len() as u64;
                return false;
            }
            self.throttled += 1;
            first_refusal.get_or_insert_with(|| code.unwrap_or(UNANSWERED).to_owned());
            true
        });
        first_refusal.map(Into::into)
    }

    /// The cause, if it helps to try again.
    fn retryable(&self, error: ApiError) -> Result<Cause, PutError> {
        match error.kind {
            ApiErrorKind::Throttled
            | ApiErrorKind::Unavailable
            | ApiErrorKind::Senseless(_)
            | ApiErrorKind::InUse => Ok(error.cause),
            ApiErrorKind::NotFound
            | ApiErrorKind::Denied
            | ApiErrorKind::IteratorExpired
            | ApiErrorKind::BadArgument
            | ApiErrorKind::Trimmed => Err(self.refused(error.cause)),
        }
    }

    fn give_up_if_late(&self, last_progress: Timestamp, cause: Cause) -> Result<(), PutError> {
        if self.clock.now().since(last_progress) < PATIENCE { Ok(()) } else { Err(self.refused(cause)) }
    }

    fn refused(&self, source: Cause) -> PutError {
        PutError::Refused { operation: "PutRecords", put: self.records, source }
    }
}

impl Sink for Sender {
    fn records(&self) -> u64 {
        self.records
    }

    /// A call that was made is always waited for, so that it is known what was put.
    async fn send(
        &mut self,
        entries: Vec<Entry>,
        stop: impl Future<Output = ()> + Clone,
    ) -> Result<Sent, PutError> {
        self.send_keyed(entries.into_iter().map(Keyed::from).collect(), stop).await
    }

    fn summary(self, elapsed: Duration, is_interrupted: bool) -> PutSummary {
        let Self { stream, records, bytes, throttled, .. } = self;
        PutSummary { target: stream, records, bytes, throttled, elapsed, is_interrupted }
    }
}

/// How many of `entries` fit into one call, at least one.
fn fitting(entries: &[Keyed]) -> usize {
    let mut bytes = 0;
    let fits = entries.iter().take(BATCH_RECORDS_MAX).take_while(|entry| {
        bytes += entry.key.len() + entry.data.len();
        bytes <= BATCH_BYTES_MAX
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::aws::{AwsOptions, KinesisClient};
    use serde_json::{Value, json};
    use std::sync::{Arc, Mutex};

    #[track_caller]
    fn check(sizes: &[usize], expected: usize) {
        let entries: Vec<Keyed> =
            sizes.iter().map(|size| Keyed { key: String::new(), data: vec![0; *size] }).collect();
        assert_eq!(fitting(&entries), expected);
    }

    /// Among the places of a call: it is answered with nothing at all.
    const NOTHING: usize = usize::MAX;

    /// Answers PutRecords: the n-th call refuses the records at the n-th places. Remembers the keys of each call.
    async fn throttling(refused: Vec<Vec<usize>>) -> (aws_sdk_kinesis::Client, Arc<Mutex<Vec<Vec<String>>>>) {
        let calls: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
        let remembered = Arc::clone(&calls);
        let app = axum::Router::new().fallback(async move |body: String| {
            let body: Value = serde_json::from_str(&body).unwrap();
            let keys: Vec<String> = body["Records"].as_array().unwrap().iter().map(key).collect();
            let mut calls = remembered.lock().unwrap();
            let refused = refused.get(calls.len()).cloned().unwrap_or_default();
            let answer = |place| match refused.contains(&place) {
                true => json!({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "no"}),
                false => json!({"ShardId": "shardId-0", "SequenceNumber": "1"}),
            };
            let answers: Vec<Value> = (0..keys.len()).map(answer).collect();
            calls.push(keys);
            if refused.contains(&NOTHING) {
                return "{}".to_owned();
            }
            json!({"FailedRecordCount": refused.len(), "Records": answers}).to_string()
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint_url = Some(format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let options = AwsOptions { endpoint_url, region: Some("us-east-1".to_owned()) };
        (KinesisClient::connect(&options).await.unwrap().sdk().clone(), calls)
    }

    fn key(record: &Value) -> String {
        record["PartitionKey"].as_str().unwrap().to_owned()
    }

    fn entries(keys: &[&str]) -> Vec<Entry> {
        keys.iter().map(|key| Entry { key: Some((*key).to_owned()), data: b"x".to_vec() }).collect()
    }

    #[test]
    fn without_a_key_every_record_has_its_own() {
        let key = || Keyed::from(Entry { key: None, data: Vec::new() }).key;
        assert_ne!(key(), key());
    }

    #[tokio::test]
    async fn throttled_records_are_put_again_in_order_until_all_are_accepted() {
        let (sdk, calls) = throttling(vec![vec![1, 2], vec![0]]).await;
        let mut sender = Sender::new(sdk, Clock::start(), "orders".to_owned());
        let sent = sender.send(entries(&["a", "b", "c", "d"]), std::future::pending()).await.unwrap();
        assert_eq!(*calls.lock().unwrap(), [vec!["a", "b", "c", "d"], vec!["b", "c"], vec!["b"]]);
        let summary = sender.summary(Duration::ZERO, false);
        assert_eq!((sent, summary.records, summary.bytes, summary.throttled), (Sent::All, 4, 4, 3));
    }

    #[tokio::test]
    async fn records_of_which_the_answer_says_nothing_are_put_again() {
        let (sdk, calls) = throttling(vec![vec![NOTHING], vec![]]).await;
        let mut sender = Sender::new(sdk, Clock::start(), "orders".to_owned());
        let sent = sender.send(entries(&["a", "b"]), std::future::pending()).await.unwrap();
        assert_eq!((sent, sender.records()), (Sent::All, 2));
        assert_eq!(*calls.lock().unwrap(), [vec!["a", "b"], vec!["a", "b"]]);
    }

    #[tokio::test]
    async fn told_to_stop_between_two_attempts_it_knows_what_was_put() {
        let (sdk, _) = throttling(vec![vec![1]; 1000]).await;
        let mut sender = Sender::new(sdk, Clock::start(), "orders".to_owned());
        let sent = sender.send(entries(&["a", "b"]), std::future::ready(())).await.unwrap();
        assert_eq!((sent, sender.records()), (Sent::Interrupted, 1));
    }

    #[test]
    fn a_call_takes_500_records_or_5_mb_and_at_least_one_record() {
        check(&[10; 501], 500);
        check(&[10; 3], 3);
        check(&[2_000_000; 3], 2);
        check(&[6_000_000, 1], 1);
    }
}
