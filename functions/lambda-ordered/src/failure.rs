//! Why an invocation failed as a whole.
//!
//! In: the error of a handler, or what is wrong with the event. Out: what Lambda is told: a type, and all the causes in
//! one line. What could not be decoded is told by its place only: its cause quotes the payload.

use crate::handler::Error;
use crate::payload::Undecodable;
use crate::source::UnusableRecord;
use crate::window::StateError;
use lambda_runtime::Diagnostic;
use std::error::Error as StdError;

/// All records of the invocation come again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The event is of another service.
    #[error("the event cannot be used")]
    Event(#[from] UnusableRecord),
    /// The handler cannot keep or read the state of the window.
    #[error("the tumbling window cannot go on")]
    State(#[from] StateError),
    /// A window's handler got an event without one.
    #[error("the event has no window: the mapping needs TumblingWindowInSeconds")]
    NoWindow,
    /// A record failed, and its handler fails batches.
    #[error("record {sequence_number} of {shard} failed")]
    Record {
        /// Which.
        sequence_number: String,
        /// Of which shard.
        shard: String,
        /// Why.
        #[source]
        source: RecordError,
    },
    /// `begin`, `commit` or `finish` failed.
    #[error("{step} failed")]
    Step {
        /// Which.
        step: &'static str,
        /// Why.
        #[source]
        source: Error,
    },
}

/// Why one record failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Its payload is not what the handler takes.
    #[error(transparent)]
    Undecodable(Undecodable),
    /// What the handler says.
    #[error(transparent)]
    Handler(Error),
}

impl RecordError {
    /// What is wrong, in one line.
    pub(crate) fn in_words(&self) -> String {
        match self {
            Self::Undecodable(error) => error.to_string(),
            Self::Handler(error) => with_causes(error.as_ref()),
        }
    }
}

impl Failure {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Event(_) => "UnusableEvent",
            Self::State(_) => "UnusableState",
            Self::NoWindow => "NoWindow",
            Self::Record { .. } => "RecordFailed",
            Self::Step { .. } => "HandlerFailed",
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Record { source, .. } => format!("{self}: {}", source.in_words()),
            Self::Event(_) | Self::State(_) | Self::NoWindow | Self::Step { .. } => with_causes(self),
        }
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.error_type().to_owned(), error_message: failure.in_words() }
    }
}

fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
