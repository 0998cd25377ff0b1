//! Every setting of a Kafka mapping (specification 1.1, 11.1, 14.1), in SAM's spelling and in CloudFormation's, and what the command line
//! says of such a mapping. Ranges and combinations have tests of their own, in the model.

mod access;

use super::testing::{check_problem, lines, load, load_with, options};
use super::{KafkaOptions, LoadOptions, Loaded, Unsupported};
use pelton_core::Timestamp;
use pelton_core::starting_position::StartingPosition;
use pelton_model::kafka::{Authentication, SecretSource};
use pelton_model::{EventSource, KafkaCluster, KafkaSettings, Mapping};
use std::time::Duration;

/// An event of that type of a function, with these properties in one line, and more resources.
fn event(kind: &str, properties: &str, resources: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bootstrap
      Runtime: provided.al2023
      Events: {{M: {{Type: {kind}, Properties: {{{properties}}}}}}}
{resources}
"
    )
}

/// A topic of a cluster that somebody manages.
fn self_managed(properties: &str) -> String {
    let least = "KafkaBootstrapServers: ['b:9092'], Topics: [t], StartingPosition: LATEST";
    let access = match properties.contains("SourceAccessConfigurations") {
        true => "",
        false => ", SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: 'env:KAFKA'}]",
    };
    event("SelfManagedKafka", &format!("{least}{access}, {properties}"), "")
}

/// A mapping as CloudFormation has it.
fn plain(properties: &str) -> String {
    let function =
        "  F: {Type: AWS::Serverless::Function, Properties: {Handler: bootstrap, Runtime: provided.al2023}}";
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
{function}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref F, Topics: [t], StartingPosition: LATEST, {properties}}}
  Cluster: {{Type: AWS::MSK::Cluster}}
  Serverless: {{Type: AWS::MSK::ServerlessCluster, Properties: {{ClusterName: less}}}}
"
    )
}

const SERVERS: &str = "SelfManagedEventSource: {Endpoints: {KafkaBootstrapServers: ['b:9092']}}";
const ACCESS: &str = "SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: 'env:KAFKA'}]";

#[track_caller]
fn mapping(loaded: Loaded) -> (Mapping, KafkaSettings) {
    check_problem(&loaded, "");
    let mut mappings = loaded.application.expect("there is no problem").mappings;
    let mapping = mappings.pop().expect("there is a mapping");
    let EventSource::Kafka(settings) = mapping.source.clone() else { panic!("{:?}", mapping.source) };
    (mapping, settings)
}

#[track_caller]
fn check_self_managed(properties: &str, is_expected: impl FnOnce(&Mapping, &KafkaSettings) -> bool) {
    let (mapping, settings) = mapping(load(&self_managed(properties)));
    assert!(is_expected(&mapping, &settings), "{mapping:#?}");
}

#[track_caller]
fn check_refused(properties: &str, expected: &str) {
    check_problem(&load(&self_managed(properties)), expected);
}

#[track_caller]
fn check_cluster(source: &str, arn: &str) {
    for text in [
        event("MSK", &format!("Stream: {source}, Topics: [t], StartingPosition: LATEST"), CLUSTERS),
        plain(&format!("EventSourceArn: {source}")),
    ] {
        let (_, settings) = mapping(load(&text));
        let expected = KafkaCluster::Msk { arn: arn.parse().unwrap(), bootstrap_servers: None };
        assert_eq!(settings.cluster, expected);
        assert_eq!(settings.cluster.is_to_be_found(), arn.ends_with('*'));
    }
}

const CLUSTERS: &str = "  Cluster: {Type: AWS::MSK::Cluster}
  Serverless: {Type: AWS::MSK::ServerlessCluster, Properties: {ClusterName: less}}";

