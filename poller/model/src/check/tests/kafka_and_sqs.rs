//! What only topics of Kafka and queues of SQS have.

use super::super::super::limits::KAFKA;
use super::super::super::mapping::{KafkaSettings, ProvisionedPollers};
use super::super::super::on_failure::OnFailure;
use super::super::super::problem::ProblemKind::{Missing, Needs, NotTaken};
use super::*;

#[test]
fn every_setting_of_a_topic_and_of_a_queue_reaches_its_mapping() {
    let pollers = |minimum, maximum| ProvisionedPollers { minimum, maximum, group: some("shared") };
    let mapping = accepted(self_managed(), |settings| {
        settings.topics = vec!["orders.v2".to_owned()];
        settings.consumer_group_id = some("ledger");
        settings.starting_position = some("AT_TIMESTAMP");
        settings.starting_position_timestamp = some("5");
        settings.bisect_batch_on_function_error = some("true");
        settings.maximum_retry_attempts = some("0");
        settings.maximum_record_age_in_seconds = some("60");
        settings.system_log_level = some("WARN");
        settings.minimum_pollers = some("200");
        settings.maximum_pollers = some("2000");
        settings.poller_group_name = some("shared");
        settings.destination = some("kafka://failed");
        settings.metrics = ["EventCount", "ErrorCount", "KafkaMetrics"].map(str::to_owned).into();
    });
    assert_eq!(mapping.on_failure, Some(OnFailure::Kafka { topic: "failed".to_owned() }));
    let ReadsFrom::Kafka(cluster) = self_managed() else { panic!("a cluster") };
    let expected = KafkaSettings {
        cluster,
        topic: "orders.v2".to_owned(),
        consumer_group_id: some("ledger"),
        starting_position: StartingPosition::AtTimestamp(Timestamp::from_millis(5_000)),
        bisect_batch_on_function_error: true,
        maximum_retry_attempts: Some(0),
        maximum_record_age: Some(Duration::from_secs(60)),
        pollers: Some(pollers(200, 2_000)),
    };
    assert_eq!(mapping.source, EventSource::Kafka(expected));

    let mapping = accepted(sqs(), |settings| {
        settings.maximum_concurrency = some("2");
        settings.maximum_pollers = some("10000");
        settings.poller_group_name = some("shared");
    });
    let EventSource::Sqs(settings) = mapping.source else { panic!("{:?}", mapping.source) };
    assert_eq!((settings.maximum_concurrency, settings.pollers), (Some(2), Some(pollers(2, 10_000))));
}

#[test]
fn only_a_queue_needs_a_window_for_more_than_10_records() {
    let batch = |size: &'static str, window: Option<&'static str>| {
        move |settings: &mut MappingSettings| {
            settings.batch_size = some(size);
            settings.maximum_batching_window_in_seconds = window.map(str::to_owned);
        }
    };
    for source in [kinesis, dynamo_db] {
        accepted(source(), batch("11", None));
    }
    accepted(sqs(), batch("10", Some("0")));
    accepted(sqs(), batch("10000", Some("1")));
    let window = Parameter::MaximumBatchingWindowInSeconds;
    check_refused(sqs(), batch("11", None), &[(Parameter::BatchSize, Needs { other: window })]);
    let only_the_window = not_allowed("-1", Allowed::Whole(0..=300));
    check_refused(sqs(), batch("11", Some("-1")), &[(window, only_the_window)]);
    let fifo = not_allowed("11", Allowed::Whole(1..=10));
    check_refused(queue("jobs.fifo"), batch("11", Some("1")), &[(Parameter::BatchSize, fifo)]);
    accepted(queue("jobs.fifo"), batch("10", None));
}

#[test]
fn a_mapping_of_kafka_has_exactly_one_topic_and_the_parameters_of_its_kind_of_cluster() {
    let topics = |topics: &'static [&'static str]| {
        move |settings: &mut MappingSettings| {
            settings.topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        }
    };
    let parameter = Parameter::Topics;
    check_refused(msk(), topics(&[]), &[(parameter, Missing)]);
    check_refused(msk(), topics(&["a", "b"]), &[(parameter, not_allowed("a, b", Allowed::ListOfOne))]);
    for wrong in [".a", "a b", ""] {
        let refused = not_allowed(wrong, Allowed::Name(1..=249));
        let give = |settings: &mut MappingSettings| settings.topics = vec![wrong.to_owned()];
        check_refused(msk(), give, &[(parameter, refused)]);
    }
    let not_taken = NotTaken { by: SourceKind::Kafka };
    let other = Parameter::SelfManagedKafkaEventSourceConfig;
    check_refused(msk(), |settings| settings.others.extend([other]), &[(other, not_taken.clone())]);
    let other = Parameter::AmazonManagedKafkaEventSourceConfig;
    check_refused(self_managed(), |settings| settings.others.extend([other]), &[(other, not_taken)]);
    let access = Parameter::SourceAccessConfigurations;
    check_refused(
        self_managed(),
        |settings| settings.others.retain(|given| *given != access),
        &[(access, Missing)],
    );
    let id = Parameter::ConsumerGroupId;
    let refused = not_allowed("", Allowed::Name(1..=200));
    check_refused(msk(), |settings| settings.consumer_group_id = some(""), &[(id, refused)]);
    let refused = not_allowed("info", Allowed::OneOf(KAFKA.system_log_level));
    let give = |settings: &mut MappingSettings| settings.system_log_level = some("info");
    check_refused(msk(), give, &[(Parameter::SystemLogLevel, refused)]);
    let refused = not_allowed("a b", Allowed::Name(0..=128));
    let give = |settings: &mut MappingSettings| settings.poller_group_name = some("a b");
    check_refused(msk(), give, &[(Parameter::PollerGroupName, refused)]);
}
