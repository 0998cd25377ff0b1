//! What the judges find.

use std::ops::Range;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that is not as it should be, in the order of the journal.
    pub violations: Vec<Violation>,
    /// Records that stand in the stream.
    pub records: usize,
    /// Batches that the function was handed.
    pub batches: usize,
    /// Records that the function was handed again after it had been done with them.
    pub repeated: usize,
    /// Records that the function was handed again after it had not come to an end with them.
    pub retried: usize,
    /// Batches of which the function reported records.
    pub reported: usize,
    /// Lines of the on-failure destination.
    pub given_up: usize,
    /// Records that match no filter.
    pub filtered: usize,
    /// Tumbling windows that ended.
    pub windows: usize,
    /// Records that are not done with.
    pub missing: usize,
}

/// Something that must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Number of the journal's entry, if it is about one.
    pub entry: Option<usize>,
    /// The shard.
    pub shard: String,
    /// What is wrong.
    pub wrong: Wrong,
}

/// What can be wrong. Places and ranges count the records of the shard from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The batch is not what stands in the shard, one record after the other.
    NotInStream,
    /// A batch began while another one of the shard was being worked on in the same life.
    Overlap(Range<usize>),
    /// A batch began elsewhere than where the batches before allow it.
    BeganElsewhere {
        /// Where it began and ended.
        batch: Range<usize>,
        /// The batch before.
        before: Range<usize>,
        /// Where it could have begun.
        allowed: Vec<usize>,
    },
    /// A batch was retried with other records.
    OtherRetry {
        /// The retry.
        batch: Range<usize>,
        /// What had failed.
        before: Range<usize>,
    },
    /// The function ended a batch that it was not working on.
    EndedElsewhere(Range<usize>),
    /// The shard was begun before its parent was done.
    BeforeParent(String),
    /// The shard was worked on after its child had begun.
    AfterChild(String),
    /// A record of a key came after one with a higher number.
    KeyOrder {
        /// The key.
        key: String,
        /// Its number.
        number: u64,
        /// The number before.
        after: u64,
    },
    /// These records were not handled.
    NotHandled(Range<usize>),

    /// The state of a window is not the records that succeeded right before this place.
    OtherState {
        /// Where the batch begins.
        at: usize,
        /// How many records the state holds.
        records: usize,
    },
    /// The state of a window goes back to another place than where the window before ended.
    WindowElsewhere {
        /// The records of its state.
        window: Range<usize>,
        /// Where it could have begun.
        allowed: Vec<usize>,
    },
    /// A record of the batch is not of the window: it arrived later.
    AfterWindow,
    /// These records succeeded in a window that never ended.
    WindowNotEnded(Range<usize>),

    /// The record matches no filter.
    Filtered(usize),
    /// The key was in another batch that was being worked on.
    KeyInTwoBatches(String),
    /// More batches were being worked on than the mapping allows.
    TooManyAtOnce(usize),
    /// The records of a key did not go on where those before ended.
    KeyElsewhere {
        /// The key.
        key: String,
        /// Where they are in the shard.
        places: Vec<usize>,
        /// The first record of the key that was not done with.
        next: Option<usize>,
    },
    /// A batch was retried with other records.
    OtherRetryOf {
        /// The retry.
        batch: Vec<usize>,
        /// What it should have been.
        expected: Vec<usize>,
    },
    /// A batch was tried though its attempts were used up.
    TriedTooOften(Vec<usize>),
    /// The function ended a batch that it was not working on.
    EndedUnbegun(Vec<usize>),
    /// More invocations of a life were repeated than could have been unsaved.
    RepeatedTooMuch {
        /// The life.
        life: usize,
        /// Invocations and deliveries of it that were repeated.
        repeated: usize,
    },
    /// Records were given up otherwise than the settings say.
    GivenUpOddly {
        /// The records.
        places: Vec<usize>,
        /// Invocations of this batch in that life which did not succeed.
        failures: usize,
        /// What the destination was told of them.
        told: u32,
        /// Why.
        condition: String,
    },
    /// These records neither succeeded nor are they in the destination.
    Lost(Vec<usize>),
}
