//! A function in memory that does what a test tells it, and remembers what it was given.

use async_trait::async_trait;
use bytes::Bytes;
use pelton::clock::Clock;
use pelton::ports::Invoker;
use pelton_core::{Batch, Outcome, Reply, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

type Behavior = dyn Fn(&[String]) -> (Duration, Outcome) + Send + Sync;

/// One run of the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The payloads of the batch, in order.
    pub records: Vec<String>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it runs, and for ever if it was abandoned.
    pub ended: Option<Timestamp>,
    /// Whether it succeeded.
    pub succeeded: bool,
}

/// A function in memory. Clones are the same function.
#[derive(Clone)]
pub struct FakeFunction {
    clock: Clock,
    behavior: Arc<Mutex<Arc<Behavior>>>,
    runs: Arc<Mutex<Vec<Run>>>,
}

impl FakeFunction {
    /// A function that succeeds at once.
    #[must_use]
    pub fn new(clock: &Clock) -> Self {
        let behavior: Arc<Behavior> = Arc::new(|_: &[String]| (Duration::ZERO, success()));
        Self { clock: clock.clone(), behavior: Arc::new(Mutex::new(behavior)), runs: Arc::default() }
    }

    /// From now on it takes this long, and succeeds.
    pub fn takes(&self, duration: Duration) {
        self.does(move |_| (duration, success()));
    }

    /// From now on it fails at once.
    pub fn fails(&self) {
        self.does(|_| (Duration::ZERO, failure()));
    }

    /// From now on it succeeds at once.
    pub fn recovers(&self) {
        self.does(|_| (Duration::ZERO, success()));
    }

    /// From now on it does this: how long it takes and how it ends, by the payloads of the batch.
    pub fn does(&self, behavior: impl Fn(&[String]) -> (Duration, Outcome) + Send + Sync + 'static) {
        *self.behavior.lock().expect("no behavior panics") = Arc::new(behavior);
    }

    /// Everything it was run with.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.log().clone()
    }

    /// The payloads of all successful runs, in order.
    #[must_use]
    pub fn handled(&self) -> Vec<String> {
        self.log().iter().filter(|run| run.succeeded).flat_map(|run| run.records.clone()).collect()
    }

    fn log(&self) -> MutexGuard<'_, Vec<Run>> {
        self.runs.lock().expect("no test panics while it holds the log")
    }
}

/// An outcome that counts as success.
fn success() -> Outcome {
    Outcome::Succeeded { payload: Bytes::from_static(b"null") }
}

/// A function error.
#[must_use]
fn failure() -> Outcome {
    Outcome::FunctionFailed { error_type: "Exception".into(), message: "told to fail".into() }
}

/// The payloads of a batch, read back from its event.
pub(super) fn payloads(batch: &Batch) -> Vec<String> {
    let event = batch.body().concat();
    let event: serde_json::Value = serde_json::from_slice(&event).expect("an event is JSON");
    let records = event["Records"].as_array().expect("an event has records").clone();
    records.iter().map(|record| record["data"].as_str().expect("a record has data").to_owned()).collect()
}

#[async_trait]
impl Invoker for FakeFunction {
    async fn invoke(&self, batch: Arc<Batch>) -> Reply {
        let records = payloads(&batch);
        let behavior = Arc::clone(&self.behavior.lock().expect("no behavior panics"));
        let (duration, outcome) = behavior(&records);
        let index = {
            let mut log = self.log();
            log.push(Run { records, began: self.clock.now(), ended: None, succeeded: false });
            log.len() - 1
        };
        self.clock.sleep(duration).await;
        let run = &mut self.log()[index];
        run.ended = Some(self.clock.now());
        run.succeeded = matches!(outcome, Outcome::Succeeded { .. });
        outcome.into()
    }
}
