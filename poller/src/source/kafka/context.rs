//! What librdkafka tells its client on the client's thread: rebalances, answers to commits, errors.

use super::settings::ClientSettings;
use crate::group_client::GroupEvent;
use pelton_core::Timestamp;
use pelton_core::group::Partition;
use rdkafka::TopicPartitionList;
use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Sender;

/// From one line about the same failure to the next.
const SAME_WORD_GAP: Duration = Duration::from_secs(30);

/// Takes in what librdkafka tells.
pub(super) struct Context {
    settings: ClientSettings,
    events: Sender<GroupEvent>,
    /// Rebalances are answered here: nobody else does it any more.
    is_leaving: AtomicBool,
    /// A rebalance was told, and not answered yet.
    is_rebalancing: AtomicBool,
    said: Mutex<Said>,
    /// Asks for tokens.
    runtime: Handle,
}

#[derive(Default)]
struct Said {
    /// The last failure.
    last: Option<String>,
    /// When each was logged.
    logged: BTreeMap<String, Timestamp>,
    /// Whether the brokers were told to be away.
    is_away: bool,
}

/// An error of librdkafka.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) code: Option<RDKafkaErrorCode>,
    pub(super) reason: String,
}

impl Context {
    pub(super) fn new(settings: ClientSettings, events: Sender<GroupEvent>) -> Self {
        Self {
            settings,
            events,
            is_leaving: AtomicBool::new(false),
            is_rebalancing: AtomicBool::new(false),
            said: Mutex::default(),
            runtime: Handle::current(),
        }
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
        self.said().last.clone()
    }

    /// Says an error of the client, unless it was said just now.
    pub(super) fn word(&self, word: &Word) {
        let mut said = self.said();
        if word.code != Some(RDKafkaErrorCode::AllBrokersDown) {
            let words = self.settings.failure(word);
            let now = self.settings.clock.now();
            said.logged.retain(|_, at| now.since(*at) < SAME_WORD_GAP);
            if !said.logged.contains_key(&words) {
                said.logged.insert(words.clone(), now);
                tracing::warn!(topic = self.settings.topic, group = self.settings.group_id, "{words}");
            }
            said.last = Some(words);
        }
        if word.code.is_some_and(keeps_away) && !std::mem::replace(&mut said.is_away, true) {
            let words = said.last.clone().unwrap_or_else(|| "no broker answers".to_owned());
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
        self.events.blocking_send(event).ok();
    }

    fn said(&self) -> std::sync::MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Some connections end without any other word.
        if facility == "FAIL" {
            self.word(&Word { code: None, reason: message.to_owned() });
        }
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
        self.settings.brokers.access.token(&self.runtime).map_err(Into::into)
    }
}

impl ConsumerContext for Context {
    fn rebalance(&self, consumer: &BaseConsumer<Self>, error: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let partitions: Vec<Partition> = list.elements().iter().map(|element| element.partition()).collect();
        let is_assignment = error == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.is_leaving.load(Ordering::SeqCst) {
            let answer = match is_assignment {
                true => consumer.incremental_assign(list),
                false => consumer.incremental_unassign(list),
            };
            if let Err(error) = answer {
                tracing::debug!(%error, "the last rebalance was not answered");
            }
            return;
        }
        self.heard();
        self.is_rebalancing.store(true, Ordering::SeqCst);
        self.tell(if is_assignment {
            GroupEvent::Assigned(partitions)
        } else if consumer.assignment_lost() {
            GroupEvent::Lost(partitions)
        } else {
            GroupEvent::Revoked(partitions)
        });
    }
}

/// Whether nothing can be read for as long as this lasts.
fn keeps_away(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::AllBrokersDown
            | RDKafkaErrorCode::Authentication
            | RDKafkaErrorCode::SaslAuthenticationFailed
            | RDKafkaErrorCode::SSL
            | RDKafkaErrorCode::GroupAuthorizationFailed
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::InconsistentGroupProtocol
    )
}
