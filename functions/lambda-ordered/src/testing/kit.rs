//! A mapping in memory: hands a function events, and does with its answers what a mapping does.
//!
//! It helps in nothing: the function gets each event as bytes, and is told of nothing else.

use crate::function::{Function, Plain, Windowed};
use crate::handler::{Handler, OnFailure, WindowHandler};
use crate::source::Source;
use crate::testing::event::{TestRecord, TestSource};
use lambda_runtime::Diagnostic;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// A function under test.
#[derive(Debug)]
pub struct Kit<F> {
    function: F,
    /// The state of the open window; `None` without windows.
    state: Option<Value>,
    answers_to_lose: usize,
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The identifiers of what is to come again; empty if all went well.
    pub failures: Vec<Value>,
    /// The state of the window, if the answer has one.
    pub state: Option<Value>,
}

/// One of the invocations of [`Kit::drain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The sequence numbers of its records.
    pub records: Vec<String>,
    /// What came of it; the words of the error if it failed as a whole.
    pub outcome: Result<Answer, String>,
}

impl<H: Handler> Kit<Plain<H>> {
    /// Tests a handler.
    pub fn new(handler: H, on_failure: OnFailure) -> Self {
        Self { function: Plain { handler, on_failure }, state: None, answers_to_lose: 0 }
    }

    /// The handler, to look at.
    pub fn handler(&self) -> &H {
        &self.function.handler
    }

    /// The handler, to change.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.function.handler
    }
}

impl<H: WindowHandler> Kit<Windowed<H>> {
    /// Tests a handler of windows, with one window open: the minute from 07:04 to 07:05 of 2026-01-09.
    pub fn with_window(handler: H, on_failure: OnFailure) -> Self {
        Self { function: Windowed { handler, on_failure }, state: Some(json!({})), answers_to_lose: 0 }
    }

    /// The handler, to look at.
    pub fn handler(&self) -> &H {
        &self.function.handler
    }

    /// The handler, to change.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.function.handler
    }

    /// The state of the open window.
    ///
    /// # Panics
    /// If it is not what the handler keeps.
    pub fn state(&self) -> H::State {
        let state = self.state.clone().filter(|state| *state != json!({}));
        state
            .map(|state| serde_json::from_value(state).expect("it is the state of the handler"))
            .unwrap_or_default()
    }
}

impl<F: Function<Source: TestSource>> Kit<F> {
    /// Hands over a batch. Delivering the same records again is a repeat.
    pub async fn deliver(&mut self, records: &[TestRecord]) -> Result<Answer, Diagnostic> {
        let mut event = F::Source::event(records);
        if let Some(state) = &self.state {
            add_window(&mut event, state, false);
        }
        let answer = self.invoke(&event).await?;
        self.keep_state(&answer);
        Ok(answer)
    }

    /// Ends the window: hands over its last invocation, without records. If that succeeds, the next window is open.
    pub async fn finish_window(&mut self) -> Result<Answer, Diagnostic> {
        let mut event = F::Source::event(&[]);
        add_window(&mut event, self.state.as_ref().unwrap_or(&json!({})), true);
        let answer = self.invoke(&event).await?;
        self.state = Some(json!({}));
        Ok(answer)
    }

    /// The answers to the next so many invocations are lost on their way, as by a timeout: the function did its work,
    /// and the records come again.
    pub fn lose_answers(&mut self, count: usize) {
        self.answers_to_lose = count;
    }

    /// Delivers records of one shard as a mapping with ReportBatchItemFailures does: in batches of at most `batch_size`;
    /// after a failure from the reported record on, or the whole batch. Ends when all have succeeded, or after so many
    /// invocations.
    ///
    /// # Panics
    /// If the function reports what it was not handed.
    pub async fn drain(
        &mut self,
        records: &[TestRecord],
        batch_size: usize,
        invocations_max: usize,
    ) -> Vec<Delivery> {
        let mut deliveries = Vec::new();
        let mut left = records;
        let mut batch_len = batch_size.min(left.len());
        while !left.is_empty() && deliveries.len() < invocations_max {
            let batch = &left[..batch_len];
            let outcome = self.deliver(batch).await.map_err(|diagnostic| diagnostic.error_message);
            let succeeded = outcome.as_ref().map_or(0, |answer| succeeded(batch, answer));
            deliveries.push(Delivery {
                records: batch.iter().map(|record| record.sequence_number.clone()).collect(),
                outcome,
            });
            left = &left[succeeded..];
            // The rest of a batch is a batch of its own.
            batch_len =
                if succeeded == batch_len { batch_size.min(left.len()) } else { batch_len - succeeded };
        }
        deliveries
    }

    /// Hands over an event of any shape.
    ///
    /// # Panics
    /// If the event is not of the function's source, or the answer is not what Lambda takes.
    pub async fn invoke(&mut self, event: &Value) -> Result<Answer, Diagnostic> {
        let event = event.to_string();
        let event: <F::Source as Source>::Event =
            serde_json::from_str(&event).expect("the event is of the function's source");
        let response = self.function.answer(event).await?;
        if self.answers_to_lose > 0 {
            self.answers_to_lose -= 1;
            let (error_type, error_message) =
                ("Sandbox.Timedout".to_owned(), "the answer was lost".to_owned());
            return Err(Diagnostic { error_type, error_message });
        }
        let response = serde_json::to_value(response).expect("a response is JSON");
        let failures = response["batchItemFailures"].as_array().expect("failures are a list").iter();
        Ok(Answer {
            failures: failures.map(|failure| failure["itemIdentifier"].clone()).collect(),
            state: response.get("state").cloned(),
        })
    }

    fn keep_state(&mut self, answer: &Answer) {
        if self.state.is_some() {
            self.state.clone_from(&answer.state);
        }
    }
}

impl Answer {
    /// The state of the window.
    ///
    /// # Panics
    /// If there is none, or not of this type.
    #[must_use]
    pub fn state<T: DeserializeOwned>(&self) -> T {
        let state = self.state.clone().expect("the answer has a state");
        serde_json::from_value(state).expect("the state is of this type")
    }
}

/// How many records of the batch have succeeded: those before the lowest that is reported.
fn succeeded(batch: &[TestRecord], answer: &Answer) -> usize {
    let place = |failure: &Value| {
        let is_named = |record: &TestRecord| {
            if failure.is_object() { record.offset() == *failure } else { record.identifier() == *failure }
        };
        batch.iter().position(is_named).unwrap_or_else(|| panic!("{failure} is not in the batch"))
    };
    answer.failures.iter().map(place).min().unwrap_or(batch.len())
}

fn add_window(event: &mut Value, state: &Value, is_final: bool) {
    event["window"] = json!({ "start": "2026-01-09T07:04:00Z", "end": "2026-01-09T07:05:00Z" });
    event["state"] = state.clone();
    event["shardId"] = "shardId-000000000000".into();
    event["eventSourceARN"] = "arn:aws:kinesis:us-east-1:000000000000:stream/sample".into();
    event["isFinalInvokeForWindow"] = is_final.into();
    event["isWindowTerminatedEarly"] = false.into();
}
