//! The mappings that chaos is made of: each a function, its stream, and what is asked of it.

use super::judge::Tumbling;
use super::resharding::Way;
use super::side_by_side::Settings;
use super::source::Source;
use std::fmt::Write as _;

/// The file beside a function's journal that its records go to when they are given up.
pub(super) const GIVEN_UP: &str = "given-up";

/// Where a pattern names the key of a record: of Kinesis, and of a table.
const KINESIS_KEY: &str = r#"{"partitionKey": "#;
const TABLE_KEY: &str = r#"{"dynamodb": {"Keys": {"id": {"S": "#;
/// The end of such a pattern.
const END_OF_PATTERN: &str = "]}]}'}]}";
const END_OF_TABLE: &str = "]}]}}}}'}]}";

/// A mapping.
#[derive(Debug)]
pub(super) struct Mapping {
    /// Of the function; the stream's begins with it.
    pub(super) name: &'static str,
    /// Lines of YAML.
    settings: &'static [&'static str],
    /// About one of so many records is never handled.
    poison_one_of: Option<u32>,
    /// What the function does now and then, beside failing.
    pub(super) tricks: &'static [Trick],
    pub(super) resharded: Way,
    pub(super) order: Order,
}

/// What a function does that the mapping asks more of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// Reports some records, in any order.
    Report,
    /// Reports a record that it was not handed.
    Lie,
    /// Returns a state that is too large.
    Swell,
}

/// What is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// One batch of a shard after the other.
    OfShard(Tumbling),
    /// The records of each key of a shard one after the other.
    OfKey(Settings),
}

/// All of them.
pub(super) const MAPPINGS: [Mapping; 4] = [
    Mapping {
        name: "Keeper",
        settings: &["BatchSize: 10"],
        poison_one_of: None,
        tricks: &[],
        resharded: Way::SplitAndMerge,
        order: Order::OfShard(Tumbling::No),
    },
    Mapping {
        name: "Counter",
        settings: &["BatchSize: 100"],
        poison_one_of: None,
        tricks: &[],
        resharded: Way::Count,
        order: Order::OfShard(Tumbling::No),
    },
    Mapping {
        name: "Sorter",
        settings: &[
            "BatchSize: 10",
            "ParallelizationFactor: 5",
            "BisectBatchOnFunctionError: true",
            "MaximumRetryAttempts: 1",
            "FunctionResponseTypes: [ReportBatchItemFailures]",
            r#"FilterCriteria: {Filters: [{Pattern: '{"partitionKey": [{"anything-but": ["key-7", "key-20"]}]}'}]}"#,
            "DestinationConfig: {OnFailure: {Destination: 'file:Sorter/given-up'}}",
        ],
        poison_one_of: Some(200),
        tricks: &[Trick::Report, Trick::Report, Trick::Lie],
        resharded: Way::SplitAndMerge,
        order: Order::OfKey(Settings { lanes: 5, retries: 1, filtered_keys: &["key-7", "key-20"] }),
    },
    Mapping {
        name: "Collector",
        settings: &[
            "BatchSize: 50",
            "TumblingWindowInSeconds: 2",
            "FunctionResponseTypes: [ReportBatchItemFailures]",
        ],
        poison_one_of: None,
        tricks: &[Trick::Report, Trick::Report, Trick::Report, Trick::Lie, Trick::Swell],
        resharded: Way::SplitAndMerge,
        order: Order::OfShard(Tumbling::Yes),
    },
];

impl Mapping {
    /// Its resources of a template. The stream of a table is found by the table.
    pub(super) fn resource(&self, source: Source, stream: &str, arn: &str) -> String {
        let Self { name, settings, poison_one_of, .. } = self;
        let (kind, named, table) = match source {
            Source::Kinesis => ("Kinesis", arn.to_owned(), String::new()),
            Source::Dynamodb => (
                "DynamoDB",
                format!("!GetAtt {name}Table.StreamArn"),
                format!(
                    "  {name}Table:
    Type: AWS::DynamoDB::Table
    Properties: {{TableName: {stream}, StreamSpecification: {{StreamViewType: NEW_IMAGE}}}}
"
                ),
            ),
        };
        let mut resource = format!(
            "{table}  {name}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: {name}
      Timeout: 60
"
        );
        let poison = poison_one_of
            .map(|one_of| format!("      Environment: {{Variables: {{POISON_ONE_OF: '{one_of}'}}}}\n"));
        resource.push_str(&poison.unwrap_or_default());
        write!(
            resource,
            "      Events:
        Records:
          Type: {kind}
          Properties:
            Stream: {named}
            StartingPosition: TRIM_HORIZON
"
        )
        .expect("memory can be written");
        for line in *settings {
            let line = match source {
                Source::Kinesis => (*line).to_owned(),
                Source::Dynamodb => {
                    line.replace(KINESIS_KEY, TABLE_KEY).replace(END_OF_PATTERN, END_OF_TABLE)
                }
            };
            writeln!(resource, "            {line}").expect("memory can be written");
        }
        resource
    }
}
