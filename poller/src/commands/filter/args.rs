//! What `pelton filter` is asked.

use super::input::{Input, Shape};
use crate::clock::Clock;
use crate::commands::load;
use crate::commands::options::{TemplateOptions, parse_region};
use crate::commands::rewind::find_mapping;
use crate::logging::Terminal;
use crate::user_error::UserError;
use clap::ValueEnum;
use pelton_core::filter::{Filters, Source};
use pelton_template::Secrets;

/// How it is called: clap would begin with the options.
const USAGE: &str = "pelton filter --source <SOURCE> --pattern <JSON>... [OPTIONS] [FILE]
       pelton filter --mapping <MAPPING> [OPTIONS] [FILE]
       pelton filter --raw --pattern <JSON>... [OPTIONS] [FILE]";

/// What it is good for.
const EXAMPLES: &str = "Examples:
  Which records of an event the filters of a mapping pass
      pelton filter --mapping OrderLedgerOrders event.json
  The same for another template, as `pelton validate` reads it
      pelton filter --template other.yaml --parameter Stage=prod --mapping OrderLedgerOrders event.json
  A pattern that is not in a template yet
      pelton filter --source kinesis --pattern '{\"data\": {\"event\": [\"placed\"]}}' event.json
  A plain JSON document and a bare pattern
      echo '{\"event\": \"placed\"}' | pelton filter --raw --pattern '{\"event\": [\"placed\"]}'";

/// What `pelton filter` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
pub struct FilterArguments {
    /// Where the records come from
    #[arg(long, value_enum, required_unless_present_any = ["raw", "mapping"], conflicts_with = "raw")]
    source: Option<SourceName>,
    /// A pattern of FilterCriteria; given several times, one of them must match
    #[arg(
        long = "pattern",
        value_name = "JSON",
        required_unless_present = "mapping",
        allow_hyphen_values = true
    )]
    patterns: Vec<String>,
    /// Match plain JSON documents, not records, against bare patterns
    #[arg(long)]
    raw: bool,
    /// Use the patterns of this mapping of the template, by its logical id as `pelton validate` shows it
    #[arg(long, value_name = "MAPPING", conflicts_with_all = ["source", "patterns", "raw"])]
    mapping: Option<String>,
    /// The template.
    #[command(flatten)]
    template: TemplateOptions,
    /// AWS region, as `AWS::Region` gives it [default: samconfig.toml, AWS_REGION, AWS_DEFAULT_REGION, profile, us-east-1]
    #[arg(long, value_name = "REGION", requires = "mapping", value_parser = parse_region)]
    region: Option<String>,
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

/// What judges records.
pub(super) struct Judges {
    pub(super) filters: Filters,
    /// What must not be shown.
    pub(super) secrets: Secrets,
    /// How the records stand in the input.
    pub(super) shape: Shape,
}

impl FilterArguments {
    /// What judges the records.
    pub(super) async fn judges(&self, terminal: &Terminal, clock: &Clock) -> Result<Judges, UserError> {
        match &self.mapping {
            Some(mapping) => self.of_mapping(mapping, terminal, clock).await,
            None if self.template.is_given() => {
                Err(UserError::bad_input("the template options need --mapping")
                    .help("name the mapping whose patterns are meant; --pattern needs no template"))
            }
            None => {
                let shape = self.source.map_or(Shape::Document, |name| shape_of(name.source()));
                Ok(Judges { filters: self.given()?, secrets: Secrets::default(), shape })
            }
        }
    }

    async fn of_mapping(&self, name: &str, terminal: &Terminal, clock: &Clock) -> Result<Judges, UserError> {
        let (mut template, mut region) = (self.template.clone(), self.region.clone());
        let path = load::find(&template)?;
        load::settle(&path, &mut template, &mut region)?;
        let region = load::region(region.as_deref()).await?;
        let loaded = load::read(&path, &template, &region, None, clock);
        let secrets = loaded.secrets();
        let application = load::accept(loaded, terminal, clock)?;
        let mapping = find_mapping(&application, name)?;
        let filters = Filters::compile(mapping.source.kind().records(), &mapping.filter_patterns)
            .map_err(|error| UserError::bad_input_because(&error))?
            .ok_or_else(|| {
                UserError::bad_input(format!("{name} has no FilterCriteria: its function gets every record"))
            })?;
        Ok(Judges { filters, secrets, shape: shape_of(mapping.source.kind().records()) })
    }

    fn given(&self) -> Result<Filters, UserError> {
        let filters = match self.source {
            Some(name) => Filters::compile(name.source(), &self.patterns),
            None => Filters::compile_bare(&self.patterns),
        };
        filters
            .map_err(|error| UserError::bad_input_because(&error))?
            .ok_or_else(|| UserError::bad_input("there is no pattern").help("give one with --pattern"))
    }

    pub(super) fn input(&self, shape: Shape) -> Result<Input, UserError> {
        Input::open(&self.file, shape)
            .map_err(|error| UserError::bad_input(format!("{} cannot be read: {error}", self.file)))
    }
}

fn shape_of(source: Source) -> Shape {
    match source {
        Source::Kafka => Shape::KafkaEvent,
        Source::Kinesis | Source::DynamoDb | Source::Sqs => Shape::Event,
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
        check(&["--mapping", "KeeperOrders", "--template", "other.yaml", "--parameter", "A=b", "-"], true);
        check(&["--mapping", "KeeperOrders", "--pattern", "{}"], false);
        check(&["--mapping", "KeeperOrders", "--source", "kinesis"], false);
        check(&["--mapping", "KeeperOrders", "--raw"], false);
        check(&["--pattern", "{}"], false);
        check(&["--source", "kinesis"], false);
        check(&["--source", "mq", "--pattern", "{}"], false);
        check(&["--source", "sqs", "--raw", "--pattern", "{}"], false);
    }
}
