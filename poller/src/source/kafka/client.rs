//! The client of one mapping: a consumer of librdkafka on a thread of its own.
//!
//! In: what the group's owner orders. Out: what the group and the brokers say, and records, each in the queue of its partition. It
//! answers no rebalance by itself, as long as it is not told to leave.

use super::context::Context;
use super::inquiry;
use super::queue::Queue;
use super::settings::{ClientSettings, Outcome};
use super::thread::Thread;
use crate::group_client::{CommitAnswer, GroupClient, GroupEvent};
use crate::source::budget::{Account, ByteBudget, Reservation, Wanted};
use async_trait::async_trait;
use pelton_core::Timestamp;
use pelton_core::committed::Committed;
use pelton_core::group::{Bounds, Known, Partition, Taken};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};

/// What the group says that nobody has listened to yet.
const EVENTS_MAX: usize = 64;
/// What librdkafka itself holds at most: its queue, and an answer on its way.
const OWN_BYTES: usize = 24 * 1024 * 1024;

pub(super) type Consumer = BaseConsumer<Context>;

/// A client of the brokers of one mapping.
pub(crate) struct KafkaClient {
    shared: Arc<Shared>,
    orders: Mutex<Sender<Order>>,
    events: tokio::sync::Mutex<mpsc::Receiver<GroupEvent>>,
}

/// What the thread shares with those who read and ask.
pub(super) struct Shared {
    pub(super) settings: ClientSettings,
    /// `None`: it has ended.
    pub(super) consumer: Mutex<Option<Arc<Consumer>>>,
    queues: Mutex<BTreeMap<Partition, Arc<Queue>>>,
    budget: ByteBudget,
    /// Whoever pauses or resumes a partition holds it.
    pub(super) flow: Mutex<()>,
    _own_bytes: Option<Reservation>,
}

/// What the thread is told.
pub(super) enum Order {
    Join,
    Take(Vec<Taken>),
    GiveBack(Vec<Partition>),
    Seek(Seek),
    Leave(oneshot::Sender<()>),
}

/// Another place to read a partition from.
#[derive(Clone, Copy)]
pub(super) struct Seek {
    pub(super) partition: Partition,
    pub(super) offset: u64,
    /// The last record before a gap that retention left.
    pub(super) lost_after: Option<u64>,
}

impl KafkaClient {
    /// A client that is member of no group yet. Its thread ends with it.
    ///
    /// # Errors
    ///
    /// The words of librdkafka, if it cannot take a setting.
    pub(crate) fn start(settings: ClientSettings, budget: ByteBudget) -> Result<Self, KafkaError> {
        let (events_told, events) = mpsc::channel(EVENTS_MAX);
        let context = Context::new(settings.clone(), events_told.clone());
        let consumer: Arc<Consumer> = Arc::new(settings.config().create_with_context(context)?);
        let own_bytes = budget.account().reserve_now(Wanted { page: OWN_BYTES, first_page: OWN_BYTES });
        let shared = Arc::new(Shared {
            settings,
            consumer: Mutex::new(Some(Arc::clone(&consumer))),
            queues: Mutex::default(),
            budget,
            flow: Mutex::default(),
            _own_bytes: own_bytes,
        });
        let (orders, orders_taken) = channel();
        let work = Thread {
            shared: Arc::clone(&shared),
            consumer,
            orders: orders_taken,
            events: events_told,
            seeks: RefCell::default(),
        };
        std::thread::Builder::new()
            .name("kafka".to_owned())
            .spawn(move || work.run())
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self { shared, orders: Mutex::new(orders), events: tokio::sync::Mutex::new(events) })
    }

    /// What the topic has, or why it cannot be read: the words of whoever refuses.
    pub(crate) async fn partitions(&self) -> Result<Vec<Partition>, Outcome> {
        self.ask(inquiry::partitions).await.unwrap_or_else(|| Err(Outcome::ended()))
    }

    /// The queue of a partition that is read.
    pub(super) fn queue(&self, partition: Partition) -> Option<Arc<Queue>> {
        self.shared.queues().get(&partition).cloned()
    }

    pub(super) fn settings(&self) -> &ClientSettings {
        &self.shared.settings
    }

    pub(super) fn account(&self) -> Account {
        self.shared.budget.account()
    }

    /// Reads a partition on that was paused. It takes its time, and the caller none of it.
    pub(super) fn resume(&self, partition: Partition) {
        let shared = Arc::clone(&self.shared);
        tokio::task::spawn_blocking(move || shared.resume(partition));
    }

    /// Reads a partition again from this offset on.
    pub(super) fn read_again(&self, partition: Partition, offset: u64) {
        self.order(Order::Seek(Seek { partition, offset, lost_after: None }));
    }

    /// What a call to the brokers answers, which waits for them. `None`: the client has ended.
    async fn ask<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Consumer, &ClientSettings) -> T + Send + 'static,
    ) -> Option<T> {
        let consumer = self.shared.consumer()?;
        let settings = self.shared.settings.clone();
        let answer = tokio::task::spawn_blocking(move || call(&consumer, &settings)).await;
        Some(answer.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())))
    }

    fn order(&self, order: Order) {
        // A thread that has ended has nothing left to do.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).send(order).ok();
    }
}