#[test]
fn settings_have_the_defaults_of_aws() {
    check_self_managed("", |mapping, settings| {
        mapping.id.0 == "FM"
            && mapping.function == "F"
            && mapping.enabled
            && mapping.batch_size == 100
            && mapping.batching_window == Duration::from_millis(500)
            && !mapping.report_batch_item_failures
            && mapping.filter_patterns.is_empty()
            && mapping.on_failure.is_none()
            && mapping.source.to_string() == "b:9092"
            && mapping.source.arn().is_none()
            && settings.topic == "t"
            && settings.starting_position == StartingPosition::Latest
            && settings.group_id() == settings.uuid.to_string()
            && settings.parallelization_factor == 1
            && !settings.bisect_batch_on_function_error
            && settings.maximum_retry_attempts.is_none()
            && settings.maximum_record_age.is_none()
            && settings.pollers.is_none()
            && settings.schema_registry.is_none()
    });
}

#[test]
fn each_setting_of_an_event_reaches_its_mapping() {
    check_self_managed("Enabled: false", |mapping, _| !mapping.enabled);
    check_self_managed("BatchSize: 10000", |mapping, _| mapping.batch_size == 10_000);
    check_self_managed("MaximumBatchingWindowInSeconds: 0", |mapping, _| mapping.batching_window.is_zero());
    check_self_managed("FunctionResponseTypes: [ReportBatchItemFailures]", |mapping, _| {
        mapping.report_batch_item_failures
    });
    check_self_managed("BisectBatchOnFunctionError: true", |_, settings| {
        settings.bisect_batch_on_function_error
    });
    check_self_managed("MaximumRetryAttempts: 3", |_, settings| settings.maximum_retry_attempts == Some(3));
    check_self_managed("MaximumRecordAgeInSeconds: 60", |_, settings| {
        settings.maximum_record_age == Some(Duration::from_secs(60))
    });
    check_self_managed("ConsumerGroupId: ledger", |_, settings| settings.group_id() == "ledger");
    check_self_managed("ProvisionedPollerConfig: {MaximumPollers: 2, PollerGroupName: g}", |_, settings| {
        settings.pollers.as_ref().is_some_and(|pollers| {
            (pollers.minimum, pollers.maximum, pollers.group.as_deref()) == (1, 2, Some("g"))
        })
    });
    check_self_managed("ProvisionedPollerConfig: {}", |_, settings| settings.pollers.is_none());
    let pattern = r#"{"value": {"a": [1]}}"#;
    check_self_managed(&format!("FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}]}}"), |mapping, _| {
        mapping.filter_patterns == [pattern]
    });
    for nothing in [
        "LoggingConfig: {SystemLogLevel: DEBUG}",
        "MetricsConfig: {Metrics: [KafkaMetrics]}",
        "KmsKeyArn: !ImportValue key",
        "SecretsManagerKmsKeyId: !ImportValue key",
        "ConsumptionMode: Stream",
        "SchemaRegistryConfig: {}",
        "ScalingConfig: !Ref AWS::NoValue",
    ] {
        check_self_managed(nothing, |_, settings| settings.schema_registry.is_none());
    }
    check_problem(
        &load(&self_managed("").replace("SelfManagedKafka", "SelfManagedKafak")),
        "did you mean `SelfManagedKafka`?",
    );
}

#[test]
fn a_position_is_fixed_by_a_word_or_a_time() {
    let position = |position: &str| self_managed("").replace("StartingPosition: LATEST", position);
    let at = "StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 1767225600";
    let (_, settings) = mapping(load(&position(at)));
    let moment = Timestamp::from_millis(1_767_225_600_000);
    assert_eq!(settings.starting_position, StartingPosition::AtTimestamp(moment));
    check_problem(
        &load(&position("StartingPosition: AT_TIMESTAMP")),
        "the mapping `FM` has no `StartingPositionTimestamp`",
    );
    check_problem(
        &load(&position("Enabled: true")),
        "has no `StartingPosition` | needs `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`",
    );
}

