//! What a client of Kafka is told, and how what goes wrong is put into words.

use super::client::Consumer;
use super::context::Word;
use crate::clock::Clock;
use crate::kafka_access::{Brokers, failure};
use pelton_core::Timestamp;
use pelton_core::committed::Committed;
use pelton_core::event::kafka::KafkaTimestamp;
use pelton_core::group::Partition;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::fmt;
use std::time::Duration;

/// How long a partition that was added may stay unnoticed.
const TOPIC_LOOK: Duration = Duration::from_secs(10);

/// What a client is told.
#[derive(Clone)]
pub(crate) struct ClientSettings {
    pub(crate) brokers: Brokers,
    pub(crate) topic: String,
    pub(crate) group_id: String,
    pub(crate) session_timeout: Duration,
    pub(crate) clock: Clock,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// There is no such topic, or no right to see it.
    NoTopic,
    /// What whoever refuses says.
    Refused(String),
}

impl Outcome {
    pub(super) fn ended() -> Self {
        Self::Refused("the client has ended".to_owned())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTopic => f.write_str("the topic does not exist, or its ACLs do not allow to describe it"),
            Self::Refused(words) => f.write_str(words),
        }
    }
}

impl ClientSettings {
    /// The settings of librdkafka.
    pub(super) fn config(&self) -> ClientConfig {
        let mut config = self.brokers.config();
        let session = self.session_timeout.as_millis().to_string();
        let heartbeat = (self.session_timeout.as_millis() / 10).clamp(500, 3_000).to_string();
        for (key, value) in [
            ("group.id", &*self.group_id),
            ("group.protocol", "classic"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", &session),
            ("heartbeat.interval.ms", &heartbeat),
            // The thread polls all the time: only one that hangs, or a process that is stopped, exceeds it.
            ("max.poll.interval.ms", &self.session_timeout.as_millis().max(300_000).to_string()),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            // What to do with a place that is not in the log is decided elsewhere, loudly.
            ("auto.offset.reset", "error"),
            ("enable.partition.eof", "true"),
            ("isolation.level", "read_committed"),
            ("topic.metadata.refresh.interval.ms", &TOPIC_LOOK.as_millis().to_string()),
            // Of the whole consumer, however many partitions it reads.
            ("queued.max.messages.kbytes", "16384"),
            ("fetch.max.bytes", "8388608"),
            ("fetch.wait.max.ms", "500"),
            // A commit that is under way when the group rebalances may stay without an answer, and the group waits for it meanwhile.
            ("socket.timeout.ms", "10000"),
            ("fetch.error.backoff.ms", "200"),
        ] {
            config.set(key, value);
        }
        config
    }

    /// These partitions of the topic.
    pub(super) fn list(&self, partitions: impl IntoIterator<Item = Partition>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, partition);
        }
        list
    }

    /// The same, with their places.
    pub(super) fn list_of<'a>(
        &self,
        places: impl Iterator<Item = (&'a Partition, &'a Committed)>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, Committed { offset, text }) in places {
            let mut element = list.add_partition(&self.topic, *partition);
            let offset = Offset::Offset(i64::try_from(*offset).unwrap_or(i64::MAX));
            element.set_offset(offset).expect("an offset of Kafka is none of the negative words");
            element.set_metadata(text);
        }
        list
    }

    pub(super) fn timestamp(&self, timestamp: rdkafka::Timestamp) -> KafkaTimestamp {
        let moment = |millis: i64| u64::try_from(millis).ok().map(Timestamp::from_millis);
        let known = match timestamp {
            rdkafka::Timestamp::CreateTime(millis) => moment(millis).map(KafkaTimestamp::CreateTime),
            rdkafka::Timestamp::LogAppendTime(millis) => moment(millis).map(KafkaTimestamp::LogAppendTime),
            rdkafka::Timestamp::NotAvailable => None,
        };
        known.unwrap_or_else(|| KafkaTimestamp::Missing { read_at: self.clock.now() })
    }

    /// What went wrong, in one line.
    pub(super) fn failure(&self, word: &Word) -> String {
        failure(word.code, &word.reason, &self.brokers.bootstrap_servers)
    }

    /// Why `call` has no answer: where nothing came, what the client last said of its brokers.
    pub(super) fn outcome(&self, consumer: &Consumer, call: &'static str, error: &KafkaError) -> Outcome {
        let code = error.rdkafka_error_code();
        let is_silence = matches!(
            code,
            None | Some(
                RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::RequestTimedOut
                    | RDKafkaErrorCode::AllBrokersDown
                    | RDKafkaErrorCode::WaitingForCoordinator
            )
        );
        let said = consumer.client().context().last_failure().filter(|_| is_silence);
        let words = said.unwrap_or_else(|| {
            let reason = code.map_or_else(|| error.to_string(), |code| code.to_string());
            self.failure(&Word { code, reason: format!("{call}: {reason}") })
        });
        Outcome::Refused(words)
    }
}
