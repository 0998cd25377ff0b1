//! `pelton filter`: which records filters would let pass. Starts nothing.
//!
//! In: patterns, and records as they stand inside invocation events, or plain documents. Out: a line for each, at once, in their order.

mod args;
mod input;

pub use args::FilterArguments;

use super::CommandFailure;
use super::signals::StopSignals;
use input::{BadInput, Input, Place};
use pelton_core::filter::{Explanation, Filters};
use serde_json::json;
use std::io::{self, Write};
use tokio::sync::oneshot;

/// Judges records until there are no more of them, or a signal comes. A thread of its own reads and prints, because a read of a terminal
/// cannot be taken back.
pub async fn run(arguments: FilterArguments, signals: &mut StopSignals) -> Result<(), CommandFailure> {
    let filters = arguments.filters()?;
    let input = arguments.input()?;
    let (done, end) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more after a signal.
        done.send(judge_all(&filters, input, arguments.json)).unwrap_or_default();
    });
    tokio::select! {
        _ = signals.next() => Ok(()),
        result = end => result.unwrap_or_else(|_| Err(CommandFailure::failed("the records could not be judged"))),
    }
}

fn judge_all(filters: &Filters, input: Input, json: bool) -> Result<(), CommandFailure> {
    let mut judged = 0;
    let mut judge = |record: &str, place: &Place| {
        let explanation =
            filters.explain_event_record(record).map_err(|error| place.bad(&error.to_string()))?;
        print(&line(&explanation, json))?;
        judged += 1;
        Ok(())
    };
    match input.for_each(&mut judge) {
        Ok(()) => Ok(()),
        // Whoever reads the lines has seen enough.
        Err(Stop::Printing(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Printing(error)) => {
            Err(CommandFailure::failed(format!("the result cannot be printed: {error}")))
        }
        Err(Stop::Bad(bad)) if judged == 0 => Err(CommandFailure::bad_input(bad.to_string())),
        Err(Stop::Bad(bad)) => Err(CommandFailure::failed(format!("{bad} ({judged} before it judged)"))),
    }
}

/// Why not all records were judged.
#[derive(Debug)]
enum Stop {
    Bad(BadInput),
    Printing(io::Error),
}

impl From<BadInput> for Stop {
    fn from(bad: BadInput) -> Self {
        Self::Bad(bad)
    }
}

fn print(line: &str) -> Result<(), Stop> {
    writeln!(io::stdout(), "{line}").map_err(Stop::Printing)
}

fn line(explanation: &Explanation, json: bool) -> String {
    match (explanation.clause(), json) {
        (None, false) => "pass".to_owned(),
        (None, true) => json!({"result": "pass"}).to_string(),
        (Some(clause), false) => format!("drop {clause}"),
        (Some(clause), true) => json!({"result": "drop", "clause": clause}).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_pass_or_drop_and_the_clause_that_decided() {
        let pattern = "{\"a\": [\n  \"x\",\n  {\"prefix\": \"y  z\"}\n]}".to_owned();
        let filters = Filters::compile_bare(&[pattern]).unwrap().unwrap();
        let explained = |document| filters.explain_event_record(document).unwrap();
        assert_eq!(line(&explained(r#"{"a":"x"}"#), false), "pass");
        assert_eq!(line(&explained(r#"{"a":"x"}"#), true), r#"{"result":"pass"}"#);
        assert_eq!(line(&explained("{}"), false), r#"drop a: [ "x", {"prefix": "y  z"} ]"#);
        assert_eq!(
            line(&explained("{}"), true),
            r#"{"result":"drop","clause":"a: [ \"x\", {\"prefix\": \"y  z\"} ]"}"#
        );
    }
}
