//! A line for people.
//!
//! ```text
//! 14:03:27.512 WARN  the function failed mapping=OrderLedgerOrders shard=shardId-000000000002 attempt=3
//! order-ledger | what the handler printed
//! ```

use super::event::Event;
use super::terminal::{Palette, Style};
use super::{HANDLER_TARGET, PLATFORM_TARGET, tame};
use jiff::tz::TimeZone;
use serde_json::Value;
use std::fmt::Write;
use tracing::Level;

/// The event as one line, without its end.
pub(super) fn line(event: &Event, zone: &TimeZone, palette: Palette) -> String {
    match event.fields.text("function") {
        Some(function) if event.target == HANDLER_TARGET || event.target == PLATFORM_TARGET => {
            handler_line(event, function, palette)
        }
        Some(_) | None => own_line(event, zone, palette),
    }
}

fn handler_line(event: &Event, function: &str, palette: Palette) -> String {
    let text = event.fields.text("line").unwrap_or(event.fields.message());
    format!("{} {}", palette.paint(Style::Dim, &format!("{function} |")), tame::tame(text, palette))
}

fn own_line(event: &Event, zone: &TimeZone, palette: Palette) -> String {
    let time = palette.paint(Style::Dim, &time_of_day(event, zone));
    let level = palette.paint(level_style(event.level), &format!("{:<5}", event.level.as_str()));
    let mut line = format!("{time} {level} {}", event.fields.message());
    for (name, value) in event.fields.others() {
        let name = palette.paint(Style::Dim, &format!("{name}="));
        write!(line, " {name}{}", readable(value)).expect("writing to a string does not fail");
    }
    line
}

fn time_of_day(event: &Event, zone: &TimeZone) -> String {
    let millis = i64::try_from(event.time.as_millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    moment.to_zoned(zone.clone()).strftime("%H:%M:%S.%3f").to_string()
}

fn level_style(level: Level) -> Style {
    match level {
        Level::ERROR => Style::Red,
        Level::WARN => Style::Yellow,
        Level::INFO => Style::Green,
        Level::DEBUG | Level::TRACE => Style::Dim,
    }
}

/// Text in quotes only where it would run into its neighbours or break the line.
fn readable(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let is_plain =
        !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || tame::is_active(c) || c == '"');
    if is_plain { text.clone() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logging::event::Fields;
    use pelton_core::Timestamp;

    fn event(level: Level, target: &'static str, fields: &[(&'static str, Value)]) -> Event<'static> {
        let mut all = Fields::default();
        for (name, value) in fields {
            all.set(name, value.clone());
        }
        Event { time: Timestamp::from_millis(1_795_000_007_512), level, target, fields: all }
    }

    fn check(event: &Event, palette: Palette, expected: &str) {
        assert_eq!(line(event, &TimeZone::UTC, palette), expected);
    }

    fn failed() -> Event<'static> {
        let fields = [
            ("mapping", "OrderLedgerOrders".into()),
            ("shard", "shardId-000000000002".into()),
            ("message", "the function failed".into()),
            ("attempt", 3.into()),
            ("error", "timed out\nafter 3 s".into()),
        ];
        event(Level::WARN, "pelton::shard_worker", &fields)
    }

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let expected = "11:06:47.512 WARN  the function failed mapping=OrderLedgerOrders \
                        shard=shardId-000000000002 attempt=3 error=\"timed out\\nafter 3 s\"";
        check(&failed(), Palette::Plain, expected);
    }

    #[test]
    fn on_a_terminal_the_level_has_a_colour_and_the_names_are_dim() {
        let expected = "\x1b[2m11:06:47.512\x1b[0m \x1b[33mWARN \x1b[0m the function failed \
                        \x1b[2mmapping=\x1b[0mOrderLedgerOrders \x1b[2mshard=\x1b[0mshardId-000000000002 \
                        \x1b[2mattempt=\x1b[0m3 \x1b[2merror=\x1b[0m\"timed out\\nafter 3 s\"";
        check(&failed(), Palette::Colour, expected);
    }

    #[test]
    fn what_a_handler_prints_has_only_its_function_before_it() {
        let fields = [
            ("mapping", "OrderLedgerOrders".into()),
            ("function", "order-ledger".into()),
            ("stream", "stdout".into()),
            ("message", "handler output".into()),
            ("line", "order 17 is \"paid\"".into()),
        ];
        let printed = event(Level::INFO, HANDLER_TARGET, &fields);
        check(&printed, Palette::Plain, "order-ledger | order 17 is \"paid\"");
        check(&printed, Palette::Colour, "\x1b[2morder-ledger |\x1b[0m order 17 is \"paid\"");
    }

    #[test]
    fn a_field_that_changes_the_order_of_the_line_is_in_quotes_as_its_escape() {
        let fields = [("message", "the function failed".into()), ("error", "paid\u{202e}001".into())];
        let expected = "11:06:47.512 WARN  the function failed error=\"paid\\u{202e}001\"";
        check(&event(Level::WARN, "pelton", &fields), Palette::Plain, expected);
    }

    #[test]
    fn what_a_handler_prints_may_be_the_message_itself() {
        let fields = [("function", "order-ledger".into()), ("message", "END RequestId: 1".into())];
        check(
            &event(Level::INFO, HANDLER_TARGET, &fields),
            Palette::Plain,
            "order-ledger | END RequestId: 1",
        );
    }
}
