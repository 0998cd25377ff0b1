//! What the handler does with the records of a stream: it keeps a journal of them, and behaves as a file says.
//!
//! In: the events of Kinesis, DynamoDB Streams or Kafka, and the file `behavior` in the working directory, the function's own
//! folder; without it all goes well.
//! Out: the file `journal` beside it, one line of JSON for each event that began, and one when it ends well, is about to fail, or
//! to report records, each with the time of the clock that all processes share; and answers. In a tumbling window the state is the list of the records that succeeded in it.

use crate::obedience;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pelton_tests::measure::now_ns;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::time::Duration;

/// Between two looks at the file while it says `hold`.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The variable of the environment that says that about one of so many records is poison: never handled.
const POISON_VARIABLE: &str = "POISON_ONE_OF";

/// A state with this many bytes more ends its window.
const SWELLING_BYTES: usize = 1024 * 1024;

/// Records that are reported at once at most.
const REPORTED_MAX: usize = 3;

/// How a poison record fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poison {
    /// It is reported.
    Reported,
    /// The invocation ends with an error.
    Error,
}

/// What the file says: `succeed`, `hold`, `pause MILLISECONDS`, `report SEED`, `swell`, `obey`, `init …`, or what else an event can
/// tell to `do`.
pub(crate) fn behavior() -> String {
    std::fs::read_to_string("behavior").map_or_else(|_| "succeed".to_owned(), |text| text.trim().to_owned())
}

/// What to do with this event. Returns when the file no longer says `hold`, and what was asked for is waited for.
pub(crate) fn order(event: &Value) -> Value {
    write(event, json!({"step": "began"}));
    let poison = poison(event);
    loop {
        let behavior = behavior();
        let reported = match behavior.split_once(' ').unwrap_or((&behavior, "")) {
            ("hold", _) => {
                pause(LOOK_EVERY);
                continue;
            }
            ("pause", millis) => {
                pause(Duration::from_millis(millis.parse().expect("a number of milliseconds")));
                Vec::new()
            }
            ("succeed" | "swell", _) => Vec::new(),
            ("obey", _) => return obey(event),
            ("report", seed) => some_records(event, seed.parse().expect("a seed")),
            (other, _) => return fail(event, other),
        };
        return match poison {
            Some((_, Poison::Error)) => fail(event, "error"),
            Some((record, Poison::Reported)) => keep_order(&behavior, [reported, vec![record]].concat()),
            None => keep_order(&behavior, reported),
        };
    }
}

/// What the records themselves ask for.
fn obey(event: &Value) -> Value {
    pause(obedience::pause(event));
    let order = obedience::order(event);
    let goes_well = order["answer"]["batchItemFailures"] == json!([]);
    write(event, json!({"step": if goes_well { "ended" } else { "failed" }}));
    order
}

fn fail(event: &Value, how: &str) -> Value {
    write(event, json!({"step": "failed"}));
    json!({"do": how})
}

fn keep_order(behavior: &str, reported: Vec<Value>) -> Value {
    json!({"do": "keep", "reported": reported, "swells": behavior == "swell"})
}

/// Notes that the event is done with, or which of its records are not; and answers.
pub(crate) fn keep(event: &Value, order: &Value) -> Value {
    let reported = order["reported"].as_array().cloned().unwrap_or_default();
    if reported.is_empty() {
        write(event, json!({"step": "ended"}));
    } else {
        write(event, json!({"step": "reported", "reported": reported}));
    }
    let failures: Vec<Value> = reported.iter().map(|number| json!({"itemIdentifier": number})).collect();
    if event.get("window").is_some() {
        let state = state_after(event, &reported, order["swells"] == true);
        json!({"state": state, "batchItemFailures": failures})
    } else if failures.is_empty() {
        Value::Null
    } else {
        json!({"batchItemFailures": failures})
    }
}

