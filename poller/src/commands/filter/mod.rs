//! `pelton filter`: which records filters would let pass. Starts nothing.
//!
//! In: patterns, given or those of a mapping, and records as they stand inside invocation events, or plain documents. Out: a line for each, at once, in their order.

mod args;
mod input;

pub use args::FilterArguments;

use crate::clock::Clock;
use crate::logging::Terminal;
use crate::signals::StopSignals;
use crate::user_error::UserError;
use args::Judges;
use input::{BadInput, Input, Place};
use pelton_core::filter::Explanation;
use pelton_template::Secrets;
use serde_json::json;
use std::io::{self, Write};
use tokio::sync::oneshot;

/// Judges records until there are no more of them, or a signal comes. A thread of its own reads and prints, because a read of a terminal
/// cannot be taken back.
pub async fn run(
    arguments: FilterArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    let judges = arguments.judges(terminal, clock).await?;
    let input = arguments.input(judges.shape)?;
    let (done, end) = oneshot::channel();
    std::thread::spawn(move || {
        // Nobody waits for it any more after a signal.
        done.send(judge_all(&judges, input, arguments.json)).unwrap_or_default();
    });
    tokio::select! {
        _ = signals.next() => Ok(()),
        result = end => result.unwrap_or_else(|_| Err(UserError::failed("the records could not be judged"))),
    }
}

fn judge_all(judges: &Judges, input: Input, json: bool) -> Result<(), UserError> {
    let mut judged = 0;
    let mut judge = |record: &str, place: &Place| {
        let explanation =
            judges.filters.explain_event_record(record).map_err(|error| place.bad(&error.to_string()))?;
        print(&line(&explanation, &judges.secrets, json))?;
        judged += 1;
        Ok(())
    };
    match input.for_each(&mut judge) {
        Ok(()) => Ok(()),
        // Whoever reads the lines has seen enough.
        Err(Stop::Printing(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(Stop::Printing(error)) => {
            Err(UserError::failed(format!("the result cannot be printed: {error}")))
        }
        Err(Stop::Bad(bad)) if judged == 0 => Err(UserError::bad_input(bad.to_string())),
        Err(Stop::Bad(bad)) => Err(UserError::failed(format!("{bad} (judged {judged} before it)"))),
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

/// What is said of a payload that is JSON in base64.
const ENCODED_TWICE: &str = "it is JSON in base64: send the JSON itself, the SDK encodes it";

fn print(line: &str) -> Result<(), Stop> {
    writeln!(io::stdout(), "{line}").map_err(Stop::Printing)
}

/// A clause that holds the value of a parameter with `NoEcho` is not shown.
fn line(explanation: &Explanation, secrets: &Secrets, json: bool) -> String {
    let clause = explanation.clause().map(|clause| secrets.hide(clause));
    let (is_not_json, is_json_in_base64) = match explanation {
        Explanation::DropNotJson { is_json_in_base64, .. } => (true, *is_json_in_base64),
        Explanation::Pass | Explanation::Drop(_) => (false, false),
    };
    match (clause, json) {
        (None, false) => "pass".to_owned(),
        (None, true) => json!({"result": "pass"}).to_string(),
        (Some(clause), false) if is_json_in_base64 => format!("drop {clause}; {ENCODED_TWICE}"),
        (Some(clause), false) => format!("drop {clause}"),
        (Some(clause), true) => {
            let mut line = json!({"result": "drop", "clause": clause});
            if is_not_json {
                line["not_json"] = true.into();
                line["json_in_base64"] = is_json_in_base64.into();
            }
            line.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::filter::{Filters, Source};

    #[test]
    fn a_record_is_one_line_pass_or_drop_and_the_clause_that_decided() {
        let pattern = "{\"a\": [\n  \"x\",\n  {\"prefix\": \"y  z\"}\n]}".to_owned();
        let filters = Filters::compile_bare(&[pattern]).unwrap().unwrap();
        let explained = |document| filters.explain_event_record(document).unwrap();
        let none = Secrets::default();
        let line = |explanation: &Explanation, json| line(explanation, &none, json);
        assert_eq!(line(&explained(r#"{"a":"x"}"#), false), "pass");
        assert_eq!(line(&explained(r#"{"a":"x"}"#), true), r#"{"result":"pass"}"#);
        assert_eq!(line(&explained("{}"), false), r#"drop a: [ "x", {"prefix": "y  z"} ]"#);
        assert_eq!(
            line(&explained("{}"), true),
            r#"{"result":"drop","clause":"a: [ \"x\", {\"prefix\": \"y  z\"} ]"}"#
        );
    }

    #[test]
    fn a_payload_that_is_no_json_is_marked_for_programs_and_json_in_base64_for_people_too() {
        let pattern = r#"{"data":{"a":["secret"]}}"#.to_owned();
        let filters = Filters::compile(Source::Kinesis, &[pattern]).unwrap().unwrap();
        let of = |data: &str, secrets: &Secrets, json| {
            let record = json!({"kinesis": {"data": data}}).to_string();
            line(&filters.explain_event_record(&record).unwrap(), secrets, json)
        };
        let none = Secrets::default();
        let clause = r#"data.a: ["secret"] (the payload is not a JSON object)"#;
        // `hello`, and `e30=`, which is `{}`.
        assert_eq!(of("aGVsbG8=", &none, false), format!("drop {clause}"));
        assert_eq!(of("ZTMwPQ==", &none, false), format!("drop {clause}; {ENCODED_TWICE}"));
        let object = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        for (data, in_base64) in [("aGVsbG8=", false), ("ZTMwPQ==", true)] {
            let expected = json!({
                "result": "drop", "clause": clause, "not_json": true, "json_in_base64": in_base64
            });
            assert_eq!(object(&of(data, &none, true)), expected);
        }
        let secrets = Secrets::from(vec!["secret".to_owned()]);
        assert_eq!(of("aGVsbG8=", &secrets, false), "drop (hidden)");
    }
}
