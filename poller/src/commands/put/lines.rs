//! Records from lines: of JSON, or of any bytes.
//!
//! In: a file, or the standard input. Out: one record for each line, its data the line as it stands, or what a line of
//! `pelton get --json` holds. A thread of its own reads, because a read of a terminal cannot be taken back; what it reads ahead is limited.

use super::args::KeyRule;
use super::sender::BATCH_RECORDS_MAX;
use super::{Entry, PutError};
use crate::shown_record::{MarkedLine, read_marked};
use serde_json::Value;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use tokio::sync::mpsc;

/// Most data of a line, in bytes: the largest record of Kinesis.
const DATA_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Longest line, in bytes: such a record as `pelton get --json` writes it, each byte as an escape of six.
const LINE_BYTES_MAX: u64 = 61 * 1024 * 1024;

/// What some editors write at the beginning of a file to say that it is UTF-8. It is no part of the first record.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Longest plain line, in bytes: the largest record of Kinesis.
const PLAIN_BYTES_MAX: u64 = 10 * 1024 * 1024;

/// Lines that are read ahead.
const LINES_AHEAD_MAX: usize = 2 * BATCH_RECORDS_MAX;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineForm {
    /// A JSON value, with or without blanks around it.
    Json,
    /// Any bytes up to the line's end.
    Plain,
}

/// Records from lines.
pub(super) struct Lines {
    read: mpsc::Receiver<Result<Entry, BadLine>>,
    bad: Option<BadLine>,
}

/// A line that is not a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadLine {
    file: String,
    line: u64,
    reason: String,
}

impl BadLine {
    /// As an error, after `put` records were put.
    pub(super) fn after(self, put: u64) -> PutError {
        let Self { file, line, reason } = self;
        PutError::BadLine { file, line, reason, put }
    }
}

impl Lines {
    /// Begins to read; `-` is the standard input.
    pub(super) fn open(file: &str, form: LineForm, keys: KeyRule) -> io::Result<Self> {
        if file == "-" {
            return Ok(Self::of("the standard input", io::stdin(), form, keys));
        }
        Ok(Self::of(file, File::open(file)?, form, keys))
    }

    fn of(file: &str, from: impl Read + Send + 'static, form: LineForm, keys: KeyRule) -> Self {
        let (lines, read) = mpsc::channel(LINES_AHEAD_MAX);
        let file = file.to_owned();
        std::thread::spawn(move || read_lines(&file, BufReader::new(from), form, &keys, &lines));
        Self { read, bad: None }
    }

    /// The lines that are there, at least one; none at the end. A bad line is reported after those before it.
    pub(super) async fn next_batch(&mut self) -> Result<Vec<Entry>, BadLine> {
        if let Some(bad) = self.bad.take() {
            return Err(bad);
        }
        let mut read = Vec::new();
        self.read.recv_many(&mut read, BATCH_RECORDS_MAX).await;
        let mut batch = Vec::with_capacity(read.len());
        for line in read {
            match line {
                Ok(entry) => batch.push(entry),
                Err(bad) if batch.is_empty() => return Err(bad),
                Err(bad) => self.bad = Some(bad),
            }
        }
        Ok(batch)
    }
}

/// Reads up to the end, the first bad line, or the end of interest.
fn read_lines(
    file: &str,
    mut from: impl BufRead,
    form: LineForm,
    keys: &KeyRule,
    lines: &mpsc::Sender<Result<Entry, BadLine>>,
) {
    for line in 1.. {
        let before = if line == 1 { BYTE_ORDER_MARK } else { b"" };
        let read = match form {
            LineForm::Json => read_line(&mut from, before, keys),
            LineForm::Plain => read_plain_line(&mut from, before, keys),
        };
        let entry = match read {
            Ok(None) => return,
            Ok(Some(Line::Blank)) => continue,
            Ok(Some(Line::Entry(entry))) => Ok(entry),
            Err(reason) => Err(BadLine { file: file.to_owned(), line, reason }),
        };
        let is_last = entry.is_err();
        if lines.blocking_send(entry).is_err() || is_last {
            return;
        }
    }
}

enum Line {
    Blank,
    Entry(Entry),
}

