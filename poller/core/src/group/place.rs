//! Where a partition is read from.
//!
//! In: what is committed of the topic's partitions, and what their logs hold. Out: the offset. What is committed comes first, whatever
//! StartingPosition says. A partition of which nothing is committed, though something is of others, was added later, unless the text
//! beside what is committed says otherwise: it is read from its oldest record.

use super::vocabulary::{Bounds, Known, Partition};
use crate::committed::Committed;
use crate::starting_position::StartingPosition;
use std::collections::BTreeMap;

/// Where a partition is read from, and how that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Begins {
    pub(super) committed: Committed,
    /// Nothing was committed, or what was is not in the log: it is to be committed before the first read.
    pub(super) is_new: bool,
    /// What was committed is not in the log: so many records are passed over.
    pub(super) lost: Option<u64>,
}

pub(super) fn begins(
    partition: Partition,
    known: &BTreeMap<Partition, Known>,
    position: StartingPosition,
) -> Begins {
    let Known { committed, bounds } = &known[&partition];
    let Bounds { start, end, .. } = *bounds;
    match committed {
        Some(committed) if (start..=end).contains(&committed.offset) => {
            Begins { committed: committed.clone(), is_new: false, lost: None }
        }
        Some(committed) => {
            let offset = match position {
                StartingPosition::Latest => end,
                StartingPosition::TrimHorizon | StartingPosition::AtTimestamp(_) => start,
            };
            let lost = offset.saturating_sub(committed.offset);
            Begins { committed: Committed::at(offset), is_new: true, lost: Some(lost) }
        }
        None => {
            let is_added_later = known.values().any(|other| other.committed.is_some());
            let offset = match position {
                StartingPosition::Latest if !is_added_later => end,
                StartingPosition::AtTimestamp(_) => bounds.since.unwrap_or(end),
                StartingPosition::Latest | StartingPosition::TrimHorizon => start,
            };
            Begins { committed: Committed::at(offset), is_new: true, lost: None }
        }
    }
}

/// Another place to read on from than the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub offset: u64,
    /// Records that are passed over.
    pub lost: u64,
}

/// Where a partition is read on whose broker said that the place is not in its log: `next` is its next offset, `log` what the log
/// holds, `before` what it held at a look before that. `None`: where it is, or it is not sure yet. A log that seems to end before
/// `next` may be the answer of a broker that is behind: it takes two looks.
#[must_use]
pub fn out_of_range(
    next: u64,
    log: Bounds,
    before: Option<Bounds>,
    position: StartingPosition,
) -> Option<Place> {
    if next < log.start {
        return Some(Place { offset: log.start, lost: log.start - next });
    }
    let is_behind_end = |log: Bounds| log.end < next;
    if !is_behind_end(log) || !before.is_some_and(is_behind_end) {
        return None;
    }
    let offset = match position {
        StartingPosition::Latest => log.end,
        StartingPosition::TrimHorizon | StartingPosition::AtTimestamp(_) => log.start,
    };
    Some(Place { offset, lost: 0 })
}
