//! A handler as a Lambda function: one event in, one answer out.
//!
//! The records of each shard are handed to the handler in order until one fails. What came before it has succeeded;
//! it and the rest are reported, or the invocation fails, as [`OnFailure`] says.

use crate::failure::{Failure, RecordError};
use crate::handler::{Error, Handler, OnFailure, OnUndecodable, WindowHandler};
use crate::payload::Decode;
use crate::record::Record;
use crate::report;
use crate::response::{BatchItemFailure, Response};
use crate::source::{Invocation, Source};
use crate::window::{self, WindowEvent};
use serde_json::value::RawValue;
use std::future::Future;

/// What [`run`](crate::run()) hands to Lambda, and a test to its kit.
pub trait Function {
    /// Where its records come from.
    type Source: Source;

    /// Handles one event.
    fn answer(
        &mut self,
        event: <Self::Source as Source>::Event,
    ) -> impl Future<Output = Result<Response, Failure>>;
}

/// A [`Handler`] as a function. If the mapping has a tumbling window all the same, its state is passed on as it came.
#[derive(Debug)]
pub struct Plain<H> {
    /// The handler.
    pub handler: H,
    /// What becomes of a batch in which a record failed.
    pub on_failure: OnFailure,
}

/// A [`WindowHandler`] as a function.
#[derive(Debug)]
pub struct Windowed<H> {
    /// The handler.
    pub handler: H,
    /// What becomes of a batch in which a record failed.
    pub on_failure: OnFailure,
}

type Event<H> = <<H as Handler>::Source as Source>::Event;
type WindowedEvent<H> = <<H as WindowHandler>::Source as Source>::Event;

impl<H: Handler> Function for Plain<H> {
    type Source = H::Source;

    async fn answer(&mut self, event: Event<H>) -> Result<Response, Failure> {
        let invocation: Invocation<_> = event.into();
        let runs = records_of::<H::Source>(&invocation)?;
        self.handler.begin().await.map_err(step("begin"))?;
        let failures = match self.handle_and_commit(&runs).await {
            Ok(failures) => failures,
            Err(failure) => {
                self.handler.rollback().await;
                return Err(failure);
            }
        };
        let state = invocation.window.map(|window| window.state.unwrap_or_else(window::no_state));
        Ok(response(failures, state))
    }
}

