//! The client of one mapping: a consumer of librdkafka on a thread of its own.
//!
//! In: what the group's owner orders. Out: what the group and the brokers say, and records, each in the queue of its partition. The
//! thread polls all the time, also while every partition is paused: the group counts it as alive, tokens are refreshed, and
//! rebalances come in. It answers none by itself, as long as it is not told to leave.

use super::context::Context;
use super::inquiry;
use super::queue::{Queue, RawRecord};
use super::settings::{ClientSettings, Outcome};
use crate::group_client::{CommitAnswer, GroupClient, GroupEvent};
use crate::source::budget::{Account, ByteBudget, Reservation, Wanted};
use async_trait::async_trait;
use pelton_core::Timestamp;
use pelton_core::committed::Committed;
use pelton_core::group::{Bounds, Known, Partition, Taken};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How long the thread waits for a record before it looks for orders.
const POLL: Duration = Duration::from_millis(20);
/// Records that are taken from the client before they are handed on.
const RECORDS_AT_ONCE_MAX: usize = 500;
/// How long the group may take to hear that this member leaves.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a seek may take.
const SEEK_WAIT_MAX: Duration = Duration::from_secs(5);
/// What librdkafka itself holds at most: its queue, and an answer on its way.
const OWN_BYTES: usize = 24 * 1024 * 1024;

pub(super) type Consumer = BaseConsumer<Context>;

/// A client of the brokers of one mapping.
pub(crate) struct KafkaClient {
    shared: Arc<Shared>,
    orders: Mutex<Sender<Order>>,
    events: tokio::sync::Mutex<mpsc::UnboundedReceiver<GroupEvent>>,
}

/// What the thread shares with those who read and ask.
pub(super) struct Shared {
    pub(super) settings: ClientSettings,
    /// `None`: it has ended.
    consumer: Mutex<Option<Arc<Consumer>>>,
    queues: Mutex<BTreeMap<Partition, Arc<Queue>>>,
    budget: ByteBudget,
    /// Whoever pauses or resumes a partition holds it.
    flow: Mutex<()>,
    _own_bytes: Option<Reservation>,
}

enum Order {
    Join,
    Take(Vec<Taken>),
    GiveBack(Vec<Partition>),
    Seek(Seek),
    Leave(oneshot::Sender<()>),
}

/// Another place to read a partition from.
#[derive(Clone, Copy)]
struct Seek {
    partition: Partition,
    offset: u64,
    /// The last record before a gap that retention left.
    lost_after: Option<u64>,
}

impl KafkaClient {
    /// A client that is member of no group yet. Its thread ends with it.
    ///
    /// # Errors
    ///
    /// The words of librdkafka, if it cannot take a setting.
    pub(crate) fn start(settings: ClientSettings, budget: ByteBudget) -> Result<Self, KafkaError> {
        let (events_told, events) = mpsc::unbounded_channel();
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
        let work = Thread { shared: Arc::clone(&shared), consumer, orders: orders_taken, events: events_told, seeks: RefCell::default() };
        std::thread::Builder::new()
            .name("kafka".to_owned())
            .spawn(move || work.run())
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        Ok(Self {
            shared,
            orders: Mutex::new(orders),
            events: tokio::sync::Mutex::new(events),
        })
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
        let answer = self.ask(move |consumer, settings| inquiry::known(consumer, settings, &partitions, since)).await;
        answer.unwrap_or_else(|| Err(Outcome::ended())).map_err(|outcome| outcome.to_string().into())
    }

    async fn bounds(&self, partitions: &[Partition]) -> BTreeMap<Partition, Bounds> {
        let partitions = partitions.to_vec();
        self.ask(move |consumer, settings| inquiry::bounds(consumer, settings, &partitions)).await.unwrap_or_default()
    }

    fn next_offset(&self, partition: Partition) -> Option<u64> {
        self.queue(partition).map(|queue| queue.next_to_come().unsigned_abs())
    }

