//! A line for programs: one flat JSON object, the identity that spans carry beside the fields of the event.

use super::event::Event;
use super::tame;
use serde_json::{Map, Value};

/// The event as one line, without its end. A field cannot take the place of `time`, `level`, `target` or `message`.
pub(super) fn line(event: &Event) -> String {
    let mut object = Map::new();
    object.insert("time".into(), moment(event).into());
    object.insert("level".into(), event.level.as_str().into());
    object.insert("target".into(), event.target.into());
    object.insert("message".into(), event.fields.message().into());
    for (name, value) in event.fields.others() {
        object.entry(name).or_insert_with(|| value.clone());
    }
    escaped(Value::Object(object).to_string())
}

/// The same JSON: what a terminal would act on stands within texts, where an escape means it, too.
fn escaped(json: String) -> String {
    if !json.contains(tame::is_active) {
        return json;
    }
    let mut units = [0; 2];
    let escape = |c: char| match tame::is_active(c) {
        true => c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        false => c.to_string(),
    };
    json.chars().map(escape).collect()
}

fn moment(event: &Event) -> String {
    let millis = i64::try_from(event.time.as_millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{moment:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::event::Fields;
    use pelton_core::Timestamp;
    use tracing::Level;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_means_the_same() {
        let text = "a\u{202e}b\u{9b}c\u{e0001}\n\u{7f}ß👩\u{200d}🚀";
        let mut fields = Fields::default();
        fields.set("line", text);
        let event = Event { time: Timestamp::from_millis(0), level: Level::INFO, target: "pelton", fields };
        let line = line(&event);
        assert!(line.contains(r"a\u202eb\u009bc\udb40\udc01\n\u007fß👩"), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["line"], text);
    }

    #[test]
    fn a_line_is_one_flat_object() {
        let mut fields = Fields::default();
        fields.set("shard", "shardId-000000000002");
        fields.set("message", "the function failed");
        fields.set("attempt", 3);
        fields.set("level", "of water");
        let event = Event {
            time: Timestamp::from_millis(1_795_000_007_512),
            level: Level::WARN,
            target: "pelton",
            fields,
        };
        let expected = "{\"time\":\"2026-11-18T11:06:47.512Z\",\"level\":\"WARN\",\"target\":\"pelton\",\
                        \"message\":\"the function failed\",\"shard\":\"shardId-000000000002\",\"attempt\":3}";
        assert_eq!(line(&event), expected);
    }
}
