//! What the records of a stream or a topic themselves ask for: `NAME`, or `NAME WORD`.
//!
//! In: an event. Out: what to do with it. `error` fails the whole invocation, `report` names its record as one that failed,
//! `pause:MILLISECONDS` is waited for before, and `answer:JSON` is what is named as failed instead of the record.
//! In a tumbling window the state is `{"seen": [NAME, …]}`: every record up to the first that is reported.

use crate::records::{data, item_identifier, records};
use serde_json::{Value, json};
use std::time::Duration;

/// One record, as far as it asks for something.
struct Wish {
    identifier: Value,
    name: String,
    word: String,
}

/// How long to wait before.
pub(crate) fn pause(event: &Value) -> Duration {
    let pauses = wishes(event).into_iter().filter_map(|wish| wish.word.strip_prefix("pause:")?.parse().ok());
    pauses.map(Duration::from_millis).sum()
}

/// What to do.
pub(crate) fn order(event: &Value) -> Value {
    let wishes = wishes(event);
    if wishes.iter().any(|wish| wish.word == "error") {
        return json!({"do": "error"});
    }
    let failures: Vec<Value> = wishes.iter().filter_map(Wish::failed).collect();
    let mut answer = json!({"batchItemFailures": failures});
    if event.get("window").is_some() {
        let seen = wishes.iter().take_while(|wish| wish.word != "report").map(|wish| json!(wish.name));
        let before = event["state"]["seen"].as_array().cloned().unwrap_or_default();
        answer["state"] = json!({"seen": before.into_iter().chain(seen).collect::<Vec<_>>()});
    }
    json!({"do": "answer", "answer": answer})
}

impl Wish {
    /// What it has the answer name as failed.
    fn failed(&self) -> Option<Value> {
        if self.word == "report" {
            return Some(json!({"itemIdentifier": self.identifier}));
        }
        let other = self.word.strip_prefix("answer:")?;
        Some(json!({"itemIdentifier": serde_json::from_str::<Value>(other).expect("a test puts JSON")}))
    }
}

fn wishes(event: &Value) -> Vec<Wish> {
    records(event).into_iter().map(wish).collect()
}

fn wish(record: &Value) -> Wish {
    let data = String::from_utf8(data(record).expect("data is base64")).expect("a test puts text");
    let (name, word) = data.split_once(' ').unwrap_or((&data, ""));
    Wish { identifier: item_identifier(record), name: name.to_owned(), word: word.to_owned() }
}
