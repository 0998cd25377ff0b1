//! The batches that were cut and are not settled, as the flow chart of specification 4.2 has them.
//!
//! A *chain* is what one lane has at hand: the parts of one batch that are left, in order.

use pelton_core::{DELIVERY_ATTEMPTS_MAX, FailureId, GiveUp, HowFailed, InvocationId, Policy};
use std::collections::{BTreeSet, VecDeque};

/// Which answer a group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waits {
    Not,
    ForInvocation(InvocationId),
    ForDelivery(FailureId),
}

/// Records that are tried together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Places in the books; none for the final invocation of a window.
    pub(crate) indices: Vec<usize>,
    pub(crate) attempts: u32,
    pub(crate) was_tried: bool,
    pub(crate) reached: Option<HowFailed>,
    pub(crate) give_up: Option<GiveUp>,
    pub(crate) deliveries: u32,
    pub(crate) waits: Waits,
    /// The final invocation of a window, and whether it came early.
    pub(crate) last_of_window: Option<bool>,
}

impl Group {
    pub(crate) fn new(indices: Vec<usize>) -> Self {
        Self {
            indices,
            attempts: 0,
            was_tried: false,
            reached: None,
            give_up: None,
            deliveries: 0,
            waits: Waits::Not,
            last_of_window: None,
        }
    }

    fn with(&self, indices: &[usize]) -> Self {
        Self { indices: indices.to_vec(), ..self.clone() }
    }
}

/// What one lane has at hand.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub(crate) groups: VecDeque<Group>,
    /// What it settled and is not kept yet.
    pub(crate) unkept: Vec<usize>,
}

impl Chain {
    pub(crate) fn front(&mut self) -> &mut Group {
        self.groups.front_mut().expect("a chain without groups is none")
    }

    /// The function failed with all of the front group.
    pub(crate) fn fail(&mut self, how: HowFailed, policy: &Policy) {
        let group = self.front();
        (group.reached, group.waits) = (Some(how), Waits::Not);
        let count = group.indices.len();
        if policy.bisects && count > 1 {
            let (first, second) = group.indices.split_at(count / 2);
            let halves = [first, second].map(|half| Group { attempts: 0, ..group.with(half) });
            self.replace_front(halves);
            return;
        }
        group.attempts += 1;
        if policy.retry_attempts_max.is_some_and(|max| group.attempts > max) {
            group.give_up = Some(GiveUp::RetriesExhausted);
        }
    }

    /// The records at these places of the front group failed, and the others succeeded.
    pub(crate) fn fail_partly(&mut self, places: &BTreeSet<usize>) -> Vec<usize> {
        let group = self.front();
        let (rest, done): (Vec<_>, Vec<_>) =
            group.indices.iter().enumerate().partition(|(place, _)| places.contains(place));
        let [rest, done] =
            [rest, done].map(|all| all.into_iter().map(|(_, index)| *index).collect::<Vec<_>>());
        let rest = group.with(&rest);
        let rest = Group { attempts: 0, reached: Some(HowFailed::Reported), waits: Waits::Not, ..rest };
        self.replace_front([rest]);
        done
    }

    /// The front group grew too large for one event: its first half goes alone.
    pub(crate) fn halve(&mut self) {
        let group = self.front();
        let (first, second) = group.indices.split_at(group.indices.len() / 2);
        let halves = [first, second].map(|half| group.with(half));
        self.replace_front(halves);
    }

    /// Of the front group, the old records are given up, the others stay.
    pub(crate) fn divide(&mut self, old: &[usize], reason: GiveUp) {
        let group = self.front();
        let rest: Vec<usize> = group.indices.iter().copied().filter(|index| !old.contains(index)).collect();
        let given_up = Group { give_up: Some(reason), ..group.with(old) };
        let rest = (!rest.is_empty()).then(|| group.with(&rest));
        self.replace_front([Some(given_up), rest].into_iter().flatten());
    }

    fn replace_front(&mut self, groups: impl IntoIterator<Item = Group>) {
        self.groups.pop_front();
        for (place, group) in groups.into_iter().enumerate() {
            self.groups.insert(place, group);
        }
    }

    /// A delivery of the front group ended. Whether the group is settled with that.
    pub(crate) fn delivered(&mut self, is_accepted: bool) -> bool {
        let group = self.front();
        group.waits = Waits::Not;
        group.deliveries += u32::from(!is_accepted);
        is_accepted || group.deliveries == DELIVERY_ATTEMPTS_MAX
    }
}
