//! What only topics of Kafka and queues of SQS have.

use super::super::super::kafka::{Authentication, ClusterKind, KafkaAccess, KafkaCluster, SecretSource};
use super::super::super::limits::KAFKA;
use super::super::super::mapping::ProvisionedPollers;
use super::super::super::on_failure::OnFailure;
use super::super::super::problem::ProblemKind::{
    Conflict, Missing, Needs, NotOfCluster, TooMany, Unsupported,
};
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
    let secret = SecretSource::Environment("KAFKA".to_owned());
    let expected = KafkaSettings {
        cluster: KafkaCluster::SelfManaged { bootstrap_servers: "broker:9092".parse().unwrap() },
        access: KafkaAccess { authentication: Authentication::Plain(secret), server_root_ca: None },
        uuid: KafkaSettings::uuid_of("shop", "orders.v2", &MappingId("M".to_owned())),
        topic: "orders.v2".to_owned(),
        consumer_group_id: some("ledger"),
        starting_position: StartingPosition::AtTimestamp(Timestamp::from_millis(5_000)),
        parallelization_factor: 1,
        bisect_batch_on_function_error: true,
        maximum_retry_attempts: Some(0),
        maximum_record_age: Some(Duration::from_secs(60)),
        pollers: Some(pollers(200, 2_000)),
        schema_registry: None,
    };
    assert_eq!(expected.group_id(), "ledger");
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
    let of_self_managed = [
        Parameter::SelfManagedEventSource,
        Parameter::SelfManagedKafkaEventSourceConfig,
        Parameter::ConsumptionMode,
    ];
    for parameter in of_self_managed {
        let not_taken = NotOfCluster { cluster: ClusterKind::Msk };
        check_refused(msk(), |settings| settings.others.extend([parameter]), &[(parameter, not_taken)]);
    }
    let parameter = Parameter::AmazonManagedKafkaEventSourceConfig;
    let not_taken = NotOfCluster { cluster: ClusterKind::SelfManaged };
    check_refused(self_managed(), |settings| settings.others.extend([parameter]), &[(parameter, not_taken)]);
    let id = Parameter::ConsumerGroupId;
    for wrong in [String::new(), "g".repeat(201)] {
        let refused = not_allowed(&wrong, Allowed::Name(1..=200));
        let give = |settings: &mut MappingSettings| settings.consumer_group_id = Some(wrong.clone());
        check_refused(msk(), give, &[(id, refused)]);
    }
    let longest = accepted_kafka(msk(), |settings| settings.consumer_group_id = Some("g".repeat(200)));
    assert_eq!(longest.group_id().len(), 200);
    let refused = not_allowed("info", Allowed::OneOf(KAFKA.system_log_level));
    let give = |settings: &mut MappingSettings| settings.system_log_level = some("info");
    check_refused(msk(), give, &[(Parameter::SystemLogLevel, refused)]);
    let refused = not_allowed("a b", Allowed::Name(0..=128));
    let give = |settings: &mut MappingSettings| settings.poller_group_name = some("a b");
    check_refused(msk(), give, &[(Parameter::PollerGroupName, refused)]);
}

#[test]
fn a_group_without_a_name_is_the_uuid_of_its_mapping() {
    let settings = accepted_kafka(msk(), |_| {});
    let uuid = KafkaSettings::uuid_of("shop", "orders", &MappingId("M".to_owned()));
    assert_eq!((settings.uuid, settings.group_id()), (uuid, uuid.to_string()));
    // Brokers come and go: the group stays.
    let servers = |settings: &mut MappingSettings| settings.bootstrap_servers = vec!["other:1".to_owned()];
    assert_eq!(accepted_kafka(self_managed(), servers).group_id(), uuid.to_string());
}

#[test]
fn a_cluster_that_somebody_manages_has_bootstrap_servers_and_one_of_msk_may() {
    let parameter = Parameter::BootstrapServers;
    let servers = |servers: &'static [&'static str]| {
        move |settings: &mut MappingSettings| {
            settings.bootstrap_servers = servers.iter().map(|&server| server.to_owned()).collect();
        }
    };
    for source in [msk, self_managed] {
        let cluster = accepted_kafka(source(), servers(&["a:1,b:2", "c:3"])).cluster;
        assert_eq!(cluster.bootstrap_servers().unwrap().to_string(), "a:1,b:2,c:3");
        let refused = not_allowed("broker", Allowed::BootstrapServer);
        check_refused(source(), servers(&["broker"]), &[(parameter, refused)]);
        check_refused(source(), servers(&["a:1"; 11]), &[(parameter, TooMany { count: 11, max: 10 })]);
        check_refused(source(), servers(&[""]), &[(parameter, Missing)]);
    }
    check_refused(self_managed(), servers(&[]), &[(parameter, Missing)]);
    assert_eq!(accepted_kafka(msk(), |_| {}).cluster.bootstrap_servers(), None);
}

