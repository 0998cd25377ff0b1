//! Brokers that `infra/up` started.

use super::topic::Topic;
use super::{CALL_MAX, blocking};
use crate::{infra, wait};
use pelton::clock::Clock;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Port of the one broker, unless the environment or `infra/up` says otherwise.
const PORT: &str = "9092";
/// The service of which a test may have one of its own.
const OWN: &str = "kafka";
/// Ports of the three.
const CLUSTER_PORT: &str = "9192";

/// One broker, or three.
#[derive(Clone, Debug)]
pub struct Cluster {
    service: &'static str,
    servers: String,
    /// Where `infra/up` keeps its state, if that is a folder of the test.
    state: Option<PathBuf>,
}

/// A broker of a test's own. Dropping it ends it.
#[derive(Debug)]
pub struct OwnBroker {
    /// The broker.
    pub cluster: Cluster,
    state: TempDir,
}

impl Cluster {
    /// The broker that tests share: it is never stopped.
    ///
    /// # Panics
    /// If it does not answer; the message says how to start it.
    pub async fn shared() -> Self {
        Self::of("kafka", infra::told_address("kafka", "KAFKA_PORT", PORT)).await
    }

    /// Three brokers, for tests that stop some of them.
    ///
    /// # Panics
    /// If they do not answer; the message says how to start them.
    pub async fn of_three() -> Self {
        Self::of("kafka-cluster", infra::told_address("kafka-cluster", "KAFKA_CLUSTER_PORT", CLUSTER_PORT))
            .await
    }

    /// A broker of the test's own, that it may stop.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn own() -> OwnBroker {
        let state = tempfile::tempdir().expect("a temporary folder can be made");
        let mut command = script("up", Some(state.path()));
        command.args(["--free-ports", OWN]);
        // It ends what it started also if that does not come to answer.
        let mut own =
            OwnBroker { cluster: Self { service: OWN, servers: String::new(), state: None }, state };
        run(command).await;
        let endpoint =
            std::fs::read_to_string(own.state.path().join(OWN).join("endpoint")).expect("it is told");
        let cluster = Self {
            service: OWN,
            servers: endpoint.trim().to_owned(),
            state: Some(own.state.path().to_owned()),
        };
        own.cluster = cluster;
        own
    }

    async fn of(service: &'static str, servers: String) -> Self {
        let cluster = Self { service, servers, state: None };
        let answers =
            cluster.call(|consumer| consumer.fetch_metadata(None, Duration::from_secs(10)).is_ok()).await;
        assert!(answers, "Kafka does not answer at {}: start it by `infra/up {service}`", cluster.servers);
        cluster
    }

    /// Bootstrap servers: `HOST:PORT`, with commas between.
    #[must_use]
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// The address of another listener, by its name in `infra/README.md`, or the folder of the `certificates`.
    ///
    /// # Panics
    /// If `infra/up` did not start the brokers.
    #[must_use]
    pub fn listener(&self, name: &str) -> String {
        let service = self.service;
        infra::listener(service, name).unwrap_or_else(|| {
            panic!("the listener {name} is not known: start Kafka by `infra/up {service}`")
        })
    }

    /// A topic of a name that is nobody else's.
    ///
    /// # Panics
    /// If the brokers refuse.
    pub async fn topic(&self, partitions: i32) -> Topic {
        self.topic_with(partitions, &[]).await
    }

    /// The same, with settings of its own.
    ///
    /// # Panics
    /// If the brokers refuse.
    pub async fn topic_with(&self, partitions: i32, settings: &[(&str, &str)]) -> Topic {
        let topic = self.no_topic();
        self.create_topic(topic.name(), partitions, settings).await;
        topic
    }

    /// The name of a topic that does not exist.
    #[must_use]
    pub fn no_topic(&self) -> Topic {
        Topic::new(self.clone(), format!("pelton-{}", uuid::Uuid::new_v4()))
    }

    pub(super) async fn create_topic(&self, name: &str, partitions: i32, settings: &[(&str, &str)]) {
        // As many copies as the cluster makes by itself.
        let mut new = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        for (setting, value) in settings {
            new = new.set(setting, value);
        }
        let created = self.admin().create_topics([&new], &admin_options()).await;
        let created = created.expect("the brokers make topics").remove(0);
        created.expect("the topic is made");
        wait::until("every partition of the topic has a leader", async || {
            let name = name.to_owned();
            self.call(move |consumer| {
                let metadata = consumer.fetch_metadata(Some(&name), CALL_MAX).ok()?;
                let partitions_led =
                    metadata.topics()[0].partitions().iter().filter(|one| one.leader() >= 0).count();
                (partitions_led == usize::try_from(partitions).ok()?).then_some(())
            })
            .await
        })
        .await;
    }

    /// Stops, kills or starts the node, by `infra/kafka-node`; returns once it is gone, or answers.
    ///
    /// # Panics
    /// If that fails.
    pub async fn node(&self, number: u8, action: &str) {
        let mut command = script("kafka-node", self.state.as_deref());
        command.args([self.service, &number.to_string(), action]);
        run(command).await;
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    pub(super) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.config().create().expect("the settings are right")
    }

    /// What a consumer of no group answers.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&BaseConsumer) -> T + Send + 'static,
    ) -> T {
        let consumer: BaseConsumer = self.config().create().expect("the settings are right");
        blocking(move || call(&consumer)).await
    }
}

/// A script of `infra`, with this folder for its state.
fn script(name: &str, state: Option<&Path>) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra").join(name));
    if let Some(state) = state {
        command.env("PELTON_INFRA_STATE", state);
    }
    command
}

/// What it prints on standard output.
async fn run(mut command: Command) -> String {
    let output = blocking(move || command.output()).await.expect("the script runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a script prints text")
}

impl OwnBroker {
    /// Stops its process for this long, by SIGSTOP: it keeps its connections, and answers nothing.
    ///
    /// # Panics
    /// If that fails.
    pub async fn hang(&self, time: Duration) {
        let mut command = script("kafka-node", Some(self.state.path()));
        command.args([OWN, "1", "pid"]);
        let pid = run(command).await;
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("a broker is one process");
        kill_process(pid, Signal::STOP).expect("the broker can be signalled");
        Clock::start().sleep(time).await;
        kill_process(pid, Signal::CONT).expect("the broker can be signalled");
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        // Nobody is there to hear that it failed.
        script("down", Some(self.state.path())).arg(OWN).output().ok();
    }
}

pub(super) fn admin_options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(CALL_MAX)).operation_timeout(Some(CALL_MAX))
}