#[async_trait]
impl GroupClient for KafkaClient {
    fn join(&self) {
        self.order(Order::Join);
    }

    async fn event(&self) -> GroupEvent {
        let mut events = self.events.lock().await;
        match events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }

    async fn known(
        &self,
        partitions: &[Partition],
        since: Option<Timestamp>,
    ) -> Result<BTreeMap<Partition, Known>, Arc<str>> {
        let partitions = partitions.to_vec();
        let answer =
            self.ask(move |consumer, settings| inquiry::known(consumer, settings, &partitions, since)).await;
        answer.unwrap_or_else(|| Err(Outcome::ended())).map_err(|outcome| outcome.to_string().into())
    }

    async fn bounds(&self, partitions: &[Partition]) -> BTreeMap<Partition, Bounds> {
        let partitions = partitions.to_vec();
        self.ask(move |consumer, settings| inquiry::bounds(consumer, settings, &partitions))
            .await
            .unwrap_or_default()
    }

    fn next_offset(&self, partition: Partition) -> Option<u64> {
        self.queue(partition).map(|queue| queue.next_to_come().unsigned_abs())
    }

    async fn commit(&self, places: BTreeMap<Partition, Committed>) -> CommitAnswer {
        let answer = self.ask(move |consumer, settings| inquiry::commit(consumer, settings, &places)).await;
        answer.unwrap_or_else(|| CommitAnswer {
            refused: Some("the client has ended".into()),
            ..CommitAnswer::default()
        })
    }

    fn take(&self, taken: &[Taken]) {
        for Taken { partition, committed } in taken {
            let queue = Queue::new(self.shared.budget.account(), offset(committed.offset));
            self.shared.queues().insert(*partition, Arc::new(queue));
        }
        self.order(Order::Take(taken.to_vec()));
    }

    fn give_back(&self, partitions: &[Partition]) {
        self.shared.queues().retain(|partition, _| !partitions.contains(partition));
        self.order(Order::GiveBack(partitions.to_vec()));
    }

    fn seek(&self, partition: Partition, offset: u64, lost_after: Option<u64>) {
        self.order(Order::Seek(Seek { partition, offset, lost_after }));
    }

    async fn leave(&self) {
        let (left, has_left) = oneshot::channel();
        self.order(Order::Leave(left));
        // An error: the thread has ended before.
        has_left.await.ok();
    }
}

impl Shared {
    fn consumer(&self) -> Option<Arc<Consumer>> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn queues(&self) -> std::sync::MutexGuard<'_, BTreeMap<Partition, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn resume(&self, partition: Partition) {
        let _flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(consumer), Some(queue)) = (self.consumer(), self.queues().get(&partition).cloned()) else {
            return;
        };
        if queue.is_paused() {
            return;
        }
        if let Err(error) = consumer.resume(&self.settings.list([partition])) {
            tracing::warn!(%error, partition, "a partition that was paused could not be resumed");
        }
    }
}

/// Offsets of Kafka fit.
pub(super) fn offset(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