    async fn commit(&self, places: BTreeMap<Partition, Committed>) -> CommitAnswer {
        let answer = self.ask(move |consumer, settings| inquiry::commit(consumer, settings, &places)).await;
        answer.unwrap_or_else(|| CommitAnswer { refused: Some("the client has ended".into()), ..CommitAnswer::default() })
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

    fn queues(&self) -> std::sync::MutexGuard<'_, BTreeMap<Partition, Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn resume(&self, partition: Partition) {
        let _flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(consumer), Some(queue)) = (self.consumer(), self.queues().get(&partition).cloned()) else { return };
        if queue.is_paused() {
            return;
        }
        if let Err(error) = consumer.resume(&self.settings.list([partition])) {
            tracing::warn!(%error, partition, "a partition that was paused could not be resumed");
        }
    }
}

/// What the thread works with.
struct Thread {
    shared: Arc<Shared>,
    consumer: Arc<Consumer>,
    orders: Receiver<Order>,
    events: mpsc::UnboundedSender<GroupEvent>,
    /// Those that wait until the group has its answer.
    seeks: RefCell<Vec<Seek>>,
}

impl Thread {
    fn run(self) {
        let left = loop {
            match self.orders.try_recv() {
                Ok(Order::Leave(left)) => break Some(left),
                Ok(order) => {
                    self.obey(order);
                    continue;
                }
                Err(std::sync::mpsc::TryRecvError::Empty) => {}
                Err(std::sync::mpsc::TryRecvError::Disconnected) => break None,
            }
            self.seek_late();
            self.poll();
        };
        self.shared.consumer.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.shared.queues().clear();
        self.leave();
        drop(self.consumer);
        if let Some(left) = left {
            // Nobody waits any more.
            left.send(()).ok();
        }
    }

    fn obey(&self, order: Order) {
        match order {
            Order::Join => self.word(self.consumer.subscribe(&[&self.shared.settings.topic])),
            Order::Take(taken) => self.take(&taken),
            Order::GiveBack(partitions) => {
                self.seeks.borrow_mut().retain(|seek| !partitions.contains(&seek.partition));
                let held = self.assigned();
                let list = self.shared.settings.list(partitions.into_iter().filter(|partition| held.contains(partition)));
                self.word(self.consumer.incremental_unassign(&list));
                self.consumer.client().context().answered();
            }
            Order::Seek(seek) => self.seek(seek),
            Order::Leave(_) => {}
        }
    }

    fn assigned(&self) -> Vec<Partition> {
        let list = self.consumer.assignment().unwrap_or_default();
        list.elements().iter().map(rdkafka::topic_partition_list::TopicPartitionListElem::partition).collect()
    }

    fn take(&self, taken: &[Taken]) {
        let held = self.assigned();
        let places = taken.iter().filter(|taken| !held.contains(&taken.partition));
        let list = self.shared.settings.list_of(places.map(|Taken { partition, committed }| (partition, committed)));
        self.word(self.consumer.incremental_assign(&list));
        self.consumer.client().context().answered();
        self.seeks.borrow_mut().retain(|seek| taken.iter().all(|taken| taken.partition != seek.partition));
        for Taken { partition, committed } in taken.iter().filter(|taken| held.contains(&taken.partition)) {
            self.seek(Seek { partition: *partition, offset: committed.offset, lost_after: None });
        }
        let paused: Vec<Partition> = self
            .shared
            .queues()
            .iter()
            .filter_map(|(partition, queue)| queue.is_paused().then_some(*partition))
            .collect();
        if !paused.is_empty() {
            self.word(self.consumer.pause(&self.shared.settings.list(paused)));
        }
    }

    fn seek(&self, seek: Seek) {
        let Some(queue) = self.shared.queues().get(&seek.partition).cloned() else { return };
        let (topic, place) = (&self.shared.settings.topic, Offset::Offset(offset(seek.offset)));
        match self.consumer.seek(topic, seek.partition, place, SEEK_WAIT_MAX) {
            Ok(()) => {
                queue.restart(offset(seek.offset), seek.lost_after);
                self.shared.resume(seek.partition);
            }
            Err(error) => {
                tracing::debug!(%error, partition = seek.partition, "cannot seek: the partition is assigned again");
                self.seeks.borrow_mut().push(seek);
            }
        }
    }

