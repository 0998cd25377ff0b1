//! Which mappings read from the Kafka in this process.

use super::*;
use crate::kafka_access::{Access, Brokers};
use crate::kafka_producer::TopicProducer;
use pelton_core::Timestamp;
use pelton_model::{AccessSetting, KafkaSource, MappingNames, MappingSettings, ReadsFrom};
use tokio::net::TcpListener;

const PLACEHOLDER: &str = "broker-1.example.com:9096";

/// A mapping of the topic `clicks` with SASL; without servers it is of MSK.
fn mapping(id: &str, servers: Option<&str>, give: impl FnOnce(&mut MappingSettings)) -> Mapping {
    let of_msk = || "arn:aws:kafka:eu-west-1:123456789012:cluster/shop/1-2".parse().expect("an ARN");
    let access =
        |kind: &str| AccessSetting { kind: Some(kind.to_owned()), uri: Some("env:KAFKA".to_owned()) };
    let mut settings = MappingSettings {
        starting_position: Some("TRIM_HORIZON".to_owned()),
        topics: vec!["clicks".to_owned()],
        bootstrap_servers: servers.into_iter().map(str::to_owned).collect(),
        access: vec![access("SASL_SCRAM_512_AUTH")],
        ..MappingSettings::default()
    };
    give(&mut settings);
    let names =
        MappingNames { id: MappingId(id.to_owned()), function: "F".to_owned(), stack: "shop".to_owned() };
    let source = servers.map_or_else(|| KafkaSource::Msk(of_msk()), |_| KafkaSource::SelfManaged);
    settings.check(names, ReadsFrom::Kafka(source), Timestamp::default()).expect("AWS takes it")
}

fn application(mappings: Vec<Mapping>) -> Application {
    Application {
        root: "/app".into(),
        account: "123456789012".to_owned(),
        functions: BTreeMap::new(),
        streams: BTreeMap::new(),
        tables: BTreeMap::new(),
        mappings,
    }
}

fn kafka(arguments: &[&str]) -> LocalKafka {
    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        template: TemplateOptions,
    }
    let program = <Program as clap::Parser>::parse_from(["dev"].iter().chain(arguments));
    LocalKafka::new(&program.template, Clock::start())
}

/// Where each mapping reads from, and whether it has credentials.
fn read(application: &Application) -> Vec<(String, bool)> {
    let read = |mapping: &Mapping| match &mapping.source {
        EventSource::Kafka(kafka) => {
            let servers = kafka.cluster.bootstrap_servers().map(ToString::to_string);
            (servers.unwrap_or_default(), kafka.access != Default::default())
        }
        EventSource::Kinesis { .. } | EventSource::DynamoDb { .. } | EventSource::Sqs(_) => {
            panic!("only mappings of Kafka")
        }
    };
    application.mappings.iter().map(read).collect()
}

#[tokio::test]
async fn mappings_of_clusters_that_nobody_runs_here_read_from_one_in_memory_that_has_their_topics() {
    let mut kafka = kafka(&[]);
    let to_a_topic =
        |settings: &mut MappingSettings| settings.destination = Some("kafka://failed".to_owned());
    let disabled = |settings: &mut MappingSettings| settings.enabled = Some("false".to_owned());
    let mut application = application(vec![
        mapping("A", Some(PLACEHOLDER), to_a_topic),
        mapping("B", None, |_| {}),
        mapping("C", Some(PLACEHOLDER), disabled),
    ]);
    assert_eq!(kafka.bootstrap_servers(), None, "nothing runs before it is needed");
    kafka.settle(&mut application).await.unwrap();
    let servers = kafka.bootstrap_servers().unwrap().to_owned();
    let here = (servers.clone(), false);
    assert_eq!(read(&application), [here.clone(), here, (PLACEHOLDER.to_owned(), true)]);
    let brokers = Brokers { bootstrap_servers: servers, access: Access::default() };
    for topic in ["clicks", "failed"] {
        TopicProducer::new(&brokers, topic).unwrap().check().await.unwrap();
    }
}

#[tokio::test]
async fn brokers_that_answer_on_this_machine_or_are_named_by_the_command_line_are_used() {
    let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let answers = broker.local_addr().unwrap().to_string();
    let named = "kafka.shop:9092";
    let mut kafka = kafka(&["--bootstrap-servers", "B=kafka.shop:9092"]);
    let mut application =
        application(vec![mapping("A", Some(&answers), |_| {}), mapping("B", Some(named), |_| {})]);
    kafka.settle(&mut application).await.unwrap();
    assert_eq!(read(&application), [(answers, true), (named.to_owned(), true)]);
    assert_eq!(kafka.bootstrap_servers(), None);
}

#[tokio::test]
async fn a_changed_template_moves_no_mapping_to_another_cluster() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    drop(silent);
    let mut kafka = kafka(&[]);
    let template = || application(vec![mapping("A", Some(&address.to_string()), |_| {})]);
    let mut before = template();
    kafka.settle(&mut before).await.unwrap();
    let _broker = TcpListener::bind(address).await.unwrap();
    let mut after = template();
    kafka.settle(&mut after).await.unwrap();
    assert_eq!(before, after);
    assert_eq!(read(&after), [(kafka.bootstrap_servers().unwrap().to_owned(), false)]);
}

#[tokio::test]
async fn a_start_at_a_moment_is_refused_where_offsets_cannot_be_looked_up_by_time() {
    let at_moment = |settings: &mut MappingSettings| {
        settings.starting_position = Some("AT_TIMESTAMP".to_owned());
        settings.starting_position_timestamp = Some("0".to_owned());
    };
    let mut application = application(vec![mapping("A", Some(PLACEHOLDER), at_moment)]);
    let refused = kafka(&[]).settle(&mut application).await.unwrap_err().to_string();
    assert!(refused.contains("A starts AT_TIMESTAMP") && refused.contains("by time"), "{refused}");
}
