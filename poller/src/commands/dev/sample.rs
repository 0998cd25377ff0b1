//! A record to try a function with: a command that can be pasted into a shell.
//!
//! In: the template's folder, and a stream. Out: the first record of an event that lies in `events/`, where SAM keeps events to
//! invoke functions with, and that is of this stream; else a record like those of the sample application.

use crate::commands::quoted;
use crate::traffic;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// Beside the template.
const EVENTS: &str = "events";

/// Longer data is no help on a command line.
const DATA_LEN_MAX: usize = 400;

/// An event, as far as it matters here.
#[derive(Deserialize)]
struct Event {
    #[serde(rename = "Records")]
    records: Vec<EventRecord>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventRecord {
    kinesis: KinesisData,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KinesisData {
    partition_key: String,
    data: String,
}

/// A key and the data of a record.
type Sample = (String, String);

/// The command that puts a record into the stream.
pub(super) fn command(root: &Path, stream: &str, endpoint: &str) -> String {
    let (key, data) =
        of_event(&root.join(EVENTS), stream).unwrap_or_else(|| of_the_sample_application(stream));
    format!("pelton put {stream} --endpoint-url {endpoint} --key {} {}", quoted(&key), quoted(&data))
}

/// The command that puts a record into a topic.
pub(super) fn command_for_topic(topic: &str, bootstrap_servers: &str) -> String {
    let (key, data) = of_the_sample_application(topic);
    format!(
        "pelton put {topic} --bootstrap-servers {bootstrap_servers} --key {} {}",
        quoted(&key),
        quoted(&data)
    )
}

/// The first record that an event in the folder has of this stream.
fn of_event(folder: &Path, stream: &str) -> Option<Sample> {
    let mut files: Vec<_> = fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().find_map(|file| record(&fs::read(file).ok()?, stream))
}

fn record(event: &[u8], stream: &str) -> Option<Sample> {
    let event: Event = serde_json::from_slice(event).ok()?;
    let record = event.records.into_iter().find(|record| {
        record.event_source_arn.rsplit_once(":stream/").is_some_and(|(_, name)| name == stream)
    })?;
    let data = String::from_utf8(BASE64_STANDARD.decode(record.kinesis.data).ok()?).ok()?;
    let fits = data.len() <= DATA_LEN_MAX && !data.contains(char::is_control);
    fits.then_some((record.kinesis.partition_key, data))
}

fn of_the_sample_application(stream: &str) -> Sample {
    let (key, data) = match traffic::is_of_orders(stream) {
        true => ("o-1", r#"{"order":"o-1","event":"placed","amount":1999}"#),
        false => ("/cart", r#"{"page":"/cart"}"#),
    };
    (key.to_owned(), data.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(stream: &str, data: &str) -> String {
        let arn = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{stream}");
        let kinesis = serde_json::json!({ "partitionKey": "k 1", "data": BASE64_STANDARD.encode(data) });
        serde_json::json!({ "Records": [{ "kinesis": kinesis, "eventSourceARN": arn }] }).to_string()
    }

    #[track_caller]
    fn check(files: &[(&str, String)], expected: &str) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join(EVENTS)).unwrap();
        for (name, text) in files {
            fs::write(root.path().join(EVENTS).join(name), text).unwrap();
        }
        let command = command(root.path(), "shop", "http://127.0.0.1:4567");
        assert_eq!(command, format!("pelton put shop --endpoint-url http://127.0.0.1:4567 {expected}"));
    }

    #[test]
    fn the_sample_is_the_record_of_an_event_of_the_stream() {
        let files = [
            ("a.json", "no event".to_owned()),
            ("b.json", event("other", "x")),
            ("c.json", event("shop", r#"{"it's":1}"#)),
        ];
        check(&files, r#"--key 'k 1' '{"it'\''s":1}'"#);
    }

    #[test]
    fn the_sample_of_a_topic_is_one_of_the_sample_application() {
        let expected = r#"pelton put clicks --bootstrap-servers h:1 --key /cart '{"page":"/cart"}'"#;
        assert_eq!(command_for_topic("clicks", "h:1"), expected);
    }

    #[test]
    fn without_such_an_event_it_is_one_of_the_sample_application() {
        check(&[("a.json", event("shop", "\u{1b}[31m"))], r#"--key /cart '{"page":"/cart"}'"#);
        let nowhere = Path::new("/nowhere");
        let orders = r#"pelton put Orders --endpoint-url e --key o-1 '{"order":"o-1","event":"placed","amount":1999}'"#;
        assert_eq!(command(nowhere, "Orders", "e"), orders);
    }
}
