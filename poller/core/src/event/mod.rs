//! How records look inside an invocation event, and inside the record of a failure: the only place that knows the shapes.

pub mod dynamodb;
pub mod failure;
pub mod kafka;
pub mod kinesis;
pub mod page;
pub mod window;

use crate::time::Timestamp;

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// `2026-01-14T00:38:06.021Z`
fn iso_8601_millis(moment: Timestamp) -> String {
    utc(moment).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `2026-01-14T00:13:19Z`
fn iso_8601_seconds(moment: Timestamp) -> String {
    utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A moment as a calendar knows it; the last one that it knows for any later.
fn utc(moment: Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}
