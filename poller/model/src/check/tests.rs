//! Every range, default and combination of every source (specification 1.1, 1.2).

mod kafka_access;
mod kafka_and_sqs;
mod schema_registry;
mod values;

use super::super::kafka::{KafkaSettings, KafkaSource};
use super::super::mapping::{
    EventSource, Mapping, MappingId, MappingNames, ReadsFrom, ShardSettings, SourceKind,
};
use super::super::on_failure::DestinationKind;
use super::super::problem::ProblemKind::{NotAllowed, NotTaken};
use super::super::problem::{Allowed, Problem, ProblemKind};
use super::super::settings::{AccessSetting, MappingSettings, Parameter};
use pelton_core::Timestamp;
use pelton_core::starting_position::StartingPosition;
use std::ops::RangeInclusive;
use std::time::Duration;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn kinesis() -> ReadsFrom {
    ReadsFrom::Stream("arn:aws:kinesis:eu-west-1:123456789012:stream/orders".parse().unwrap())
}

fn dynamo_db() -> ReadsFrom {
    let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-31T12:00:00.000";
    ReadsFrom::Stream(arn.parse().unwrap())
}

fn msk() -> ReadsFrom {
    let arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2";
    ReadsFrom::Kafka(KafkaSource::Msk(arn.parse().unwrap()))
}

fn self_managed() -> ReadsFrom {
    ReadsFrom::Kafka(KafkaSource::SelfManaged)
}

fn sqs() -> ReadsFrom {
    queue("jobs")
}

fn queue(name: &str) -> ReadsFrom {
    ReadsFrom::Sqs(format!("arn:aws:sqs:eu-west-1:123456789012:{name}").parse().unwrap())
}

/// The least that AWS takes of a source.
fn least(reads_from: &ReadsFrom) -> MappingSettings {
    let position = Some("LATEST".to_owned());
    match reads_from {
        ReadsFrom::Stream(_) => MappingSettings { starting_position: position, ..Default::default() },
        ReadsFrom::Kafka(KafkaSource::Msk(_)) => MappingSettings {
            starting_position: position,
            topics: vec!["orders".to_owned()],
            ..Default::default()
        },
        ReadsFrom::Kafka(KafkaSource::SelfManaged) => MappingSettings {
            starting_position: position,
            topics: vec!["orders".to_owned()],
            bootstrap_servers: vec!["broker:9092".to_owned()],
            access: vec![access("BASIC_AUTH", "env:KAFKA")],
            others: [Parameter::SelfManagedEventSource].into(),
            ..Default::default()
        },
        ReadsFrom::Sqs(_) => MappingSettings::default(),
    }
}

/// That, and what `give` adds.
fn checked(reads_from: ReadsFrom, give: impl FnOnce(&mut MappingSettings)) -> Result<Mapping, Vec<Problem>> {
    let mut settings = least(&reads_from);
    give(&mut settings);
    let names =
        MappingNames { id: MappingId("M".to_owned()), function: "F".to_owned(), stack: "shop".to_owned() };
    settings.check(names, reads_from, NOW)
}