#[test]
fn bootstrap_servers_are_a_list_or_a_text_with_commas() {
    let servers = |servers: &str| self_managed("").replace("['b:9092']", servers);
    for given in ["[a:1, 'b:2']", "'a:1,b:2'", "['a:1, b:2']", "!Split [';', 'a:1;b:2']"] {
        let (_, settings) = mapping(load(&servers(given)));
        assert_eq!(settings.cluster.bootstrap_servers().unwrap().to_string(), "a:1,b:2", "{given}");
    }
    check_problem(&load(&servers("[broker]")), "`KafkaBootstrapServers` is `broker` | must be `HOST:PORT`");
    check_problem(&load(&servers("[]")), "the mapping `FM` has no `KafkaBootstrapServers`");
    check_problem(&load(&servers("''")), "the mapping `FM` has no `KafkaBootstrapServers`");
    check_problem(&load(&servers("{a: b}")), "must be a list of `HOST:PORT`, or a text with commas");
    check_problem(&load(&servers("!ImportValue x")), "error unsupported: `Fn::ImportValue`");
    let eleven = format!("[{}]", ["'b:1'"; 11].join(", "));
    check_problem(&load(&servers(&eleven)), "`KafkaBootstrapServers` has 11 items | must be at most 10");
}

#[test]
fn a_mapping_has_the_spellings_of_cloudformation() {
    let settings = |properties: &str| mapping(load(&plain(properties))).1;
    let api = SERVERS.replace("KafkaBootstrapServers", "KAFKA_BOOTSTRAP_SERVERS");
    for servers in [SERVERS, &api] {
        let group = "SelfManagedKafkaEventSourceConfig: {ConsumerGroupId: g, ConsumptionMode: Stream}";
        let settings = settings(&format!("{servers}, {ACCESS}, {group}"));
        assert_eq!(settings.group_id(), "g");
        assert_eq!(
            settings.access.authentication,
            Authentication::Plain(SecretSource::Environment("KAFKA".to_owned()))
        );
    }
    let registry = "SchemaRegistryConfig: {SchemaRegistryURI: 'http://r', EventRecordFormat: JSON, SchemaValidationConfigs: [{Attribute: KEY}]}";
    let group = format!("AmazonManagedKafkaEventSourceConfig: {{ConsumerGroupId: g, {registry}}}");
    let settings = settings(&format!("EventSourceArn: !Ref Cluster, {group}"));
    assert_eq!(settings.schema_registry.map(|registry| registry.uri).as_deref(), Some("http://r"));
    for (properties, expected) in [
        (
            format!("{SERVERS}, {ACCESS}, {group}"),
            "a self-managed Kafka cluster does not support `AmazonManagedKafkaEventSourceConfig`",
        ),
        (
            format!("EventSourceArn: !Ref Cluster, {SERVERS}"),
            "an MSK cluster does not support `SelfManagedEventSource`",
        ),
        (
            format!("{SERVERS}, {ACCESS}, ConsumerGroupId: g"),
            "an event source mapping has no property `ConsumerGroupId`",
        ),
        (ACCESS.to_owned(), "the mapping `M` has no `KafkaBootstrapServers`"),
        (format!("{SERVERS}, {ACCESS}, Queues: [q]"), "a Kafka topic does not support `Queues`"),
    ] {
        check_problem(&load(&plain(&properties)), expected);
    }
}

#[test]
fn a_cluster_of_msk_is_named_by_its_arn_or_is_one_of_the_template() {
    let arn = "arn:aws:kafka:eu-west-1:123456789012:cluster/shop/0a1b-2";
    check_cluster(arn, arn);
    check_cluster("!Ref Cluster", "arn:aws:kafka:eu-west-1:123456789012:cluster/Cluster/*");
    check_cluster("!GetAtt Cluster.Arn", "arn:aws:kafka:eu-west-1:123456789012:cluster/Cluster/*");
    check_cluster("!Ref Serverless", "arn:aws:kafka:eu-west-1:123456789012:cluster/less/*");
    check_problem(
        &load(&event("MSK", "Stream: shop, Topics: [t], StartingPosition: LATEST", "")),
        "`Stream` is `shop`, which is not the ARN of an MSK cluster | must be `arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID`",
    );
    check_problem(
        &load(&event("MSK", "Topics: [t], StartingPosition: LATEST", "")),
        "the mapping `FM` has no `Stream` | needs the ARN of an MSK cluster",
    );
    let loaded = load(&event("MSK", "Stream: !ImportValue x, Topics: [t], StartingPosition: LATEST", ""));
    check_problem(&loaded, "cannot tell the event source of the mapping `FM`");
    let variable =
        "  G: {Type: AWS::Lambda::Function, Properties: {Environment: {Variables: {C: !Ref Cluster}}}}";
    assert!(
        load(&event(
            "MSK",
            "Stream: !Ref Cluster, Topics: [t], StartingPosition: LATEST",
            &format!("{CLUSTERS}\n{variable}")
        ))
        .application
        .is_some()
    );
}