/// The next line, without what may stand before it; `None` at the end; what is wrong with it otherwise.
fn read_line(from: &mut impl BufRead, before: &[u8], keys: &KeyRule) -> Result<Option<Line>, String> {
    let mut line = Vec::new();
    let read =
        from.take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    if read == 0 {
        return Ok(None);
    }
    let too_long = || Err("it is longer than the 10 MiB that a record may have".to_owned());
    if line.len() as u64 > LINE_BYTES_MAX {
        return too_long();
    }
    let data = line.strip_prefix(before).unwrap_or(&line).trim_ascii();
    if data.is_empty() {
        return Ok(Some(Line::Blank));
    }
    let value: Value = serde_json::from_slice(data).map_err(|error| format!("it is not JSON, {error}"))?;
    let text = std::str::from_utf8(data).map_err(|error| format!("it is not JSON, {error}"))?;
    let entry = match read_marked(text, &value)? {
        Some(record) => entry_of(record, keys)?,
        None => Entry { key: key_of(&value, keys)?, data: data.to_vec() },
    };
    if entry.data.len() > DATA_BYTES_MAX {
        return too_long();
    }
    Ok(Some(Line::Entry(entry)))
}

/// The record of a line of `pelton get --json`. It has its key unless the command line says otherwise.
fn entry_of(MarkedLine { partition_key, data }: MarkedLine, keys: &KeyRule) -> Result<Entry, String> {
    if keys.field.is_some() {
        let value: Value = serde_json::from_slice(&data).map_err(|_| "its data is not JSON".to_owned())?;
        return Ok(Entry { key: key_of(&value, keys)?, data });
    }
    Ok(Entry { key: keys.key.clone().or(partition_key), data })
}

/// The same for a line of any bytes. Only its end is no part of it: `\n`, or `\r\n`.
fn read_plain_line(from: &mut impl BufRead, before: &[u8], keys: &KeyRule) -> Result<Option<Line>, String> {
    let mut line = Vec::new();
    // Two more for its end, and what may stand before it.
    let read = from
        .take(PLAIN_BYTES_MAX + 2 + before.len() as u64)
        .read_until(b'\n', &mut line)
        .map_err(|error| error.to_string())?;
    if read == 0 {
        return Ok(None);
    }
    let data = line.strip_prefix(before).unwrap_or(&line);
    let data = match data.strip_suffix(b"\n") {
        Some(data) => data.strip_suffix(b"\r").unwrap_or(data),
        None => data,
    };
    if data.len() as u64 > PLAIN_BYTES_MAX {
        return Err("it is longer than the 10 MiB that a record may have".to_owned());
    }
    if data.is_empty() {
        return Ok(Some(Line::Blank));
    }
    Ok(Some(Line::Entry(Entry { key: keys.key.clone(), data: data.to_vec() })))
}

