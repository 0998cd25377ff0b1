//! The seam between a consumer group and whoever speaks to its brokers, so that another client can take the place of this one.
//!
//! In: what `pelton_core::group` commands. Out: what the brokers answer, and what the group says by itself.

use async_trait::async_trait;
use pelton_core::Timestamp;
use pelton_core::committed::Committed;
use pelton_core::group::{Bounds, Known, Partition, Taken};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A member of a consumer group that reads one topic.
#[async_trait]
pub trait GroupClient: Send + Sync {
    /// Joins the group. From now on the group says which partitions are this member's.
    fn join(&self);

    /// What the group or the brokers say next. Cancelling is safe. Only one may wait for it.
    async fn event(&self) -> GroupEvent;

    /// What is known of these partitions, and what is committed of all others of the topic. `since`: the moment whose offset is
    /// asked for. An error is what the broker said.
    async fn known(
        &self,
        partitions: &[Partition],
        since: Option<Timestamp>,
    ) -> Result<BTreeMap<Partition, Known>, Arc<str>>;

    /// The logs of these partitions: of those that answer.
    async fn bounds(&self, partitions: &[Partition]) -> BTreeMap<Partition, Bounds>;

    /// The offset that the next record of a partition has at least, if it is read.
    fn next_offset(&self, partition: Partition) -> Option<u64>;

    /// Commits these places, each of them or not. One call at a time.
    async fn commit(&self, places: BTreeMap<Partition, Committed>) -> CommitAnswer;

    /// Answers an assignment: reads these from there on, beside what is read already.
    fn take(&self, taken: &[Taken]);

    /// Answers a revocation, or a loss: does not read these any more.
    fn give_back(&self, partitions: &[Partition]);

    /// Reads a partition from this offset on, whatever was read of it.
    fn seek(&self, partition: Partition, offset: u64, lost_after: Option<u64>);

    /// Leaves the group and ends. Returns once the group knows, or at the latest after some seconds.
    async fn leave(&self);
}

/// What became of a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitAnswer {
    /// These are committed.
    pub committed: BTreeSet<Partition>,
    /// Why the others are not, if there are any.
    pub refused: Option<Arc<str>>,
}

/// What the group says, or the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupEvent {
    /// These are this member's, beside those that it has. Answer: [`GroupClient::take`].
    Assigned(Vec<Partition>),
    /// The group wants these back. Answer: [`GroupClient::give_back`], once, with all of them.
    Revoked(Vec<Partition>),
    /// The session is over. Answer: as to a revocation.
    Lost(Vec<Partition>),
    /// A place to read from is not in its log.
    OutOfRange,
    /// No broker answers: in which step it fails, and why.
    Away(Arc<str>),
    /// One answers again.
    Back,
    /// The client is of no use any more.
    Broken(Arc<str>),
}
