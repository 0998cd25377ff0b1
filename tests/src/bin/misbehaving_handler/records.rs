//! What the handler does with the records of a stream: it keeps a journal of them, and behaves as a file says.
//!
//! In: the events, and the file `behavior` in the working directory, the function's own folder; without it all goes well.
//! Out: the file `journal` beside it, one line of JSON for each event that began, and one when it ends well or is about to
//! fail, as a whole or in part.

use crate::obedience;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

/// Between two looks at the file while it says `hold`.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What the file says: `succeed`, `hold`, `pause MILLISECONDS`, `obey`, `init …`, or what else an event can tell to `do`.
pub(crate) fn behavior() -> String {
    std::fs::read_to_string("behavior").map_or_else(|_| "succeed".to_owned(), |text| text.trim().to_owned())
}

/// What to do with this event. Returns when the file no longer says `hold`.
pub(crate) fn order(event: &Value) -> Value {
    write("began", event);
    loop {
        let behavior = behavior();
        match behavior.split_once(' ').unwrap_or((&behavior, "")) {
            ("hold", _) => pause(LOOK_EVERY),
            ("pause", millis) => {
                pause(Duration::from_millis(millis.parse().expect("a number of milliseconds")));
                return json!({"do": "keep"});
            }
            ("succeed", _) => return json!({"do": "keep"}),
            ("obey", _) => return obey(event),
            (other, _) => {
                write("failed", event);
                return json!({"do": other});
            }
        }
    }
}

/// What the records ask for.
fn obey(event: &Value) -> Value {
    let order = obedience::order(event);
    let goes_well = order["answer"]["batchItemFailures"] == json!([]);
    write(if goes_well { "ended" } else { "failed" }, event);
    order
}

/// Notes that the event is done with.
pub(crate) fn keep(event: &Value) -> Value {
    write("ended", event);
    Value::Null
}

/// A line that was cut short by a `kill -9` stands alone: every line brings the end of the one before.
fn write(step: &str, event: &Value) {
    let line = format!("\n{}\n", json!({"step": step, "event": event}));
    let journal = OpenOptions::new().create(true).append(true).open("journal");
    journal.and_then(|mut journal| journal.write_all(line.as_bytes())).expect("the journal can be written");
}

#[expect(clippy::disallowed_methods, reason = "a handler has no clock, and nothing else to do")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