#[test]
fn settings_that_aws_does_not_take_of_a_topic_are_refused() {
    check_refused("BatchSize: 10001", "`BatchSize` is `10001` | must be a whole number from 1 to 10000");
    check_refused("MaximumBatchingWindowInSeconds: 301", "`MaximumBatchingWindowInSeconds` is `301`");
    check_refused(&format!("ConsumerGroupId: {}", "g".repeat(201)), "must be a name of 1 to 200 characters");
    check_refused("ParallelizationFactor: 2", "a Kafka topic does not support `ParallelizationFactor`");
    check_refused("Stream: x", "an event of type SelfManagedKafka has no property `Stream`");
    check_refused("ConsumerGroupID: x", "did you mean `ConsumerGroupId`?");
    check_refused("LoggingConfig: {SystemLogLevel: info}", "must be one of `DEBUG`, `INFO`, `WARN`");
    check_refused("LoggingConfig: {Level: INFO}", "`LoggingConfig` has no property `Level`");
    check_refused("ProvisionedPollerConfig: {MinimumPollers: 201}", "`MinimumPollers` is `201`");
    check_refused("ProvisionedPollerConfig: {MinimumPolers: 1}", "did you mean `MinimumPollers`?");
    let topics = |topics: &str| self_managed("").replace("Topics: [t]", topics);
    check_problem(&load(&topics("Topics: [a, b]")), "`Topics` is `a, b` | must be a list of one name");
    check_problem(&load(&topics("Topics: []")), "the mapping `FM` has no `Topics`");
    check_problem(&load(&topics("Topics: a")), "`Topics` is a single value | must be a list");
    let pattern = |pattern: &str| format!("FilterCriteria: {{Filters: [{{Pattern: '{pattern}'}}]}}");
    check_refused(&pattern("{"), "`Pattern` is not a valid filter pattern");
    check_refused(&pattern(r#"{"event": ["placed"]}"#), "the payload of a record is under `value`");
}

#[test]
fn failed_records_go_to_another_topic_and_not_back() {
    let to = |kind: &str, destination: &str| {
        format!("DestinationConfig: {{OnFailure: {{Type: {kind}, Destination: '{destination}'}}}}")
    };
    for (kind, destination) in [
        ("Kafka", "kafka://failed"),
        ("SQS", "arn:aws:sqs:eu-west-1:123456789012:failed"),
        ("SNS", "arn:aws:sns:eu-west-1:123456789012:failed"),
        ("S3", "arn:aws:s3:::failed"),
    ] {
        check_self_managed(&to(kind, destination), |mapping, _| {
            mapping.on_failure.as_ref().is_some_and(|named| named.to_string() == destination)
        });
    }
    check_refused(
        &to("Kafka", "kafka://t"),
        "`Destination` is the topic that the mapping reads from | must be another topic",
    );
    check_refused(
        &to("SQS", "kafka://failed"),
        "`Type` is `SQS`, and `Destination` is a Kafka topic | must be `Kafka`",
    );
    check_refused(&to("kafka", "kafka://failed"), "must be one of `SQS`, `SNS`, `S3`, `Kafka`");
}

#[test]
fn two_mappings_of_the_same_topic_and_function_are_refused_if_they_share_a_broker() {
    let two = |servers: &str, topic: &str| {
        let second = format!("  N:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref F, Topics: [{topic}], StartingPosition: LATEST, {ACCESS}, SelfManagedEventSource: {{Endpoints: {{KafkaBootstrapServers: [{servers}]}}}}}}");
        load(&format!("{}{second}\n", self_managed("")))
    };
    check_problem(&two("'other:9092'", "t"), "");
    check_problem(&two("'b:9092'", "u"), "");
    check_problem(
        &two("'other:9092', 'b:9092'", "t"),
        "conflict: a mapping of the topic `t` to the function `F` already exists | second mapping",
    );
}

fn with_options(text: &str, servers: &[(&str, &str)], factors: &[(&str, u32)]) -> Loaded {
    let kafka = KafkaOptions {
        bootstrap_servers: servers
            .iter()
            .map(|(id, servers)| ((*id).to_owned(), servers.parse().unwrap()))
            .collect(),
        parallelization_factors: factors.iter().map(|(id, factor)| ((*id).to_owned(), *factor)).collect(),
    };
    load_with(text, &LoadOptions { kafka, ..options() })
}

#[test]
fn bootstrap_servers_of_the_command_line_count_for_a_mapping_and_for_a_cluster() {
    let servers = |loaded| mapping(loaded).1.cluster.bootstrap_servers().unwrap().to_string();
    let msk = event("MSK", "Stream: !Ref Cluster, Topics: [t], StartingPosition: LATEST", CLUSTERS);
    assert_eq!(servers(with_options(&msk, &[("Cluster", "a:1,b:2")], &[])), "a:1,b:2");
    assert_eq!(servers(with_options(&msk, &[("FM", "c:3"), ("Cluster", "a:1")], &[])), "c:3");
    assert_eq!(servers(with_options(&msk, &[("FM", "c:3"), ("FM", "d:4")], &[])), "d:4");
    // What only AWS knows is not needed then.
    let imported = self_managed("").replace("['b:9092']", "!ImportValue brokers");
    assert_eq!(servers(with_options(&imported, &[("FM", "c:3")], &[])), "c:3");
    let group = mapping(load(&self_managed(""))).1.group_id();
    let elsewhere = mapping(with_options(&self_managed(""), &[("FM", "c:3")], &[])).1;
    assert_eq!(elsewhere.group_id(), group, "the group is the same wherever the brokers are");
}

#[test]
fn a_parallelization_factor_of_the_command_line_counts_for_a_mapping_of_kafka() {
    let (_, settings) = mapping(with_options(&self_managed(""), &[], &[("FM", 4)]));
    assert_eq!(settings.parallelization_factor, 4);
}

#[test]
fn a_name_of_the_command_line_that_is_for_nothing_is_refused() {
    let (kafka, kinesis) = (self_managed(""), super::testing::template("", "", ""));
    let servers = |text: &str, id: &str, expected: &str| {
        check_problem(
            &with_options(text, &[(id, "a:1")], &[]),
            &format!("--bootstrap-servers {id}: {expected}"),
        );
    };
    let factor = |text: &str, id: &str, expected: &str| {
        check_problem(
            &with_options(text, &[], &[(id, 2)]),
            &format!("--parallelization-factor {id}: {expected}"),
        );
    };
    servers(&kafka, "FN", "the template has no event source mapping `FN`");
    factor(&kafka, "Cluster", "the template has no event source mapping `Cluster`");
    factor(&kinesis, "LedgerOrders", "the mapping `LedgerOrders` does not read from Kafka");
    servers(&kinesis, "LedgerOrders", "the mapping `LedgerOrders` does not read from Kafka");
}

#[test]
fn the_default_group_depends_on_the_stack() {
    let group = |stack: &str| {
        let options = LoadOptions { stack_name: stack.to_owned(), ..options() };
        mapping(load_with(&self_managed(""), &options)).1.group_id()
    };
    assert_eq!(group("shop"), group("shop"));
    assert_ne!(group("shop"), group("shop-dev"));
}