fn key_of(value: &Value, keys: &KeyRule) -> Result<Option<String>, String> {
    let Some(field) = &keys.field else { return Ok(keys.key.clone()) };
    match value.get(field) {
        Some(Value::String(key)) => Ok(Some(key.clone())),
        Some(key @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(key.to_string())),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) => {
            Err(format!("its field {field} is neither text nor a number, so it cannot be the key"))
        }
        None => Err(format!("it has no field {field}, which is to be the key")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and data of all lines before the first bad one, and where and why that one is bad.
    async fn read(text: &str, field: Option<&str>) -> (Vec<(String, String)>, Option<(u64, String)>) {
        let keys = KeyRule { key: Some("k".to_owned()), field: field.map(str::to_owned) };
        let mut lines = Lines::of("orders.jsonl", io::Cursor::new(text.to_owned()), LineForm::Json, keys);
        let mut entries = Vec::new();
        loop {
            match lines.next_batch().await {
                Ok(batch) if batch.is_empty() => return (entries, None),
                Ok(batch) => entries.extend(
                    batch
                        .into_iter()
                        .map(|entry| (entry.key.unwrap(), String::from_utf8(entry.data).unwrap())),
                ),
                Err(bad) => return (entries, Some((bad.line, bad.reason))),
            }
        }
    }

    fn entry(key: &str, data: &str) -> (String, String) {
        (key.to_owned(), data.to_owned())
    }

    #[tokio::test]
    async fn each_line_is_the_data_of_one_record_as_it_stands() {
        let (entries, bad) = read("{\"b\": 1,  \"a\": 2}\r\n\n[3]\n\"four\"", None).await;
        assert_eq!(entries, [entry("k", "{\"b\": 1,  \"a\": 2}"), entry("k", "[3]"), entry("k", "\"four\"")]);
        assert_eq!(bad, None);
    }

    #[tokio::test]
    async fn a_plain_line_is_a_record_of_any_bytes_and_an_empty_one_is_none() {
        let keys = KeyRule { key: Some("k".to_owned()), field: None };
        let text = b"\xef\xbb\xbf{not json\r\n  two \n\n\r\n\xff\x00\xfe\nlast\r";
        let mut lines = Lines::of("orders.log", io::Cursor::new(text.to_vec()), LineForm::Plain, keys);
        let mut data = Vec::new();
        loop {
            match lines.next_batch().await.unwrap() {
                batch if batch.is_empty() => break,
                batch => data.extend(batch.into_iter().map(|entry| entry.data)),
            }
        }
        let expected: [&[u8]; 4] = [b"{not json", b"  two ", b"\xff\x00\xfe", b"last\r"];
        assert_eq!(data, expected);
    }

    #[tokio::test]
    async fn a_plain_line_longer_than_a_record_is_named_after_those_before_it() {
        let keys = KeyRule { key: None, field: None };
        let longest = usize::try_from(PLAIN_BYTES_MAX).unwrap();
        let text = [vec![b'x'; longest], b"\r\n".to_vec(), vec![b'x'; longest + 1], b"\n".to_vec()].concat();
        let mut lines = Lines::of("orders.log", io::Cursor::new(text), LineForm::Plain, keys);
        let mut read = 0;
        let bad = loop {
            match lines.next_batch().await {
                Ok(batch) => read += batch.len(),
                Err(bad) => break bad,
            }
        };
        assert_eq!((read, bad.line), (1, 2));
        assert!(bad.reason.contains("10 MiB"), "{}", bad.reason);
    }

    #[tokio::test]
    async fn a_byte_order_mark_is_no_part_of_the_first_record_and_elsewhere_it_is_a_mistake() {
        let (entries, bad) = read("\u{feff}{\"a\":1}\r\n2", None).await;
        assert_eq!((entries, bad), (vec![entry("k", "{\"a\":1}"), entry("k", "2")], None));
        let (entries, bad) = read("\u{feff}", None).await;
        assert_eq!((entries, bad), (vec![], None));
        let (entries, bad) = read("1\n\u{feff}2", None).await;
        assert_eq!((entries, bad.map(|(line, _)| line)), (vec![entry("k", "1")], Some(2)));
    }

    #[tokio::test]
    async fn the_key_may_be_a_field() {
        let (entries, bad) = read("{\"id\":\"a\"}\n{\"id\":7}\n{\"no\":1}", Some("id")).await;
        assert_eq!(entries, [entry("a", "{\"id\":\"a\"}"), entry("7", "{\"id\":7}")]);
        let reason = "it has no field id, which is to be the key";
        assert_eq!(bad, Some((3, reason.to_owned())));
    }

    #[tokio::test]
    async fn a_line_of_get_is_the_record_that_it_holds_with_its_key() {
        let record = |rest: &str| format!("{{\"pelton\":\"record\",\"shard\":\"s\",{rest}}}\n");
        let lines = [
            record(r#""partition_key":"a","data":{"id": 7}"#),
            record(r#""partition_key":"b","text":" x""#),
            record(r#""base64":"aGk=""#),
        ]
        .concat();
        let without_key = KeyRule { key: None, field: None };
        let mut from = Lines::of("orders.jsonl", io::Cursor::new(lines.clone()), LineForm::Json, without_key);
        let mut entries = Vec::new();
        while entries.len() < 3 {
            entries.extend(from.next_batch().await.unwrap());
        }
        assert_eq!((entries[0].key.as_deref(), entries[0].data.as_slice()), (Some("a"), &b"{\"id\": 7}"[..]));
        assert_eq!((entries[1].key.as_deref(), entries[1].data.as_slice()), (Some("b"), &b" x"[..]));
        assert_eq!((entries[2].key.as_deref(), entries[2].data.as_slice()), (None, &b"hi"[..]));
        // The command line goes before.
        let (entries, _) = read(&lines, None).await;
        assert_eq!(entries, [entry("k", "{\"id\": 7}"), entry("k", " x"), entry("k", "hi")]);
        let (entries, bad) = read(&lines, Some("id")).await;
        assert_eq!((entries, bad.map(|(line, _)| line)), (vec![entry("7", "{\"id\": 7}")], Some(2)));
    }

    #[tokio::test]
    async fn a_line_that_is_not_json_is_named_after_those_before_it_were_read() {
        let (entries, bad) = read("1\n\n{oops}\n4\n", None).await;
        assert_eq!(entries, [entry("k", "1")]);
        let (line, reason) = bad.unwrap();
        assert_eq!(line, 3);
        assert!(reason.starts_with("it is not JSON, key must be a string"), "{reason}");
    }
}
