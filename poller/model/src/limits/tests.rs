//! The tables beside the specification's (section 1.1), cell by cell.

use super::*;
use pelton_core::filter::{FILTERS_MAX, PATTERN_CHARACTERS_MAX};

/// Section 1.1: what each source takes, with the range of a value and its default; `—`: not settable.
const SPECIFICATION: &str = "
| Parameter | Kinesis | DynamoDB Streams | Kafka | SQS |
|---|---|---|---|---|
| Enabled | default true | default true | default true | default true |
| BatchSize | 1..10000, default 100 | 1..10000, default 100 | 1..10000, default 100 | 1..10000, default 10; FIFO max 10; >10 needs window |
| MaximumBatchingWindowInSeconds | 0..300, default 0 s | 0..300, default 0 s | 0..300, default 500 ms | 0..300, default 0 s |
| StartingPosition | required: TRIM_HORIZON / LATEST / AT_TIMESTAMP | required: TRIM_HORIZON / LATEST | required: TRIM_HORIZON / LATEST / AT_TIMESTAMP | — |
| StartingPositionTimestamp | with AT_TIMESTAMP | — | with AT_TIMESTAMP | — |
| ParallelizationFactor | 1..10, default 1 | 1..10, default 1 | — | — |
| BisectBatchOnFunctionError | default false | default false | default false | — |
| MaximumRetryAttempts | -1..10000, default -1 | -1..10000, default -1 | -1..10000, default -1 | — |
| MaximumRecordAgeInSeconds | -1 or 60..604800, default -1 | -1 or 60..604800, default -1 | -1 or 60..604800, default -1 | — |
| TumblingWindowInSeconds | 0..900, default 0 | 0..900, default 0 | — | — |
| FunctionResponseTypes | max 1: ReportBatchItemFailures | max 1: ReportBatchItemFailures | max 1: ReportBatchItemFailures | max 1: ReportBatchItemFailures |
| FilterCriteria.Filters | 5, up to 10 | 5, up to 10 | 5, up to 10 | 5, up to 10 |
| FilterCriteria.Filters[0].Pattern | 0..4096 characters | 0..4096 characters | 0..4096 characters | 0..4096 characters |
| KMSKeyArn | ✓ | ✓ | ✓ | ✓ |
| DestinationConfig.OnSuccess | — | — | — | — |
| DestinationConfig.OnFailure.Destination | SQS / SNS / S3 | SQS / SNS / S3 | SQS / SNS / S3 / Kafka | — |
| MetricsConfig.Metrics | EventCount | EventCount | EventCount / ErrorCount / KafkaMetrics | EventCount |
| LoggingConfig.SystemLogLevel | — | — | DEBUG / INFO / WARN | — |
| ProvisionedPollerConfig.MinimumPollers | — | — | 1..200, default 1 | 2..200, default 2 |
| ProvisionedPollerConfig.MaximumPollers | — | — | 1..2000, default 200 | 2..10000, default 200 |
| ProvisionedPollerConfig.PollerGroupName | — | — | 0..128 characters | 0..128 characters |
| Topics | — | — | exactly 1 | — |
| SelfManagedEventSource | — | — | ✓ | — |
| KafkaBootstrapServers | — | — | 1..10 | — |
| SourceAccessConfigurations | — | — | 0..23 | — |
| AmazonManagedKafkaEventSourceConfig | — | — | ✓ | — |
| SelfManagedKafkaEventSourceConfig | — | — | ✓ | — |
| ConsumerGroupId | — | — | 1..200 characters | — |
| ConsumptionMode | — | — | ✓ | — |
| SchemaRegistryConfig | — | — | ✓ | — |
| ScalingConfig.MaximumConcurrency | — | — | — | 2..1000 |
| Queues | — | — | — | — |
| DocumentDBEventSourceConfig | — | — | — | — |
| Tags | ✓ | ✓ | ✓ | ✓ |
";

