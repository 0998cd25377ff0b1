//! Hands records that were given up to the mapping's on-failure destination.
//!
//! In: failures of the core. Out: how each delivery went, once. Whether one is tried again, the core decides.

use super::failed_attempts::reason;
use crate::ports::{Destination, DestinationError, GivenUp};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use pelton_core::stream::ShardId;
use pelton_core::{Failure, Timestamp};
use pelton_model::MappingId;
use std::sync::Arc;
use tracing::field::display;
use tracing::{error, info, warn};

/// What became of a delivery.
pub(super) type Delivered = (GivenUp, Result<(), DestinationError>);

/// The deliveries of one shard.
pub(super) struct Deliveries {
    mapping: MappingId,
    shard: ShardId,
    destination: Option<Arc<dyn Destination>>,
    in_flight: FuturesUnordered<BoxFuture<'static, Delivered>>,
}

/// What becomes of a failure that was handed in.
pub(super) enum Began {
    /// It is under way.
    Delivery,
    /// There is nothing to wait for.
    Nothing,
}

impl Deliveries {
    /// Without a destination, records that were given up are only said loudly.
    pub(super) fn new(mapping: MappingId, shard: ShardId, destination: Option<Arc<dyn Destination>>) -> Self {
        Self { mapping, shard, destination, in_flight: FuturesUnordered::new() }
    }

    /// Begins to hand over what was given up at `at`.
    pub(super) fn start(&mut self, failure: Failure, at: Timestamp) -> Began {
        let (mapping, shard) = (&self.mapping, &self.shard);
        let (reason, attempts) = (reason(failure.reason), failure.attempts);
        if failure.batch.records().is_empty() {
            // There is no record of AWS's for it: the records of the window are settled.
            error!(%mapping, %shard, reason, attempts, "gave up the last invocation of a tumbling window: its state is lost");
            return Began::Nothing;
        }
        let Some(destination) = self.destination.clone() else {
            let batch = &failure.batch;
            error!(
                %mapping, %shard, reason, records = batch.records().len(), attempts,
                first = batch.first_position().map(display), last = batch.last_position().map(display), "records given up"
            );
            return Began::Nothing;
        };
        let given_up = GivenUp { failure, shard: shard.clone(), at };
        self.in_flight.push(Box::pin(async move {
            let sent = destination.send(&given_up).await;
            (given_up, sent)
        }));
        Began::Delivery
    }

    /// Whether none is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// The next delivery that ends; `None` while there is none. Cancelling is safe.
    pub(super) async fn next(&mut self) -> Option<Delivered> {
        self.in_flight.next().await
    }

    /// Says which records a delivery was of, and whether it was accepted.
    pub(super) fn say(&self, (given_up, sent): &Delivered) {
        let (mapping, shard) = (&self.mapping, &self.shard);
        let Failure { batch, attempts, reason: why, .. } = &given_up.failure;
        let (reason, records) = (reason(*why), batch.records().len());
        let (first, last) = (batch.first_position().map(display), batch.last_position().map(display));
        let sent_to = self.destination.as_ref().map(|destination| destination.name());
        match sent {
            Ok(()) => warn!(
                %mapping, %shard, reason, records, attempts, sent_to, first, last,
                "records given up, and delivered to the on-failure destination"
            ),
            Err(_) => info!(
                %mapping, %shard, reason, records, attempts, sent_to, first, last,
                "records given up, and not delivered to the on-failure destination"
            ),
        }
    }
}