#[track_caller]
fn accepted(reads_from: ReadsFrom, give: impl FnOnce(&mut MappingSettings)) -> Mapping {
    checked(reads_from, give).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[track_caller]
fn check_refused(
    reads_from: ReadsFrom,
    give: impl FnOnce(&mut MappingSettings),
    expected: &[(Parameter, ProblemKind)],
) {
    let expected: Vec<Problem> = expected
        .iter()
        .map(|(parameter, kind)| Problem { parameter: *parameter, kind: kind.clone() })
        .collect();
    assert_eq!(checked(reads_from, give), Err(expected));
}

/// The settings of a mapping of Kafka, with what `give` adds.
#[track_caller]
fn accepted_kafka(reads_from: ReadsFrom, give: impl FnOnce(&mut MappingSettings)) -> KafkaSettings {
    let mapping = accepted(reads_from, give);
    let EventSource::Kafka(settings) = mapping.source else { panic!("{:?}", mapping.source) };
    settings
}

fn access(kind: &str, uri: &str) -> AccessSetting {
    AccessSetting { kind: some(kind), uri: some(uri) }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn not_allowed(given: &str, allowed: Allowed) -> ProblemKind {
    NotAllowed { given: given.to_owned(), allowed }
}

#[test]
fn the_least_that_aws_takes_has_its_defaults() {
    for stream in [kinesis(), dynamo_db()] {
        let mapping = accepted(stream, |_| {});
        let Mapping { id: _, function: _, enabled, batch_size, batching_window, source, .. } = mapping;
        assert_eq!((enabled, batch_size, batching_window), (true, 100, Duration::ZERO));
        let defaults = ShardSettings {
            starting_position: StartingPosition::Latest,
            parallelization_factor: 1,
            bisect_batch_on_function_error: false,
            maximum_retry_attempts: None,
            maximum_record_age: None,
            tumbling_window: None,
        };
        assert_eq!(source.shards(), Some(&defaults));
    }
    for cluster in [msk(), self_managed()] {
        let mapping = accepted(cluster, |_| {});
        assert_eq!((mapping.batch_size, mapping.batching_window), (100, Duration::from_millis(500)));
        let EventSource::Kafka(settings) = mapping.source else { panic!("{:?}", mapping.source) };
        assert_eq!((settings.topic.as_str(), settings.pollers), ("orders", None));
        assert_eq!((settings.maximum_retry_attempts, settings.maximum_record_age), (None, None));
    }
    let mapping = accepted(sqs(), |_| {});
    assert_eq!((mapping.batch_size, mapping.batching_window), (10, Duration::ZERO));
    let EventSource::Sqs(settings) = mapping.source else { panic!("{:?}", mapping.source) };
    assert_eq!((settings.maximum_concurrency, settings.pollers), (None, None));
}

#[test]
fn every_setting_of_a_stream_reaches_its_mapping() {
    let mapping = accepted(dynamo_db(), |settings| {
        settings.enabled = some("False");
        settings.batch_size = some("10000");
        settings.maximum_batching_window_in_seconds = some("300");
        settings.starting_position = some("TRIM_HORIZON");
        settings.parallelization_factor = some("10");
        settings.bisect_batch_on_function_error = some("true");
        settings.maximum_retry_attempts = some("10000");
        settings.maximum_record_age_in_seconds = some("604800");
        settings.function_response_types = vec!["ReportBatchItemFailures".to_owned()];
        settings.filters = vec![some(r#"{"eventName": ["INSERT"]}"#)];
        settings.destination = some("arn:aws:sqs:eu-west-1:123456789012:failed");
        settings.metrics = vec!["EventCount".to_owned()];
        settings.others = [Parameter::KmsKeyArn, Parameter::Tags].into();
    });
    assert!(!mapping.enabled && mapping.report_batch_item_failures);
    assert_eq!((mapping.batch_size, mapping.batching_window), (10_000, Duration::from_secs(300)));
    assert_eq!(mapping.filter_patterns, [r#"{"eventName": ["INSERT"]}"#]);
    assert_eq!(mapping.on_failure.unwrap().kind(), DestinationKind::Sqs);
    let EventSource::DynamoDb { stream, shards } = mapping.source else { panic!("{:?}", mapping.source) };
    assert_eq!(stream.name, "users");
    let expected = ShardSettings {
        starting_position: StartingPosition::TrimHorizon,
        parallelization_factor: 10,
        bisect_batch_on_function_error: true,
        maximum_retry_attempts: Some(10_000),
        maximum_record_age: Some(Duration::from_secs(604_800)),
        tumbling_window: None,
    };
    assert_eq!(shards, expected);
}

/// A number of each source that has it: the least and the most are taken, and what is beyond is not.
#[track_caller]
fn check_range(
    sources: &[fn() -> ReadsFrom],
    parameter: Parameter,
    range: RangeInclusive<i64>,
    give: fn(&mut MappingSettings) -> &mut Option<String>,
) {
    for source in sources {
        // More than 10 of a queue need a window, and a window of a stream only one lane.
        let with = |number: &str| {
            checked(source(), |settings| {
                if source().kind() == SourceKind::Sqs {
                    settings.maximum_batching_window_in_seconds = some("1");
                }
                *give(settings) = some(number);
            })
        };
        for taken in [range.start(), range.end()] {
            with(&taken.to_string()).unwrap_or_else(|problems| panic!("{taken}: {problems:#?}"));
        }
        let beyond = [range.start() - 1, range.end() + 1].map(|number| number.to_string());
        for refused in beyond.iter().map(String::as_str).chain(["1.5", "two", ""]) {
            let kind = not_allowed(refused, Allowed::Whole(range.clone()));
            assert_eq!(with(refused), Err(vec![Problem { parameter, kind }]), "{parameter}");
        }
    }
}

#[test]
fn numbers_have_the_ranges_of_their_source() {
    use Parameter as P;
    let streams: &[fn() -> ReadsFrom] = &[kinesis, dynamo_db];
    let all: &[fn() -> ReadsFrom] = &[kinesis, dynamo_db, msk, self_managed, sqs];
    let retried: &[fn() -> ReadsFrom] = &[kinesis, dynamo_db, msk, self_managed];
    check_range(all, P::BatchSize, 1..=10_000, |settings| &mut settings.batch_size);
    check_range(all, P::MaximumBatchingWindowInSeconds, 0..=300, |settings| {
        &mut settings.maximum_batching_window_in_seconds
    });
    check_range(streams, P::ParallelizationFactor, 1..=10, |settings| &mut settings.parallelization_factor);
    check_range(retried, P::MaximumRetryAttempts, -1..=10_000, |settings| {
        &mut settings.maximum_retry_attempts
    });
    check_range(streams, P::TumblingWindowInSeconds, 0..=900, |settings| {
        &mut settings.tumbling_window_in_seconds
    });
    check_range(&[sqs], P::MaximumConcurrency, 2..=1_000, |settings| &mut settings.maximum_concurrency);
    check_range(&[msk], P::MinimumPollers, 1..=200, |settings| &mut settings.minimum_pollers);
    check_range(&[msk], P::MaximumPollers, 1..=2_000, |settings| &mut settings.maximum_pollers);
    check_range(&[sqs], P::MinimumPollers, 2..=200, |settings| &mut settings.minimum_pollers);
    check_range(&[sqs], P::MaximumPollers, 2..=10_000, |settings| &mut settings.maximum_pollers);
}

#[test]
fn a_record_age_is_minus_1_or_60_to_604800() {
    for source in [kinesis, dynamo_db, msk] {
        let with =
            |age: &str| checked(source(), |settings| settings.maximum_record_age_in_seconds = some(age));
        for taken in ["-1", "60", "604800"] {
            with(taken).unwrap();
        }
        for refused in ["-2", "0", "59", "604801", "1h"] {
            let kind = not_allowed(refused, Allowed::WholeOrForever(60..=604_800));
            let parameter = Parameter::MaximumRecordAgeInSeconds;
            assert_eq!(with(refused), Err(vec![Problem { parameter, kind }]));
        }
    }
}

#[test]
fn a_setting_that_the_source_does_not_take_is_refused_whatever_its_value() {
    let check = |source: fn() -> ReadsFrom, parameter, give: fn(&mut MappingSettings)| {
        check_refused(source(), give, &[(parameter, NotTaken { by: source().kind() })]);
    };
    for source in [kinesis, dynamo_db] {
        check(source, Parameter::Topics, |settings| settings.topics = vec!["a".to_owned()]);
        check(source, Parameter::ConsumerGroupId, |settings| settings.consumer_group_id = some("g"));
        check(source, Parameter::MaximumConcurrency, |settings| settings.maximum_concurrency = some("0"));
        check(source, Parameter::MinimumPollers, |settings| settings.minimum_pollers = some("1"));
        check(source, Parameter::SystemLogLevel, |settings| settings.system_log_level = some("INFO"));
        for parameter in [
            Parameter::SelfManagedEventSource,
            Parameter::SourceAccessConfigurations,
            Parameter::AmazonManagedKafkaEventSourceConfig,
            Parameter::ScalingConfig,
            Parameter::ProvisionedPollerConfig,
            Parameter::LoggingConfig,
            Parameter::Queues,
            Parameter::DocumentDbEventSourceConfig,
            Parameter::OnSuccess,
        ] {
            let give = |settings: &mut MappingSettings| settings.others.extend([parameter]);
            check_refused(source(), give, &[(parameter, NotTaken { by: source().kind() })]);
        }
    }
    for source in [msk, sqs] {
        check(source, Parameter::ParallelizationFactor, |settings| {
            settings.parallelization_factor = some("1")
        });
        check(source, Parameter::TumblingWindowInSeconds, |settings| {
            settings.tumbling_window_in_seconds = some("0")
        });
    }
    check(sqs, Parameter::StartingPosition, |settings| settings.starting_position = some("LATEST"));
    check(sqs, Parameter::MaximumRetryAttempts, |settings| settings.maximum_retry_attempts = some("1"));
    check(sqs, Parameter::BisectBatchOnFunctionError, |settings| {
        settings.bisect_batch_on_function_error = some("true")
    });
    check(sqs, Parameter::Destination, |settings| settings.destination = some("file:failed.jsonl"));
    accepted(sqs(), |settings| settings.destination = some(""));
}

#[test]
fn every_problem_is_told_at_once() {
    let problems = checked(dynamo_db(), |settings| {
        settings.enabled = some("perhaps");
        settings.batch_size = some("0");
        settings.starting_position = None;
        settings.parallelization_factor = some("20");
        settings.bisect_batch_on_function_error = some("1");
        settings.filters = vec![some("{")];
        settings.destination = some("nowhere");
        settings.topics = vec!["a".to_owned()];
        settings.others = [Parameter::Queues].into();
    });
    assert_eq!(problems.unwrap_err().len(), 9);
}