/// The rows, in the order of the specification.
const PARAMETERS: [Parameter; 34] = [
    Parameter::Enabled,
    Parameter::BatchSize,
    Parameter::MaximumBatchingWindowInSeconds,
    Parameter::StartingPosition,
    Parameter::StartingPositionTimestamp,
    Parameter::ParallelizationFactor,
    Parameter::BisectBatchOnFunctionError,
    Parameter::MaximumRetryAttempts,
    Parameter::MaximumRecordAgeInSeconds,
    Parameter::TumblingWindowInSeconds,
    Parameter::FunctionResponseTypes,
    Parameter::Filters,
    Parameter::Pattern(0),
    Parameter::KmsKeyArn,
    Parameter::OnSuccess,
    Parameter::Destination,
    Parameter::Metrics,
    Parameter::SystemLogLevel,
    Parameter::MinimumPollers,
    Parameter::MaximumPollers,
    Parameter::PollerGroupName,
    Parameter::Topics,
    Parameter::SelfManagedEventSource,
    Parameter::BootstrapServers,
    Parameter::SourceAccessConfigurations,
    Parameter::AmazonManagedKafkaEventSourceConfig,
    Parameter::SelfManagedKafkaEventSourceConfig,
    Parameter::ConsumerGroupId,
    Parameter::ConsumptionMode,
    Parameter::SchemaRegistryConfig,
    Parameter::MaximumConcurrency,
    Parameter::Queues,
    Parameter::DocumentDbEventSourceConfig,
    Parameter::Tags,
];

const NONE: &str = "—";

#[test]
fn the_tables_are_those_of_the_specification() {
    let rows: Vec<Vec<&str>> = SPECIFICATION.trim().lines().skip(2).map(cells).collect();
    assert_eq!(rows.len(), PARAMETERS.len());
    for (row, parameter) in rows.iter().zip(PARAMETERS) {
        let [name, cells @ ..] = &row[..] else { panic!("an empty row") };
        assert_eq!(*name, parameter.to_string());
        let tables = [&KINESIS, &DYNAMO_DB, &KAFKA, &SQS];
        assert_eq!(cells.len(), tables.len(), "{name}");
        for (source, (cell, table)) in cells.iter().zip(tables).enumerate() {
            assert_eq!(*cell, shown(table, parameter), "{name}, column {source}");
            assert_eq!(table.takes(parameter), *cell != NONE, "{name}, column {source}");
        }
    }
}

