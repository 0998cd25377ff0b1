//! What the records of a stream themselves ask for: `NAME`, or `NAME WORD`.
//!
//! In: an event. Out: what to do with it. `error` fails the whole invocation, `report` names its record as one that failed.
//! In a tumbling window the state is `{"seen": [NAME, …]}`: every record up to the first that is reported.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// One record, as far as it asks for something.
struct Wish {
    sequence_number: String,
    name: String,
    word: String,
}

/// What to do.
pub(crate) fn order(event: &Value) -> Value {
    let records = event["Records"].as_array().map_or(&[][..], Vec::as_slice);
    let wishes: Vec<Wish> = records.iter().map(wish).collect();
    if wishes.iter().any(|wish| wish.word == "error") {
        return json!({"do": "error"});
    }
    let reported = || wishes.iter().filter(|wish| wish.word == "report");
    let failures: Vec<Value> =
        reported().map(|wish| json!({"itemIdentifier": wish.sequence_number})).collect();
    let mut answer = json!({"batchItemFailures": failures});
    if event.get("window").is_some() {
        let seen = wishes.iter().take_while(|wish| wish.word != "report").map(|wish| json!(wish.name));
        let before = event["state"]["seen"].as_array().cloned().unwrap_or_default();
        answer["state"] = json!({"seen": before.into_iter().chain(seen).collect::<Vec<_>>()});
    }
    json!({"do": "answer", "answer": answer})
}

fn wish(record: &Value) -> Wish {
    let text =
        |member: &str| record["kinesis"][member].as_str().expect("a record has data and a number").to_owned();
    let data = STANDARD.decode(text("data")).expect("data is base64");
    let data = String::from_utf8(data).expect("a test puts text");
    let (name, word) = data.split_once(' ').unwrap_or((&data, ""));
    Wish { sequence_number: text("sequenceNumber"), name: name.to_owned(), word: word.to_owned() }
}
