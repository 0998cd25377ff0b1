//! What a handler author writes: [`Handler`], or [`WindowHandler`] for a mapping with tumbling windows.

use crate::payload::Decode;
use crate::record::Record;
use crate::source::Source;
use crate::window::Window;
pub use lambda_runtime::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::{Future, ready};

/// What becomes of a record whose payload cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUndecodable {
    /// It fails, and is tried again until the mapping gives it up: without limits, until the stream forgets it. Until
    /// then it stops its shard.
    Fail,
    /// It is skipped, and a warning in the log names it. It is lost for this function.
    Skip,
}

/// What becomes of a batch in which a record failed. It must fit the mapping, and the event does not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The answer names the record: it comes again with what is behind it, what is before it does not. Only for mappings
    /// with `FunctionResponseTypes: [ReportBatchItemFailures]`: any other takes such an answer for a success, **and the
    /// record is lost, with all behind it**.
    ReportRecord,
    /// The invocation fails, and the whole batch comes again. Right for every mapping.
    #[default]
    FailBatch,
}

/// Handles records one by one, each shard's in order.
///
/// Delivery is at least once: after a crash or a lost answer the same records come again. See
/// [`Applied`](crate::Applied).
pub trait Handler {
    /// Where the records come from.
    type Source: Source;
    /// What a record is decoded into: [`Json`](crate::Json), [`Image`](crate::Image), `()`, …
    type Payload: Decode<Self::Source>;
    /// What becomes of a record that cannot be.
    const ON_UNDECODABLE: OnUndecodable;

    /// Before the records of an invocation: a place to begin a transaction. An error fails the invocation.
    fn begin(&mut self) -> impl Future<Output = Result<(), Error>> {
        ready(Ok(()))
    }

    /// Does what this record asks for. After an error no further record of its shard is handled in this invocation.
    fn handle(
        &mut self,
        payload: Self::Payload,
        record: &Record<'_, Self::Source>,
    ) -> impl Future<Output = Result<(), Error>>;

    /// Makes last what was handled since [`begin`](Self::begin), before the answer; also if a record is reported, for
    /// those before it. An error fails the invocation, and all of its records come again.
    fn commit(&mut self) -> impl Future<Output = Result<(), Error>> {
        ready(Ok(()))
    }

    /// Undoes what was handled since [`begin`](Self::begin): the invocation fails, and all of its records come again.
    /// After a panic there is none.
    fn rollback(&mut self) -> impl Future<Output = ()> {
        ready(())
    }
}

/// Gathers the records of each tumbling window of each shard, in order, into a state that Lambda carries from one
/// invocation to the next.
pub trait WindowHandler {
    /// Where the records come from. Kafka has no windows.
    type Source: Source;
    /// What a record is decoded into.
    type Payload: Decode<Self::Source>;
    /// What is gathered: a struct or a map, at most 1 MB of JSON. It is cloned for each record, so that one which fails
    /// half way leaves nothing in it (not under [`OnFailure::FailBatch`], which forgets it as a whole).
    type State: Clone + Default + DeserializeOwned + Serialize;
    /// What becomes of a record that cannot be decoded.
    const ON_UNDECODABLE: OnUndecodable;

    /// As in [`Handler`].
    fn begin(&mut self) -> impl Future<Output = Result<(), Error>> {
        ready(Ok(()))
    }

    /// Adds this record to the state of its window.
    fn handle(
        &mut self,
        state: &mut Self::State,
        payload: Self::Payload,
        record: &Record<'_, Self::Source>,
    ) -> impl Future<Output = Result<(), Error>>;

    /// The window is over: this is all of it. An error fails the invocation, and it comes again.
    fn finish(&mut self, window: &Window, state: Self::State) -> impl Future<Output = Result<(), Error>>;

    /// As in [`Handler`]; after [`finish`](Self::finish), if that was due.
    fn commit(&mut self) -> impl Future<Output = Result<(), Error>> {
        ready(Ok(()))
    }

    /// As in [`Handler`].
    fn rollback(&mut self) -> impl Future<Output = ()> {
        ready(())
    }
}
