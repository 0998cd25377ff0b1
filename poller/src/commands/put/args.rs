//! The options of `pelton put`, and the records that they ask for.

use super::generator::Generator;
use super::lines::{BadLine, LineForm, Lines};
use super::sender::BATCH_RECORDS_MAX;
use super::{Entry, PutError};
use crate::clock::Clock;
use crate::commands::named_stream::NamedStream;
use crate::commands::options::parse_duration;
use std::time::Duration;

/// Options of `pelton put`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("input").required(true).multiple(true).args(["data", "file", "generate", "lines"]))]
pub struct PutArgs {
    /// The stream's name, or its ARN; the name of a topic of Kafka
    pub stream: NamedStream,
    /// The data of one record each, not base64: the SDK encodes it
    #[arg(conflicts_with_all = ["file", "generate", "lines"])]
    pub data: Vec<String>,
    /// A file of JSON lines, each the data of one record, or a line of `pelton get --json`; `-` is the standard input
    #[arg(long, value_name = "FILE", conflicts_with = "generate")]
    pub file: Option<String>,
    /// Put each line of the file, or of the standard input, as it stands: any bytes, without the line's end. Empty lines are left
    /// out
    #[arg(long, conflicts_with_all = ["generate", "key_field"])]
    pub lines: bool,
    /// Key of every record; otherwise records are spread over all shards or partitions
    #[arg(long, value_name = "KEY", conflicts_with = "generate")]
    pub key: Option<String>,
    /// The field of each JSON line that is its key
    #[arg(long, value_name = "FIELD", conflicts_with_all = ["data", "generate", "key"])]
    pub key_field: Option<String>,
    /// Make up records
    #[arg(long)]
    pub generate: bool,
    /// Records a second; 0 is as fast as possible
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["data", "file"])]
    pub rate: u32,
    /// Number of different keys
    #[arg(long, value_name = "N", default_value_t = 100, conflicts_with_all = ["data", "file"], value_parser = clap::value_parser!(u32).range(1..))]
    pub keys: u32,
    /// Stop after this many records
    #[arg(long, value_name = "N", conflicts_with_all = ["data", "file"])]
    pub count: Option<u64>,
    /// Stop after this long, such as 30s or 5m
    #[arg(long, value_name = "TIME", conflicts_with_all = ["data", "file"], value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Size of each record in bytes, at least what its fields take
    #[arg(long, value_name = "BYTES", default_value_t = 100, conflicts_with_all = ["data", "file"], value_parser = clap::value_parser!(u32).range(..=10_485_760))]
    pub size: u32,
}

/// Where the records come from.
pub(super) enum Input {
    Given(std::vec::IntoIter<Entry>),
    Lines(Lines),
    Made(Generator),
}

impl PutArgs {
    pub(super) fn input(&self, clock: &Clock) -> Result<Input, PutError> {
        if self.generate {
            return Ok(Input::Made(Generator::new(self, clock.clone())));
        }
        if let Some(file) = self.file_of_lines() {
            let keys = KeyRule { key: self.key.clone(), field: self.key_field.clone() };
            let form = if self.lines { LineForm::Plain } else { LineForm::Json };
            let lines = Lines::open(file, form, keys)
                .map_err(|source| PutError::Unreadable { file: file.to_owned(), source })?;
            return Ok(Input::Lines(lines));
        }
        let entries: Vec<Entry> = self
            .data
            .iter()
            .map(|data| Entry { key: self.key.clone(), data: data.clone().into_bytes() })
            .collect();
        Ok(Input::Given(entries.into_iter()))
    }

    /// Number of records, where it is known beforehand.
    pub(super) fn total(&self) -> Option<u64> {
        if self.generate {
            return self.count;
        }
        self.file_of_lines().is_none().then_some(self.data.len() as u64)
    }

    /// Where lines are read; `-` is the standard input.
    fn file_of_lines(&self) -> Option<&str> {
        self.file.as_deref().or(self.lines.then_some("-"))
    }
}

impl Input {
    /// The next records, as many as are there, at most [`BATCH_RECORDS_MAX`]; none at the end. Cancelling loses nothing.
    pub(super) async fn next_batch(&mut self) -> Result<Vec<Entry>, BadLine> {
        match self {
            Self::Given(entries) => Ok(entries.take(BATCH_RECORDS_MAX).collect()),
            Self::Lines(lines) => lines.next_batch().await,
            Self::Made(generator) => Ok(generator.next_batch().await),
        }
    }
}

/// Which key a record gets.
#[derive(Clone, Debug)]
pub(super) struct KeyRule {
    /// The key of all records.
    pub(super) key: Option<String>,
    /// The field of a JSON object that holds it.
    pub(super) field: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        put: PutArgs,
    }

    fn parse(line: &str) -> Option<PutArgs> {
        Program::try_parse_from(["put"].into_iter().chain(line.split_whitespace()))
            .ok()
            .map(|program| program.put)
    }

    #[track_caller]
    fn check(line: &str, is_accepted: bool) {
        assert_eq!(parse(line).is_some(), is_accepted, "{line}");
    }

    #[test]
    fn records_come_from_exactly_one_place() {
        check("orders one two", true);
        check("orders one --key k", true);
        check("orders --file -", true);
        check("orders --lines", true);
        check("orders --lines --file orders.log --key k", true);
        check("orders one --lines", false);
        check("orders --lines --generate", false);
        check("orders --lines --key-field id", false);
        check("orders --file - --generate", false);
        check("orders --file orders.jsonl --key-field id", true);
        check("orders --generate --rate 10 --keys 5 --count 100 --size 200", true);
        check("orders --generate --duration 1m30s", true);
        check("orders", false);
        check("orders one --file -", false);
        check("orders one --generate", false);
        check("orders one --rate 10", false);
        check("orders one --key-field id", false);
        check("orders --file - --key k --key-field id", false);
        check("orders --generate --keys 0", false);
        check("orders --generate --duration soon", false);
    }
}
