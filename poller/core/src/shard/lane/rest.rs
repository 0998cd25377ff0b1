//! How long a batch that failed rests before its next attempt.
//!
//! In: the rest that the backoff asks for, and the age limits of the batch. Out: when the next attempt is due. A rest does not
//! outlast the age limit of the next record: that record is given up at its limit, and the others are tried without it at once.
//! They may be good, and their own limits may be near.

use super::work::Work;
use super::{Lane, State};
use crate::giving_up::GiveUp;
use crate::shard::failing::AfterFailure;
use crate::shard::policy::Policy;
use crate::time::Timestamp;
use std::time::Duration;

/// A rest that ends at the age limit of a few records follows the last one that ended so by at least this much. So records
/// whose ages differ by a millisecond each do not bring an invocation each.
pub(super) const SHORTENED_GAP_MIN: Duration = Duration::from_secs(1);

/// When the records of a batch become too old for another attempt.
struct AgeLimits {
    /// The first of them.
    first: Timestamp,
    /// Half of them, at the most one more than the others.
    half: Timestamp,
    /// All of them.
    last: Timestamp,
}

impl Lane {
    /// The batch at hand rests before its next attempt; one that was given up does not.
    pub(super) fn rest_or_give_up(&mut self, policy: &Policy, now: Timestamp, random: &mut fastrand::Rng) {
        if self.at_hand().given_up().is_some() {
            self.state = State::Idle;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let rested = now.after(policy.backoff.delay(self.failures, random));
        let until = match age_limits(self.at_hand(), policy) {
            Some(limits) => self.shortened(rested, &limits, now),
            None => rested,
        };
        self.state = State::Waiting { until };
    }

    /// The failures so far were those of other code: the batch is tried at once, and the pauses begin anew. Its attempts stay
    /// counted.
    pub(crate) fn function_changed(&mut self, now: Timestamp) {
        self.failures = 0;
        if matches!(self.state, State::Waiting { .. }) {
            self.state = State::Waiting { until: now };
        }
    }

    /// What becomes of so many records, which just failed. The batch at hand has fewer of them if it was split.
    pub(crate) fn after_failure(&self, failed: usize, policy: &Policy) -> AfterFailure {
        let work = self.work.front().expect("what failed is at hand");
        let until = match (self.state, work.given_up()) {
            (_, Some(reason)) => return AfterFailure::GivenUp { reason },
            (State::Waiting { until }, None) => until,
            (State::Idle | State::InFlight(_) | State::SendingFailure(_), None) => {
                unreachable!("a batch that failed rests, or is given up")
            }
        };
        if age_limits(work, policy).is_some_and(|limits| limits.last <= until) {
            let is_maximum = policy.record_age_max.is_some_and(|max| max <= policy.retention);
            return AfterFailure::GivenUp {
                reason: if is_maximum { GiveUp::TooOld } else { GiveUp::Expired },
            };
        }
        match work.batch.records().len() {
            first_half if first_half < failed => AfterFailure::Split { at: until, first_half },
            _all => AfterFailure::TriedAgain { at: until },
        }
    }

    /// The end of a rest until `rested` that heeds the age limits.
    ///
    /// Half of a batch never waits for the gap: so the younger half is always tried without the older one, and a batch of n records
    /// is tried for its age at most log₂ n times beside once in each gap.
    fn shortened(&mut self, rested: Timestamp, limits: &AgeLimits, now: Timestamp) -> Timestamp {
        let gap_over = self.shortened_at.map_or(now, |last| last.after(SHORTENED_GAP_MIN));
        let limit = limits.first.max(gap_over).min(limits.half).max(now);
        if limit >= rested {
            return rested;
        }
        self.shortened_at = Some(limit);
        limit
    }
}

/// `None`: the batch holds nothing that has an age.
fn age_limits(work: &Work, policy: &Policy) -> Option<AgeLimits> {
    let patience = policy.record_age_max.map_or(policy.retention, |max| max.min(policy.retention));
    let records = work.batch.records().iter().map(|record| record.arrival());
    let mut begun: Vec<Timestamp> = records.chain(work.last_of_window.map(|last| last.end)).collect();
    let (before, half, after) = match begun.len() {
        0 => return None,
        len => begun.select_nth_unstable((len - 1) / 2),
    };
    let first = before.iter().copied().fold(*half, Timestamp::min).after(patience);
    let last = after.iter().copied().fold(*half, Timestamp::max).after(patience);
    Some(AgeLimits { first, half: half.after(patience), last })
}
