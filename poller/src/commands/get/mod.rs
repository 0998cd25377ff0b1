//! `pelton get`: shows records of a stream, or the batch that a mapping is stuck on.
//!
//! In: a stream and where to begin, or a mapping of a running poller. Out: records, for people or for programs. Changes no
//! position, and invokes nothing.

mod args;
mod printer;
mod stream;
mod stuck;
mod wanted;

pub use args::GetArguments;

use super::named_stream::NamedStream;
use crate::clock::Clock;
use crate::logging::Terminal;
use crate::signals::StopSignals;
use crate::user_error::UserError;
use args::{Asked, StreamArgs, StuckArgs};

/// Shows what the arguments ask for, until all is shown or a signal comes.
pub async fn run(
    arguments: GetArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    match arguments.asked()? {
        Asked::Stream(arguments) => stream::run(arguments, signals, terminal, clock).await,
        Asked::Stuck(arguments) => stuck::run(arguments, signals, terminal, &clock).await,
    }
}
