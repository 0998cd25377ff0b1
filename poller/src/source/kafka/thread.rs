//! The thread of a client: polls its consumer, and carries out orders.
//!
//! In: orders. Out: records in the queues of their partitions, and what the group says. It polls all the time, also while every
//! partition is paused: the group counts it as alive, tokens are refreshed, and rebalances come in.

use super::client::{Consumer, Order, Seek, Shared, offset};
use super::queue::RawRecord;
use crate::group_client::GroupEvent;
use pelton_core::committed::Committed;
use pelton_core::group::{Partition, Taken};
use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use std::cell::RefCell;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the thread waits for a record before it looks for orders.
const POLL: Duration = Duration::from_millis(20);
/// Records that are taken from the client before they are handed on.
const RECORDS_AT_ONCE_MAX: usize = 500;
/// How long the group may take to hear that this member leaves.
const LEAVE_WAIT_MAX: Duration = Duration::from_secs(5);
/// How long a seek may take.
const SEEK_WAIT_MAX: Duration = Duration::from_secs(5);

/// What the thread works with.
pub(super) struct Thread {
    pub(super) shared: Arc<Shared>,
    pub(super) consumer: Arc<Consumer>,
    pub(super) orders: Receiver<Order>,
    pub(super) events: mpsc::Sender<GroupEvent>,
    /// Those that wait until the group has its answer.
    pub(super) seeks: RefCell<Vec<Seek>>,
}

impl Thread {
    pub(super) fn run(self) {
        let left = loop {
            match self.orders.try_recv() {
                Ok(Order::Leave(left)) => break Some(left),
                Ok(order) => {
                    self.obey(order);
                    continue;
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => break None,
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
                let list = self
                    .shared
                    .settings
                    .list(partitions.into_iter().filter(|partition| held.contains(partition)));
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
        let list =
            self.shared.settings.list_of(places.map(|Taken { partition, committed }| (partition, committed)));
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
            self.word(
                self.consumer.incremental_assign(&settings.list_of([(&seek.partition, &place)].into_iter())),
            );
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
        let code = error.rdkafka_error_code();
        let event = if let KafkaError::MessageConsumptionFatal(code) = error {
            let fatal = self.consumer.client().fatal_error();
            GroupEvent::Broken(fatal.map_or_else(|| code.to_string(), |(_, words)| words).into())
        } else if matches!(code, Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange))
        {
            GroupEvent::OutOfRange
        } else {
            // It was said: the context hears of every error.
            return;
        };
        // Whoever listens has ended, and this thread is about to.
        self.events.blocking_send(event).ok();
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
        let clock = &self.shared.settings.clock;
        let deadline = clock.elapsed() + LEAVE_WAIT_MAX;
        while !self.consumer.closed() && clock.elapsed() < deadline {
            self.consumer.poll(POLL);
        }
    }
}
