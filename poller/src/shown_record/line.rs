//! The lines of `pelton get --json`, which `pelton put --file` takes back.
//!
//! A line is an object with `"pelton":"record"`, and the payload in the first of three fields that fits: `data`, the JSON as
//! it stands; `text`; `base64`. So a payload comes back byte for byte.

use super::ShownRecord;
use super::escape::{escaped_json, is_obeyed};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pelton_core::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// What the field `pelton` of such a line holds.
const RECORD: &str = "record";

#[derive(Serialize)]
struct Line<'a> {
    pelton: &'static str,
    shard: &'a str,
    sequence_number: &'a str,
    arrival: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    partition_key: Option<&'a str>,
    #[serde(flatten)]
    payload: Payload<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Payload<'a> {
    Data(&'a RawValue),
    Text(&'a str),
    Base64(String),
}

/// A line that says of itself that it is one of these.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MarkedLine {
    pub(crate) partition_key: Option<String>,
    pub(crate) data: Vec<u8>,
}

#[derive(Deserialize)]
struct Marked<'a> {
    partition_key: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    text: Option<String>,
    base64: Option<String>,
}

impl ShownRecord {
    /// One JSON object, without a line break.
    pub(crate) fn json_line(&self) -> String {
        let Self { shard, sequence_number, partition_key, arrival, data } = self;
        let line = Line {
            pelton: RECORD,
            shard,
            sequence_number,
            arrival: rfc_3339(*arrival),
            partition_key: partition_key.as_deref(),
            payload: payload(data),
        };
        escaped_json(&serde_json::to_string(&line).expect("texts are JSON"))
    }
}

fn payload(data: &[u8]) -> Payload<'_> {
    let Ok(text) = std::str::from_utf8(data) else { return Payload::Base64(STANDARD.encode(data)) };
    // In a line of its own, and without the escapes that a terminal needs, it would not be what it was.
    let stands_in_a_line = !text.chars().any(is_obeyed) && text.trim() == text;
    match serde_json::from_str::<&RawValue>(text) {
        // `null` would look like no payload.
        Ok(json) if stands_in_a_line && text != "null" => Payload::Data(json),
        Ok(_) | Err(_) => Payload::Text(text),
    }
}

/// The record of a line; `None` if the line does not say that it is one of these.
///
/// # Errors
///
/// What is wrong with a line that says so.
pub(crate) fn read_marked(line: &str, value: &serde_json::Value) -> Result<Option<MarkedLine>, String> {
    if value.get("pelton").and_then(serde_json::Value::as_str) != Some(RECORD) {
        return Ok(None);
    }
    let marked: Marked<'_> = serde_json::from_str(line)
        .map_err(|error| format!("it is not a line of `pelton get --json`: {error}"))?;
    let data = match (marked.data, marked.text, marked.base64) {
        (Some(json), None, None) => json.get().as_bytes().to_vec(),
        (None, Some(text), None) => text.into_bytes(),
        (None, None, Some(base64)) => {
            STANDARD.decode(&base64).map_err(|error| format!("its field base64 is not base64: {error}"))?
        }
        (Some(_), _, _) | (None, Some(_), Some(_)) | (None, None, None) => {
            return Err("it needs exactly one of the fields data, text and base64".to_owned());
        }
    };
    Ok(Some(MarkedLine { partition_key: marked.partition_key, data }))
}

/// A moment with three digits of its second; the number of milliseconds if no calendar has it.
fn rfc_3339(moment: Timestamp) -> String {
    let time = i64::try_from(moment.as_millis()).ok();
    let time = time.and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    time.map_or_else(|| moment.as_millis().to_string(), |time| format!("{time:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(data: &[u8]) -> ShownRecord {
        ShownRecord {
            shard: "shardId-000000000001".to_owned(),
            sequence_number: "495".to_owned(),
            partition_key: Some("k\u{1b}\"".to_owned()),
            arrival: Timestamp::from_millis(1_767_225_600_500),
            data: data.to_vec(),
        }
    }

    fn read(line: &str) -> Result<Option<MarkedLine>, String> {
        read_marked(line, &serde_json::from_str(line).unwrap())
    }

    #[test]
    fn a_line_holds_the_record_and_its_place() {
        let line = record(br#"{"n": 1.0}"#).json_line();
        assert_eq!(
            line,
            concat!(
                r#"{"pelton":"record","shard":"shardId-000000000001","sequence_number":"495","#,
                r#""arrival":"2026-01-01T00:00:00.500Z","partition_key":"k\u001b\"","data":{"n": 1.0}}"#
            )
        );
        let value: Value = serde_json::from_str(&record(b"hi").json_line()).unwrap();
        assert_eq!((&value["text"], value.get("data")), (&json!("hi"), None));
        let value: Value = serde_json::from_str(&record(b"\xff\x00").json_line()).unwrap();
        assert_eq!(value["base64"], "/wA=");
    }

    #[test]
    fn every_payload_comes_back_byte_for_byte() {
        let payloads: [&[u8]; 14] = [
            b"",
            b"null",
            b" {\"a\":1}",
            b"{\n\"a\":1}\n",
            br#"{"a":1.10,"a":123456789012345678901234567890}"#,
            b"hello",
            b"a\tb\r\n\x1b[31m",
            b"\xff\xfe",
            b"\xf3\x89\x9a\xc2kpl",
            "\"\u{9b}\u{2028}\"".as_bytes(),
            "\u{a0}1".as_bytes(),
            "{\"東\":\"🦀\"}".as_bytes(),
            b"\x00",
            br#"{"pelton":"record","data":1}"#,
        ];
        for data in payloads {
            let line = record(data).json_line();
            assert!(!line.chars().any(is_obeyed), "{line}");
            let expected = MarkedLine { partition_key: Some("k\u{1b}\"".to_owned()), data: data.to_vec() };
            assert_eq!(read(&line), Ok(Some(expected)), "{line}");
        }
        let line = ShownRecord { partition_key: None, ..record(b"1") }.json_line();
        assert_eq!(read(&line), Ok(Some(MarkedLine { partition_key: None, data: b"1".to_vec() })));
    }

    #[test]
    fn a_line_without_the_mark_is_data_itself() {
        for line in [r#"{"data":1,"partition_key":"a"}"#, r#"{"pelton":"x"}"#, "1", r#"["pelton","record"]"#]
        {
            assert_eq!(read(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn a_marked_line_has_one_payload() {
        for (line, said) in [
            (r#"{"pelton":"record"}"#, "exactly one of the fields"),
            (r#"{"pelton":"record","data":null}"#, "exactly one of the fields"),
            (r#"{"pelton":"record","data":1,"text":"a"}"#, "exactly one of the fields"),
            (r#"{"pelton":"record","base64":"?"}"#, "is not base64"),
            (r#"{"pelton":"record","text":1}"#, "not a line of `pelton get --json`"),
        ] {
            let reason = read(line).unwrap_err();
            assert!(reason.contains(said), "{line}: {reason}");
        }
    }
}
