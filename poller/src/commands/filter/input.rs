//! Records from JSON, one after the other.
//!
//! In: a file, or the standard input, with one JSON value after the other: records, or whole events, on one line or on many. Out: each
//! record as it is written. Holds no more than one value at a time.

use super::Stop;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// Longest value, in bytes: an event has at most 6 MB.
const VALUE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What some editors write at the beginning of a file to say that it is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A document, and nothing else.
    Document,
    /// A record, or `{"Records": […]}`.
    Event,
    /// A record, or `{"records": {"topic-0": […]}}`.
    KafkaEvent,
}

/// Where records come from.
pub(super) struct Input {
    name: String,
    from: Box<dyn Read + Send>,
    shape: Shape,
}

/// Where a record stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    file: String,
    /// Counted from 1.
    line: u64,
    /// Which of an event's records, from 1.
    record: Option<usize>,
}

/// A value that is no record and no event.
#[derive(Debug)]
pub(super) struct BadInput {
    place: Place,
    reason: String,
}

impl Place {
    pub(super) fn bad(&self, reason: &str) -> Stop {
        Stop::Bad(BadInput { place: self.clone(), reason: reason.to_owned() })
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, line, record } = &self.place;
        write!(f, "line {line} of {file}")?;
        if let Some(record) = record {
            write!(f, ", record {record} of the event")?;
        }
        write!(f, ": {}", self.reason)
    }
}

impl Input {
    /// Opens a file; `-` is the standard input.
    pub(super) fn open(file: &str, shape: Shape) -> io::Result<Self> {
        if file == "-" {
            let name = "the standard input".to_owned();
            return Ok(Self { name, from: Box::new(io::stdin()), shape });
        }
        Ok(Self { name: file.to_owned(), from: Box::new(File::open(file)?), shape })
    }

    /// Tells `judge` of each record, until it says stop or something is none.
    pub(super) fn for_each(
        self,
        judge: &mut impl FnMut(&str, &Place) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let Self { name, from, shape } = self;
        let counters = Counters::default();
        let mut place = Place { file: name, line: 1, record: None };
        let counted = Counted::new(from, counters.clone()).map_err(|error| place.bad(&error.to_string()))?;
        let mut values = serde_json::Deserializer::from_reader(counted).into_iter::<Box<RawValue>>();
        loop {
            counters.begin_value();
            let Some(value) = values.next() else { return Ok(()) };
            place.line = counters.value_line.get();
            let value = value.map_err(|error| place.bad(&format!("it is not JSON, {error}")))?;
            each_record(shape, value.get(), &place, judge)?;
        }
    }
}

fn each_record(
    shape: Shape,
    value: &str,
    place: &Place,
    judge: &mut impl FnMut(&str, &Place) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let records = match shape {
        Shape::Document => None,
        Shape::Event => parse::<Event<'_>>(value, place)?.records,
        Shape::KafkaEvent => parse::<KafkaEvent<'_>>(value, place)?.records.map(|records| records.0),
    };
    let Some(records) = records else { return judge(value, place) };
    for (index, record) in records.into_iter().enumerate() {
        judge(record.get(), &Place { record: Some(index + 1), ..place.clone() })?;
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(value: &'a str, place: &Place) -> Result<T, Stop> {
    serde_json::from_str(value)
        .map_err(|error| place.bad(&format!("it is neither a record nor an event, {error}")))
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct KafkaEvent<'a> {
    #[serde(borrow)]
    records: Option<Partitions<'a>>,
}

/// The records of all partitions, in the order of the event.
struct Partitions<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Partitions<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap;
        impl<'de> Visitor<'de> for OfMap {
            type Value = Vec<&'de RawValue>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of records for each partition")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while map.next_key::<IgnoredAny>()?.is_some() {
                    all.append(&mut map.next_value::<Vec<&RawValue>>()?);
                }
                Ok(all)
            }
        }
        deserializer.deserialize_map(OfMap).map(Partitions)
    }
}

/// How far reading came.
#[derive(Clone, Default)]
struct Counters {
    /// Ends of lines that were read.
    lines: Rc<Cell<u64>>,
    /// Where the value begins, counted from 1.
    value_line: Rc<Cell<u64>>,
    has_value: Rc<Cell<bool>>,
    /// Bytes that the value may have yet.
    left: Rc<Cell<u64>>,
}

impl Counters {
    fn begin_value(&self) {
        self.left.set(VALUE_BYTES_MAX);
        self.has_value.set(false);
    }

    fn count(&self, byte: u8) {
        if !self.has_value.get() {
            self.has_value.set(!byte.is_ascii_whitespace());
            self.value_line.set(self.lines.get() + 1);
        }
        self.lines.set(self.lines.get() + u64::from(byte == b'\n'));
    }
}

/// Counts lines, and ends a value that is too long.
struct Counted<R> {
    from: BufReader<R>,
    counters: Counters,
}

