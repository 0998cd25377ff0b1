//! What `pelton filter` is asked.

use super::input::{Input, Shape};
use crate::commands::CommandFailure;
use clap::ValueEnum;
use pelton_core::filter::{Filters, Source};

/// How it is called: clap would begin with the options.
const USAGE: &str = "pelton filter --source <SOURCE> --pattern <JSON>... [OPTIONS] [FILE]
       pelton filter --raw --pattern <JSON>... [OPTIONS] [FILE]";

/// What `pelton filter` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = USAGE)]
pub struct FilterArguments {
    /// Where the records come from
    #[arg(long, value_enum, required_unless_present = "raw", conflicts_with = "raw")]
    source: Option<SourceName>,
    /// A pattern of FilterCriteria; given several times, one of them must match
    #[arg(long = "pattern", value_name = "JSON", required = true, allow_hyphen_values = true)]
    patterns: Vec<String>,
    /// Match plain JSON documents, not records, against bare patterns
    #[arg(long)]
    raw: bool,
    /// JSON lines instead of text, for programs
    #[arg(long)]
    pub(super) json: bool,
    /// Event records as JSON lines, or whole events; `-` is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SourceName {
    Kinesis,
    Dynamodb,
    Kafka,
    Sqs,
}

impl SourceName {
    fn source(self) -> Source {
        match self {
            Self::Kinesis => Source::Kinesis,
            Self::Dynamodb => Source::DynamoDb,
            Self::Kafka => Source::Kafka,
            Self::Sqs => Source::Sqs,
        }
    }
}

impl FilterArguments {
    pub(super) fn filters(&self) -> Result<Filters, CommandFailure> {
        let filters = match self.source {
            Some(name) => Filters::compile(name.source(), &self.patterns),
            None => Filters::compile_bare(&self.patterns),
        };
        filters
            .map_err(|error| CommandFailure::bad_input_because(&error))?
            .ok_or_else(|| CommandFailure::bad_input("there is no pattern").help("give one with --pattern"))
    }

    pub(super) fn input(&self) -> Result<Input, CommandFailure> {
        let shape = match self.source.map(SourceName::source) {
            None => Shape::Document,
            Some(Source::Kafka) => Shape::KafkaEvent,
            Some(Source::Kinesis | Source::DynamoDb | Source::Sqs) => Shape::Event,
        };
        Input::open(&self.file, shape)
            .map_err(|error| CommandFailure::bad_input(format!("{} cannot be read: {error}", self.file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        filter: FilterArguments,
    }

    #[track_caller]
    fn check(arguments: &[&str], is_accepted: bool) {
        let parsed = Program::try_parse_from(["filter"].iter().chain(arguments));
        assert_eq!(parsed.is_ok(), is_accepted, "{arguments:?}");
    }

    #[test]
    fn records_have_a_source_documents_have_none_and_both_have_a_pattern() {
        check(&["--source", "kinesis", "--pattern", "{}"], true);
        check(
            &["--source", "dynamodb", "--pattern", "{}", "--pattern", "{}", "--json", "events.jsonl"],
            true,
        );
        check(&["--raw", "--pattern", "{}", "-"], true);
        check(&["--pattern", "{}"], false);
        check(&["--source", "kinesis"], false);
        check(&["--source", "mq", "--pattern", "{}"], false);
        check(&["--source", "sqs", "--raw", "--pattern", "{}"], false);
    }
}