#[test]
fn the_core_compiles_as_many_filters_and_as_long_ones_as_the_tables_allow() {
    for table in [&KINESIS, &DYNAMO_DB, &KAFKA, &SQS] {
        let FilterLimits { count_unasked_max: _, count_max, pattern_chars_max } = table.filter_criteria;
        assert_eq!((count_max, pattern_chars_max), (FILTERS_MAX, PATTERN_CHARACTERS_MAX));
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// A cell of a table, as the specification writes it.
fn shown(table: &Table, parameter: Parameter) -> String {
    // Taken apart, so that a cell which is new is not forgotten here.
    let Table {
        batch_size,
        batch_size_of_fifo_max,
        batch_size_without_window_max,
        maximum_batching_window_in_seconds: Window { range: window, default: window_default },
        starting_position,
        parallelization_factor,
        bisect_batch_on_function_error,
        maximum_retry_attempts,
        maximum_record_age_in_seconds,
        tumbling_window_in_seconds,
        function_response_types,
        filter_criteria,
        on_failure,
        metrics,
        system_log_level,
        provisioned_poller_config,
        topics,
        consumer_group_id,
        maximum_concurrency,
        also,
    } = table;
    let pollers = provisioned_poller_config.as_ref();
    match parameter {
        Parameter::Enabled => format!("default {ENABLED_DEFAULT}"),
        Parameter::BatchSize => {
            let fifo = batch_size_of_fifo_max.map(|max| format!("; FIFO max {max}"));
            let alone = batch_size_without_window_max.map(|max| format!("; >{max} needs window"));
            format!("{}{}{}", whole(batch_size), fifo.unwrap_or_default(), alone.unwrap_or_default())
        }
        Parameter::MaximumBatchingWindowInSeconds => {
            let default = match window_default.subsec_millis() {
                0 => format!("{} s", window_default.as_secs()),
                _ => format!("{} ms", window_default.as_millis()),
            };
            format!("{}, default {default}", range(window))
        }
        Parameter::StartingPosition if starting_position.is_empty() => NONE.to_owned(),
        Parameter::StartingPosition => format!("required: {}", words(starting_position)),
        Parameter::StartingPositionTimestamp => match starting_position.contains(&AT_TIMESTAMP) {
            true => format!("with {AT_TIMESTAMP}"),
            false => NONE.to_owned(),
        },
        Parameter::ParallelizationFactor => cell(parallelization_factor.as_ref(), whole),
        Parameter::BisectBatchOnFunctionError => {
            cell(bisect_batch_on_function_error.as_ref(), |default| format!("default {default}"))
        }
        Parameter::MaximumRetryAttempts => cell(maximum_retry_attempts.as_ref(), whole),
        Parameter::MaximumRecordAgeInSeconds => cell(maximum_record_age_in_seconds.as_ref(), whole),
        Parameter::TumblingWindowInSeconds => cell(tumbling_window_in_seconds.as_ref(), whole),
        Parameter::FunctionResponseTypes => format!("max 1: {}", words(function_response_types)),
        Parameter::FilterCriteria | Parameter::Filters => {
            format!("{}, up to {}", filter_criteria.count_unasked_max, filter_criteria.count_max)
        }
        Parameter::Pattern(_) => format!("0..{} characters", filter_criteria.pattern_chars_max),
        Parameter::DestinationConfig | Parameter::Destination => {
            let kinds: Vec<&str> = on_failure.iter().map(|kind| destination(*kind)).collect();
            words(&kinds)
        }
        Parameter::OnSuccess => NONE.to_owned(),
        Parameter::MetricsConfig | Parameter::Metrics => words(metrics),
        Parameter::LoggingConfig | Parameter::SystemLogLevel => words(system_log_level),
        Parameter::MinimumPollers => cell(pollers, |pollers| whole(&pollers.minimum)),
        Parameter::ProvisionedPollerConfig | Parameter::MaximumPollers => {
            cell(pollers, |pollers| whole(&pollers.maximum))
        }
        Parameter::PollerGroupName => cell(pollers, |_| format!("0..{POLLER_GROUP_CHARS_MAX} characters")),
        Parameter::Topics if *topics => "exactly 1".to_owned(),
        Parameter::Topics => NONE.to_owned(),
        Parameter::ConsumerGroupId => {
            cell(consumer_group_id.as_ref(), |chars| format!("{} characters", range(chars)))
        }
        Parameter::ScalingConfig | Parameter::MaximumConcurrency => cell(maximum_concurrency.as_ref(), range),
        Parameter::BootstrapServers if table.takes(parameter) => format!("1..{BOOTSTRAP_SERVERS_MAX}"),
        Parameter::SourceAccessConfigurations if table.takes(parameter) => format!("0..{SOURCE_ACCESS_MAX}"),
        Parameter::BootstrapServers
        | Parameter::KmsKeyArn
        | Parameter::Tags
        | Parameter::SelfManagedEventSource
        | Parameter::SourceAccessConfigurations
        | Parameter::SourceAccessType(_)
        | Parameter::SourceAccessUri(_)
        | Parameter::AmazonManagedKafkaEventSourceConfig
        | Parameter::SelfManagedKafkaEventSourceConfig
        | Parameter::ConsumptionMode
        | Parameter::SchemaRegistryConfig
        | Parameter::SchemaRegistryUri
        | Parameter::EventRecordFormat
        | Parameter::AccessConfigs
        | Parameter::RegistryAccessType(_)
        | Parameter::RegistryAccessUri(_)
        | Parameter::SchemaValidationConfigs
        | Parameter::SchemaValidationAttribute(_)
        | Parameter::Queues
        | Parameter::DocumentDbEventSourceConfig => {
            if also.contains(&parameter) { "✓" } else { NONE }.to_owned()
        }
    }
}

fn cell<T>(value: Option<&T>, show: impl FnOnce(&T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), show)
}

fn whole(Whole { range: within, or_forever, default }: &Whole) -> String {
    let forever = if *or_forever { format!("{FOREVER} or ") } else { String::new() };
    format!("{forever}{}, default {default}", range(within))
}

fn range<T: std::fmt::Display>(range: &RangeInclusive<T>) -> String {
    format!("{}..{}", range.start(), range.end())
}

fn words(words: &[&str]) -> String {
    if words.is_empty() { NONE.to_owned() } else { words.join(" / ") }
}

fn destination(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Sqs => "SQS",
        DestinationKind::Sns => "SNS",
        DestinationKind::S3 => "S3",
        DestinationKind::Kafka => "Kafka",
        DestinationKind::File => "file",
    }
}