impl<R: Read> Counted<R> {
    fn new(from: R, counters: Counters) -> io::Result<Self> {
        let mut from = BufReader::new(from);
        if from.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            from.consume(BYTE_ORDER_MARK.len());
        }
        Ok(Self { from, counters })
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(into)?;
        let left = self.counters.left.get().checked_sub(read as u64).ok_or_else(|| {
            let limit = VALUE_BYTES_MAX >> 20;
            io::Error::other(format!("it is longer than the {limit} MiB that an event may have here"))
        })?;
        self.counters.left.set(left);
        into[..read].iter().for_each(|byte| self.counters.count(*byte));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// The records, each with its line, and what is wrong with the first thing that is none.
    fn read(shape: Shape, text: &str) -> (Vec<(String, u64)>, Option<String>) {
        let from = Box::new(io::Cursor::new(text.to_owned()));
        let input = Input { name: "events.jsonl".to_owned(), from, shape };
        let mut records = Vec::new();
        let end = input.for_each(&mut |record, place| {
            records.push((record.to_owned(), place.line));
            Ok(())
        });
        let bad = end.err().map(|stop| match stop {
            Stop::Bad(bad) => bad.to_string(),
            Stop::Printing(error) => error.to_string(),
        });
        (records, bad)
    }

    #[track_caller]
    fn check(shape: Shape, text: &str, records: &[(&str, u64)]) {
        let records: Vec<_> = records.iter().map(|(record, line)| ((*record).to_owned(), *line)).collect();
        assert_eq!(read(shape, text), (records, None));
    }

    #[test]
    fn a_line_is_a_record_or_a_whole_event() {
        check(Shape::Event, "{\"a\":1.50}\r\n\n{\"b\" : 2}", &[("{\"a\":1.50}", 1), ("{\"b\" : 2}", 3)]);
        check(
            Shape::Event,
            "\u{feff}{\"Records\":[{\"a\":1},{\"b\":2}]}\n",
            &[("{\"a\":1}", 1), ("{\"b\":2}", 1)],
        );
        check(Shape::Event, "{\"Records\":[]}", &[]);
        check(Shape::Document, "{\"Records\":[{\"a\":1}]}", &[("{\"Records\":[{\"a\":1}]}", 1)]);
    }

    #[test]
    fn an_event_may_span_lines() {
        check(Shape::Event, "{\n \"Records\": [\n  {\"a\":1}\n ]\n}\n", &[("{\"a\":1}", 1)]);
    }

    #[test]
    fn records_of_kafka_stand_under_their_partitions_in_the_order_of_the_event() {
        let event = r#"{"eventSource":"x","records":{"t-1":[{"b":1},{"a":1}],"t-0":[{"c":1}]}}"#;
        check(Shape::KafkaEvent, event, &[("{\"b\":1}", 1), ("{\"a\":1}", 1), ("{\"c\":1}", 1)]);
    }

    #[test]
    fn what_is_no_record_is_named_by_its_line_after_those_before_it() {
        let (records, bad) = read(Shape::Event, "{\"a\":1}\n\n{oops}\n{\"b\":1}\n");
        assert_eq!(records.len(), 1);
        assert!(bad.unwrap().starts_with("line 3 of events.jsonl: it is not JSON, key must be a string"));
        let (_, bad) = read(Shape::Event, "{\"a\":1}\n{\"b\":1\n{\"c\":1}\n");
        assert!(
            bad.unwrap().starts_with("line 2 of events.jsonl: it is not JSON"),
            "the line that does not end"
        );
        let (_, bad) = read(Shape::Event, "{\"a\":1}\n[1]\n");
        assert!(bad.unwrap().starts_with("line 2 of events.jsonl: it is neither a record nor an event"));
    }

    /// Gives what it has, and nothing more before that was judged.
    struct Patient {
        text: &'static [u8],
        is_judged: Arc<AtomicBool>,
    }

    impl Read for Patient {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            assert!(!self.text.is_empty() || self.is_judged.load(Ordering::SeqCst), "it is read ahead");
            self.text.read(into)
        }
    }

    #[test]
    fn a_record_is_judged_before_the_next_one_is_waited_for() {
        let is_judged = Arc::new(AtomicBool::new(false));
        let from = Box::new(Patient { text: b"{\"a\":1}\n", is_judged: Arc::clone(&is_judged) });
        let input = Input { name: "a pipe".to_owned(), from, shape: Shape::Document };
        let end = input.for_each(&mut |_, _| {
            is_judged.store(true, Ordering::SeqCst);
            Ok(())
        });
        assert!(end.is_ok());
    }

    #[test]
    fn a_value_without_an_end_is_not_read_into_memory() {
        let long = "[".repeat(usize::try_from(VALUE_BYTES_MAX).unwrap() + 1);
        let (_, bad) = read(Shape::Document, &long);
        assert!(bad.unwrap().contains("longer than the 16 MiB"));
    }
}
