//! What a fake of DynamoDB Streams does on its own, and which limits it enforces.

use std::time::Duration;

/// Retention of records, and of closed shards, on AWS.
const RETENTION: Duration = Duration::from_hours(24);

/// Life of a shard iterator on AWS.
const ITERATORS_LIVE: Duration = Duration::from_mins(15);

/// DescribeStream calls per second and account on AWS.
const DESCRIBES_PER_SECOND_MAX: usize = 10;

/// Shards that one page of DescribeStream holds at most, on AWS.
pub(super) const SHARDS_PER_PAGE_MAX: usize = 100;

/// Records that one page of GetRecords holds at most, on AWS.
pub(super) const RECORDS_PER_PAGE_MAX: usize = 1_000;

/// What the fake does on its own. By default: one shard per stream that never rolls over, and AWS's limits.
#[derive(Clone, Debug)]
pub struct Script {
    pub(super) region: String,
    pub(super) shards_at_first: usize,
    pub(super) rollover: Option<Rollover>,
    pub(super) children_listed: Listed,
    pub(super) ends_listed_after: Duration,
    pub(super) closed_shards_vanish_after: Duration,
    pub(super) records_trimmed_after: Duration,
    pub(super) iterators_live: Duration,
    pub(super) reads_per_second_max: Option<usize>,
    pub(super) throttled_by: Throttle,
    pub(super) describes_per_second_max: Option<usize>,
    pub(super) shards_per_page_max: usize,
}

/// How shards roll over on their own.
#[derive(Clone, Debug)]
pub(super) struct Rollover {
    /// How long a shard accepts records until its rollover begins.
    pub(super) every: Duration,
    /// The number of children of each rollover in turn.
    pub(super) children: Vec<usize>,
    /// The number of leaves beyond which a shard gets one child only.
    pub(super) leaves_max: usize,
}

/// When DescribeStream begins to list the children of a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// This long before their parent ends: parent and children are open at the same time. The parent accepts the records until its
    /// end.
    Before(Duration),
    /// This long after their parent ended. They accept records from that end on, though nobody can know them yet.
    After(Duration),
}

/// The error of a GetRecords call that exceeds the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttle {
    /// `LimitExceededException`, which the API's model names.
    LimitExceeded,
    /// `ProvisionedThroughputExceededException`, which the model does not name for this API.
    ProvisionedThroughputExceeded,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            shards_at_first: 1,
            rollover: None,
            children_listed: Listed::After(Duration::ZERO),
            ends_listed_after: Duration::ZERO,
            closed_shards_vanish_after: RETENTION,
            records_trimmed_after: RETENTION,
            iterators_live: ITERATORS_LIVE,
            reads_per_second_max: None,
            throttled_by: Throttle::LimitExceeded,
            describes_per_second_max: Some(DESCRIBES_PER_SECOND_MAX),
            shards_per_page_max: SHARDS_PER_PAGE_MAX,
        }
    }
}

impl Script {
    /// The region in the ARNs of the streams.
    #[must_use]
    pub fn region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.region);
        self
    }

    /// A new stream has this many shards.
    #[must_use]
    pub fn shards_at_first(mut self, shards: usize) -> Self {
        self.shards_at_first = shards;
        self
    }

    /// Each shard begins to roll over after this time: into one child.
    #[must_use]
    pub fn rollover_every(self, every: Duration) -> Self {
        self.rollover_into(every, &[1], usize::MAX)
    }

    /// Each shard begins to roll over after this time: the first into `children[0]` children, the next into `children[1]`, and so on
    /// in a circle; into one child only while the stream has `leaves_max` leaves or more.
    #[must_use]
    pub fn rollover_into(mut self, every: Duration, children: &[usize], leaves_max: usize) -> Self {
        self.rollover = Some(Rollover { every, children: children.to_vec(), leaves_max });
        self
    }

    /// When children are listed. AWS: before or after their parent's end.
    #[must_use]
    pub fn children_listed(mut self, listed: Listed) -> Self {
        self.children_listed = listed;
        self
    }

    /// DescribeStream lists a closed shard without `EndingSequenceNumber`, as if it were open, until this long after its end.
    #[must_use]
    pub fn ends_listed_after(mut self, delay: Duration) -> Self {
        self.ends_listed_after = delay;
        self
    }

    /// A closed shard vanishes this long after its end. AWS: 24 hours.
    #[must_use]
    pub fn closed_shards_vanish_after(mut self, age: Duration) -> Self {
        self.closed_shards_vanish_after = age;
        self
    }

    /// A record is trimmed at this age. AWS: 24 hours.
    #[must_use]
    pub fn records_trimmed_after(mut self, age: Duration) -> Self {
        self.records_trimmed_after = age;
        self
    }

    /// An iterator expires at this age. AWS: 15 minutes.
    #[must_use]
    pub fn iterators_live(mut self, live: Duration) -> Self {
        self.iterators_live = live;
        self
    }

    /// At most this many GetRecords calls per second and shard pass; the others fail with this error. By default all pass.
    #[must_use]
    pub fn reads_per_second(mut self, max: usize, throttled_by: Throttle) -> Self {
        (self.reads_per_second_max, self.throttled_by) = (Some(max), throttled_by);
        self
    }

    /// At most this many DescribeStream calls per second pass, of all streams together; the others fail with
    /// `LimitExceededException`. AWS: 10.
    #[must_use]
    pub fn describes_per_second(mut self, max: Option<usize>) -> Self {
        self.describes_per_second_max = max;
        self
    }

    /// A page of DescribeStream holds at most this many shards, whatever `Limit` allows. AWS: 100.
    #[must_use]
    pub fn shards_per_page(mut self, max: usize) -> Self {
        self.shards_per_page_max = max;
        self
    }
}

impl Listed {
    /// When the children of a rollover that begins at `begun` are listed.
    pub(super) fn listing(self, begun: Duration) -> Duration {
        match self {
            Listed::Before(_) => begun,
            Listed::After(delay) => begun.saturating_add(delay),
        }
    }

    /// When the parent of a rollover that begins at `begun` ends.
    pub(super) fn parents_end(self, begun: Duration) -> Duration {
        match self {
            Listed::Before(ahead) => begun.saturating_add(ahead),
            Listed::After(_) => begun,
        }
    }
}