impl<H: Handler> Plain<H> {
    async fn handle_and_commit(&mut self, runs: &[Vec<Record<'_, H::Source>>]) -> Result<Failures, Failure> {
        let failures = self.handle_all(runs).await?;
        self.handler.commit().await.map_err(step("commit"))?;
        Ok(failures)
    }

    async fn handle_all(&mut self, runs: &[Vec<Record<'_, H::Source>>]) -> Result<Failures, Failure> {
        let mut failures = Vec::new();
        for run in runs {
            for (index, record) in run.iter().enumerate() {
                if let Err(error) = self.handle_one(record).await {
                    failures.extend(failed(self.on_failure, &run[index..], error)?);
                    break;
                }
            }
        }
        Ok(failures)
    }

    async fn handle_one(&mut self, record: &Record<'_, H::Source>) -> Result<(), RecordError> {
        match decode::<H::Source, H::Payload>(record, H::ON_UNDECODABLE)? {
            Some(payload) => self.handler.handle(payload, record).await.map_err(RecordError::Handler),
            None => Ok(()),
        }
    }
}

impl<H: WindowHandler> Function for Windowed<H> {
    type Source = H::Source;

    async fn answer(&mut self, event: WindowedEvent<H>) -> Result<Response, Failure> {
        let invocation: Invocation<_> = event.into();
        let window = invocation.window.as_ref().ok_or(Failure::NoWindow)?;
        let mut state = window::read_state(window.state.as_deref())?;
        let runs = records_of::<H::Source>(&invocation)?;
        self.handler.begin().await.map_err(step("begin"))?;
        match self.handle_and_commit(&runs, window, &mut state).await {
            Ok((failures, state)) => Ok(response(failures, Some(state))),
            Err(failure) => {
                self.handler.rollback().await;
                Err(failure)
            }
        }
    }
}

impl<H: WindowHandler> Windowed<H> {
    async fn handle_and_commit(
        &mut self,
        runs: &[Vec<Record<'_, H::Source>>],
        window: &WindowEvent,
        state: &mut H::State,
    ) -> Result<(Failures, Box<RawValue>), Failure> {
        let failures = self.handle_all(runs, state).await?;
        let is_finished = window.is_final && failures.is_empty();
        if is_finished {
            let all = std::mem::take(state);
            self.handler.finish(&window.window, all).await.map_err(step("finish"))?;
        }
        let state = if is_finished { window::no_state() } else { window::write_state(state)? };
        self.handler.commit().await.map_err(step("commit"))?;
        Ok((failures, state))
    }

    async fn handle_all(
        &mut self,
        runs: &[Vec<Record<'_, H::Source>>],
        state: &mut H::State,
    ) -> Result<Failures, Failure> {
        let mut failures = Vec::new();
        for run in runs {
            for (index, record) in run.iter().enumerate() {
                let before = (self.on_failure == OnFailure::ReportRecord).then(|| state.clone());
                if let Err(error) = self.handle_one(state, record).await {
                    failures.extend(failed(self.on_failure, &run[index..], error)?);
                    // The answer carries the state of the records that succeeded, and of no other.
                    *state = before.expect("a failure that is reported was prepared for");
                    break;
                }
            }
        }
        Ok(failures)
    }

    async fn handle_one(
        &mut self,
        state: &mut H::State,
        record: &Record<'_, H::Source>,
    ) -> Result<(), RecordError> {
        match decode::<H::Source, H::Payload>(record, H::ON_UNDECODABLE)? {
            Some(payload) => self.handler.handle(state, payload, record).await.map_err(RecordError::Handler),
            None => Ok(()),
        }
    }
}

type Failures = Vec<BatchItemFailure>;

/// The records with their places. One that is unusable fails the invocation before anything is handled.
fn records_of<S: Source>(
    invocation: &Invocation<S::Record>,
) -> Result<Vec<Vec<Record<'_, S>>>, crate::source::UnusableRecord> {
    let places =
        invocation.runs.iter().map(|run| run.records.iter().map(|raw| S::record(run, raw)).collect());
    places.collect()
}

/// The payload; `None` if the record is to be passed over.
fn decode<S: Source, P: Decode<S>>(
    record: &Record<'_, S>,
    on_undecodable: OnUndecodable,
) -> Result<Option<P>, RecordError> {
    match (P::decode(record.raw), on_undecodable) {
        (Ok(payload), _) => Ok(Some(payload)),
        (Err(error), OnUndecodable::Fail) => Err(RecordError::Undecodable(error)),
        (Err(error), OnUndecodable::Skip) => {
            report::skipped(record, &error.to_string());
            Ok(None)
        }
    }
}

/// The first of `rest` failed: either that fails the invocation, or it and the rest are to come again.
fn failed<S: Source>(
    on_failure: OnFailure,
    rest: &[Record<'_, S>],
    error: RecordError,
) -> Result<Failures, Failure> {
    let record = &rest[0];
    match on_failure {
        OnFailure::FailBatch => Err(Failure::Record {
            sequence_number: record.sequence_number.to_string(),
            shard: record.shard.to_string(),
            source: error,
        }),
        OnFailure::ReportRecord => {
            report::failed(record, &error.in_words());
            let failures = S::failures(rest).into_iter();
            Ok(failures.map(|item_identifier| BatchItemFailure { item_identifier }).collect())
        }
    }
}

fn response(batch_item_failures: Failures, state: Option<Box<RawValue>>) -> Response {
    Response { batch_item_failures, state }
}

fn step(step: &'static str) -> impl FnOnce(Error) -> Failure {
    move |source| Failure::Step { step, source }
}
