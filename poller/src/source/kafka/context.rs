//! What librdkafka tells its client on the client's thread: rebalances, answers to commits, errors.

use super::settings::ClientSettings;
use crate::group_client::GroupEvent;
use pelton_core::group::Partition;
use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// From one line about the same failure to the next.
const SAME_WORD_GAP: Duration = Duration::from_secs(30);

/// Takes in what librdkafka tells.
pub(super) struct Context {
    settings: ClientSettings,
    events: UnboundedSender<GroupEvent>,
    /// Rebalances are answered here: nobody else does it any more.
    is_leaving: AtomicBool,
    /// A rebalance was told, and not answered yet.
    is_rebalancing: AtomicBool,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// The last failure, and when it was logged.
    last: Option<(String, Instant)>,
    /// Whether the brokers were told to be away.
    is_away: bool,
}

/// An error of librdkafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) code: Option<RDKafkaErrorCode>,
    pub(super) reason: String,
}

impl Word {
    pub(super) fn of(error: &KafkaError) -> Self {
        Self { code: error.rdkafka_error_code(), reason: error.to_string() }
    }
}

impl Context {
    pub(super) fn new(
        settings: ClientSettings,
        events: UnboundedSender<GroupEvent>,
    ) -> Self {
        Self { settings, events, is_leaving: AtomicBool::new(false), is_rebalancing: AtomicBool::new(false), said: Mutex::default() }
    }

    pub(super) fn leave(&self) {
        self.is_leaving.store(true, Ordering::SeqCst);
    }

    /// Whether the group waits for an answer.
    pub(super) fn is_rebalancing(&self) -> bool {
        self.is_rebalancing.load(Ordering::SeqCst)
    }

    /// The group has its answer.
    pub(super) fn answered(&self) {
        self.is_rebalancing.store(false, Ordering::SeqCst);
    }

    /// What was last said of what does not go well; `None`: nothing was.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.said().last.as_ref().map(|(words, _)| words.clone())
    }

    /// Says an error of the client, unless it was said just now.
    pub(super) fn word(&self, word: &Word) {
        let words = self.settings.failure(word);
        let mut said = self.said();
        let is_repeated = said.last.as_ref().is_some_and(|(last, at)| *last == words && at.elapsed() < SAME_WORD_GAP);
        if !is_repeated {
            said.last = Some((words.clone(), Instant::now()));
            tracing::warn!(topic = self.settings.topic, group = self.settings.group_id, "{words}");
        }
        if word.code == Some(RDKafkaErrorCode::AllBrokersDown) && !said.is_away {
            said.is_away = true;
            self.tell(GroupEvent::Away(words.into()));
        }
    }

    /// Something came from a broker.
    pub(super) fn heard(&self) {
        let mut said = self.said();
        if std::mem::take(&mut said.is_away) {
            said.last = None;
            self.tell(GroupEvent::Back);
        }
    }

    fn tell(&self, event: GroupEvent) {
        // Whoever listens has ended, and this client is about to.
        self.events.send(event).ok();
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(?level, facility, message, "librdkafka");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        // That a partition was read to its end is no failure, and a place that is not in the log is dealt with elsewhere.
        if !matches!(code, Some(RDKafkaErrorCode::PartitionEOF | RDKafkaErrorCode::AutoOffsetReset)) {
            self.word(&Word { code, reason: reason.to_owned() });
        }
    }

    fn stats_raw(&self, _statistics: &[u8]) {}

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        Err("no token source is configured".into())
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<Partition> = list.elements().iter().map(|element| element.partition()).collect();
        if self.is_leaving.load(Ordering::SeqCst) {
            let answer = match error {
                RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => consumer.incremental_assign(list),
                _ => consumer.incremental_unassign(list),
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "the last rebalance was not answered");
            }
            return;
        }
        self.heard();
        self.is_rebalancing.store(true, Ordering::SeqCst);
        self.tell(match error {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => GroupEvent::Assigned(partitions),
            _ if consumer.assignment_lost() => GroupEvent::Lost(partitions),
            _ => GroupEvent::Revoked(partitions),
        });
    }
}