    /// librdkafka seeks in no partition whose last place was not in the log: it takes another assignment. Not before the group has its
    /// answer: the group would take this for one.
    fn seek_late(&self) {
        if self.seeks.borrow().is_empty() || self.consumer.client().context().is_rebalancing() {
            return;
        }
        let held = self.assigned();
        for seek in self.seeks.take() {
            let queue = self.shared.queues().get(&seek.partition).cloned();
            let (Some(queue), true) = (queue, held.contains(&seek.partition)) else { continue };
            let place = Committed::at(seek.offset);
            let settings = &self.shared.settings;
            self.word(self.consumer.incremental_unassign(&settings.list([seek.partition])));
            self.word(self.consumer.incremental_assign(&settings.list_of([(&seek.partition, &place)].into_iter())));
            queue.restart(offset(seek.offset), seek.lost_after);
            self.shared.resume(seek.partition);
        }
    }

    fn word(&self, answer: Result<(), KafkaError>) {
        if let Err(error) = answer {
            tracing::warn!(topic = self.shared.settings.topic, %error, "the client of the consumer group refused an order");
        }
    }

    /// Takes in what there is, and hands it on.
    fn poll(&self) {
        let mut gathered: Vec<RawRecord> = Vec::new();
        let mut of = None;
        let mut patience = POLL;
        for _ in 0..RECORDS_AT_ONCE_MAX {
            match self.consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => {
                    let partition = message.partition();
                    if of != Some(partition) {
                        self.hand_on(of.replace(partition), &mut gathered);
                    }
                    gathered.push(self.raw(&message));
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    self.hand_on(of.take(), &mut gathered);
                    if let Some(queue) = self.shared.queues().get(&partition) {
                        queue.reached_end();
                    }
                }
                Some(Err(error)) => self.failed(&error),
            }
            patience = Duration::ZERO;
        }
        self.hand_on(of, &mut gathered);
    }

    fn failed(&self, error: &KafkaError) {
        let event = match error {
            KafkaError::MessageConsumption(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                GroupEvent::OutOfRange
            }
            KafkaError::MessageConsumptionFatal(code) => {
                let words = self.consumer.client().fatal_error().map_or_else(|| code.to_string(), |(_, words)| words);
                GroupEvent::Broken(words.into())
            }
            // It was said: the context hears of every error.
            _ => return,
        };
        // Whoever listens has ended, and this thread is about to.
        self.events.send(event).ok();
    }

    fn hand_on(&self, partition: Option<Partition>, gathered: &mut Vec<RawRecord>) {
        let Some(partition) = partition else { return };
        let Some(queue) = self.shared.queues().get(&partition).cloned() else {
            // It was given back meanwhile: nothing of it counts.
            gathered.clear();
            return;
        };
        if gathered.is_empty() {
            return;
        }
        if queue.push(gathered.drain(..)) {
            let _flow = self.shared.flow.lock().unwrap_or_else(PoisonError::into_inner);
            // The reader may have taken it all meanwhile.
            if queue.is_paused() {
                self.word(self.consumer.pause(&self.shared.settings.list([partition])));
            }
        }
    }

    fn raw(&self, message: &BorrowedMessage<'_>) -> RawRecord {
        let headers = message.headers().map(|headers| {
            headers.iter().map(|header| (header.key.into(), header.value.map(Into::into))).collect()
        });
        RawRecord {
            offset: message.offset(),
            timestamp: self.shared.settings.timestamp(message.timestamp()),
            key: message.key().map(Into::into),
            value: message.payload().map(Into::into),
            headers: headers.unwrap_or_default(),
        }
    }

    /// Tells the group, so that it need not wait for the session to end.
    fn leave(&self) {
        self.consumer.client().context().leave();
        if let Err(error) = self.consumer.close_queue() {
            tracing::debug!(%error, "the consumer was closed before");
            return;
        }
        let deadline = Instant::now() + LEAVE_WAIT_MAX;
        while !self.consumer.closed() && Instant::now() < deadline {
            self.consumer.poll(POLL);
        }
    }
}

/// Offsets of Kafka fit.
fn offset(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}
