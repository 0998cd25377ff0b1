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