/// The state before, and the records up to the first that is reported.
fn state_after(event: &Value, reported: &[Value], swells: bool) -> Value {
    let before = event["state"]["records"].as_array().cloned().unwrap_or_default();
    let numbers = records(event).into_iter().map(item_identifier);
    let succeeded = numbers.take_while(|number| !reported.contains(number));
    let records: Vec<Value> = before.into_iter().chain(succeeded).collect();
    let swelling = if swells { "x".repeat(SWELLING_BYTES) } else { String::new() };
    json!({"records": records, "swelling": swelling})
}

/// Whether it is an event of a stream or a topic.
pub(crate) fn has_records(event: &Value) -> bool {
    event.get("Records").or(event.get("records")).is_some()
}

/// The records of a stream, or those of a topic, which stand by their partitions.
pub(crate) fn records(event: &Value) -> Vec<&Value> {
    let of_a_topic = event["records"].as_object();
    let lists = event["Records"].as_array().into_iter();
    lists
        .chain(of_a_topic.into_iter().flat_map(|lists| lists.values().filter_map(Value::as_array)))
        .flatten()
        .collect()
}

/// How an answer names the record.
pub(crate) fn item_identifier(record: &Value) -> Value {
    let of_kinesis = record["kinesis"]["sequenceNumber"].as_str();
    match (of_kinesis.or(record["dynamodb"]["SequenceNumber"].as_str()), record["topic"].as_str()) {
        (Some(number), _) => json!(number),
        (None, Some(topic)) => {
            let partition = format!("{topic}-{}", record["partition"]);
            json!({"partition": partition, "offset": record["offset"]})
        }
        (None, None) => json!(""),
    }
}

/// The data of a record; of a table, what the item is now; of a tombstone, nothing.
pub(crate) fn data(record: &Value) -> Option<Vec<u8>> {
    if record.get("topic").is_some() {
        return STANDARD.decode(record["value"].as_str().unwrap_or_default()).ok();
    }
    match record["kinesis"]["data"].as_str() {
        Some(data) => STANDARD.decode(data).ok(),
        None => Some(record["dynamodb"]["NewImage"].to_string().into_bytes()),
    }
}

/// Some records of the event in any order: always the same for the same seed and records, but others for what is left of them.
fn some_records(event: &Value, seed: u64) -> Vec<Value> {
    let mut numbers: Vec<Value> = records(event).into_iter().map(item_identifier).collect();
    let mut random = fastrand::Rng::with_seed(seed ^ numbers.len() as u64);
    random.shuffle(&mut numbers);
    numbers.truncate(random.usize(1..=REPORTED_MAX));
    numbers
}

/// The first poison record of the event.
fn poison(event: &Value) -> Option<(Value, Poison)> {
    let one_of: u64 = std::env::var(POISON_VARIABLE).ok()?.parse().expect("a number of records");
    records(event).into_iter().find_map(|record| {
        let data = data(record)?;
        // Always the same records, here and there.
        let hash =
            data.iter().fold(0, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(*byte)));
        let how = if (hash / one_of).is_multiple_of(2) { Poison::Reported } else { Poison::Error };
        hash.is_multiple_of(one_of).then(|| (item_identifier(record), how))
    })
}

/// Appends what happened and the event to the journal. A line that was cut short by a `kill -9` stands alone: every line brings
/// the end of the one before. What only makes a state large is left out.
fn write(event: &Value, mut what: Value) {
    let mut event = event.clone();
    if let Some(state) = event.get_mut("state").and_then(Value::as_object_mut) {
        state.remove("swelling");
    }
    what["event"] = event;
    what["at_ns"] = json!(now_ns());
    let line = format!("\n{what}\n");
    let journal = OpenOptions::new().create(true).append(true).open("journal");
    journal.and_then(|mut journal| journal.write_all(line.as_bytes())).expect("the journal can be written");
}

#[expect(clippy::disallowed_methods, reason = "a handler has no clock, and nothing else to do")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