#[test]
fn failed_records_of_a_topic_go_to_another_topic_of_the_cluster() {
    let to = |text: &'static str| move |settings: &mut MappingSettings| settings.destination = some(text);
    for source in [msk, self_managed] {
        assert_eq!(
            accepted(source(), to("kafka://failed")).on_failure.unwrap().kind(),
            DestinationKind::Kafka
        );
        let with = Parameter::Topics;
        check_refused(source(), to("kafka://orders"), &[(Parameter::Destination, Conflict { with })]);
        let refused = not_allowed("kafka://a b", Allowed::Destination);
        check_refused(source(), to("kafka://a b"), &[(Parameter::Destination, refused)]);
    }
}

#[test]
fn a_destination_caps_the_retries_of_kafka_at_ten_unless_the_mapping_has_a_limit() {
    let attempts = |source: ReadsFrom, destination: Option<&str>, given: Option<&str>| {
        let give = |settings: &mut MappingSettings| {
            settings.destination = destination.map(str::to_owned);
            settings.maximum_retry_attempts = given.map(str::to_owned);
        };
        accepted(source, give).maximum_retry_attempts()
    };
    let file = Some("file:failed.jsonl");
    assert_eq!(attempts(msk(), None, None), None);
    assert_eq!(attempts(msk(), file, None), Some(10));
    assert_eq!(attempts(msk(), file, Some("-1")), Some(10));
    assert_eq!(attempts(msk(), file, Some("11")), Some(11));
    assert_eq!(attempts(self_managed(), Some("kafka://failed"), Some("0")), Some(0));
    assert_eq!(attempts(kinesis(), file, None), None);
}

#[test]
fn retry_settings_of_kafka_count_with_and_without_provisioned_pollers() {
    for minimum in [None, some("1")] {
        let settings = accepted_kafka(msk(), |settings| {
            settings.minimum_pollers.clone_from(&minimum);
            settings.bisect_batch_on_function_error = some("true");
            settings.maximum_retry_attempts = some("3");
            settings.maximum_record_age_in_seconds = some("60");
        });
        assert_eq!(settings.pollers.is_some(), minimum.is_some());
        let age = settings.maximum_record_age.map(|age| age.as_secs());
        assert_eq!((settings.maximum_retry_attempts, age), (Some(3), Some(60)));
        assert!(settings.bisect_batch_on_function_error);
    }
}

#[test]
fn there_are_no_more_pollers_at_least_than_at_most() {
    let pollers = |minimum: &'static str, maximum: &'static str| {
        move |settings: &mut MappingSettings| {
            settings.minimum_pollers = some(minimum);
            settings.maximum_pollers = some(maximum);
        }
    };
    accepted(msk(), pollers("5", "5"));
    let with = Parameter::MaximumPollers;
    check_refused(msk(), pollers("6", "5"), &[(Parameter::MinimumPollers, Conflict { with })]);
    check_refused(sqs(), pollers("6", "5"), &[(Parameter::MinimumPollers, Conflict { with })]);
}

#[test]
fn a_topic_is_read_as_a_stream_and_not_as_a_queue() {
    let parameter = Parameter::ConsumptionMode;
    let mode =
        |mode: &'static str| move |settings: &mut MappingSettings| settings.consumption_mode = some(mode);
    accepted(self_managed(), mode("Stream"));
    let problems = checked(self_managed(), mode("Queue")).unwrap_err();
    let is_queue = |kind: &ProblemKind| matches!(kind, Unsupported { given, .. } if given == "Queue");
    assert!(
        problems.len() == 1 && problems[0].parameter == parameter && is_queue(&problems[0].kind),
        "{problems:#?}"
    );
    let refused = not_allowed("stream", Allowed::OneOf(&["Stream", "Queue"]));
    check_refused(self_managed(), mode("stream"), &[(parameter, refused)]);
}
