//! What became of every record: the tests' own books, kept apart from those of the shard.

use super::chains::{Chain, Group, Waits};
use super::verdict::{Verdict, verdict};
use super::windows::Windows;
use super::{Fetched, Owed, number_of};
use pelton_core::{
    Batch, Checkpoint, Counts, Failure, FetchError, GiveUp, HowFailed, Ignored, Invocation, OpenWindow,
    Outcome, Policy, Record, Reply, ShardView, Then, Timestamp,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// A record that the shard accepted in this life.
#[derive(Debug)]
struct Entry {
    record: Record,
    number: u64,
    is_tried: bool,
    is_settled: bool,
    /// Settled by an earlier life.
    is_earlier: bool,
}

impl Entry {
    /// Invoked or given up in this life.
    fn is_repeat(&self) -> bool {
        self.is_tried || self.is_settled && !self.is_earlier && !self.record.is_filtered()
    }
}

/// The books of one life of a shard.
#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) policy: Policy,
    pub(crate) is_draining: bool,
    /// What was kept last.
    pub(crate) kept: Checkpoint,
    began: Timestamp,
    entries: Vec<Entry>,
    /// Fingerprints of what an earlier life settled and was not read again.
    earlier: Vec<u64>,
    chains: Vec<Chain>,
    /// Of chains that are done: what is not kept yet.
    ending: Vec<Vec<usize>>,
    windows: Windows,
    /// The window as it was when something was last settled.
    settled_window: Option<OpenWindow>,
    first_unsettled: usize,
    /// The entries below are kept.
    kept_below: usize,
    is_read_to_end: bool,
    is_read_to_now: bool,
    fetch_started: Timestamp,
    /// Records arrived during the read in flight.
    is_hinted: bool,
    save_is_failing: bool,
    counts: Counts,
}

/// What follows an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// The batch is settled.
    Nothing,
    /// A wait, longer than the last.
    Wait,
    /// A wait like the first, as there was progress.
    WaitAnew,
    /// The batch is given up, at once.
    GiveUp,
}

/// See `pelton_core`'s reading: how far clocks may be apart.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(5);

impl Ledger {
    pub(crate) fn new(policy: &Policy, kept: Checkpoint, now: Timestamp) -> Self {
        let windows = Windows::new(kept.window.clone(), policy);
        Self {
            policy: policy.clone(),
            is_draining: false,
            began: now,
            entries: Vec::new(),
            earlier: kept.ahead.to_vec(),
            chains: Vec::new(),
            ending: Vec::new(),
            settled_window: windows.open.clone(),
            windows,
            first_unsettled: 0,
            kept_below: 0,
            is_read_to_end: false,
            is_read_to_now: false,
            fetch_started: now,
            is_hinted: false,
            save_is_failing: false,
            counts: Counts::default(),
            kept,
        }
    }

    /// Whether everything that is settled is kept.
    pub(crate) fn is_all_kept(&self) -> bool {
        let Checkpoint { position, ended, ahead, window, failing: _ } = self.expected_save();
        let is_ahead_kept = ahead.iter().all(|fingerprint| self.kept.ahead.contains(fingerprint));
        (&position, ended, &window) == (&self.kept.position, self.kept.ended, &self.kept.window)
            && is_ahead_kept
    }

    /// Whether there are records that are not settled.
    pub(crate) fn is_holding(&self) -> bool {
        self.first_unsettled < self.entries.len()
    }

    /// Whether a save failed and none succeeded since.
    pub(crate) fn is_stalled(&self) -> bool {
        self.save_is_failing
    }

    /// Whether all is done that was to be done until now.
    pub(crate) fn has_caught_up(&self) -> bool {
        self.is_read_to_now
            && !self.is_holding()
            && self.chains.is_empty()
            && !self.windows.is_over()
            && !self.windows.is_overfull()
    }

    /// Whether batches follow each other, and nothing but the batching window and backoff is waited for.
    pub(crate) fn is_plain(&self) -> bool {
        self.policy.parallelization_factor == 1 && self.policy.tumbling.is_none()
    }

    /// The numbers of the records that were settled in this life.
    pub(crate) fn settled(&self) -> impl Iterator<Item = u64> {
        let settled = self.entries.iter().filter(|entry| entry.is_settled && !entry.is_earlier);
        settled.map(|entry| entry.number)
    }

    /// The numbers of the records that come again in the next life if this one ends now, though something was done with
    /// them, or they match no filter.
    pub(crate) fn coming_again(&self) -> impl Iterator<Item = u64> {
        let touched = self.unkept().filter(|entry| entry.is_repeat() || entry.record.is_filtered());
        touched.map(|entry| entry.number)
    }

    /// How many records the function sees again if this life ends now.
    pub(crate) fn repeats(&self) -> usize {
        self.unkept().filter(|entry| entry.is_repeat()).count()
    }

    fn unkept(&self) -> impl Iterator<Item = &Entry> {
        let above = self.kept_below..self.entries.len();
        above.filter(|index| !self.is_kept(*index)).map(|index| &self.entries[index])
    }

    fn is_kept(&self, index: usize) -> bool {
        let fingerprint = || self.entries[index].record.position().fingerprint();
        index < self.kept_below || self.kept.ahead.contains(&fingerprint())
    }

    fn has_ended(&self) -> bool {
        self.is_read_to_end && !self.is_holding() && self.settled_window.is_none()
    }

    fn unsettled(&self) -> impl Iterator<Item = &Entry> {
        self.entries[self.first_unsettled..].iter().filter(|entry| !entry.is_settled)
    }

    fn span(&self) -> usize {
        self.entries.len() - self.first_unsettled
    }

    pub(crate) fn has_room(&self) -> bool {
        let bytes = self.unsettled().map(|entry| entry.record.encoded_len()).sum::<usize>();
        !self.is_read_to_end
            && !self.is_read_to_now
            && self.span() < self.policy.read_ahead_records_max
            && bytes < self.policy.read_ahead_bytes_max
    }

    /// Whether what is held might grow if one waits.
    pub(crate) fn is_gathering(&self) -> bool {
        let count = self.unsettled().count();
        let bytes = self.unsettled().map(|entry| entry.record.encoded_len()).sum();
        let event_len = self.policy.envelope.event_len(count, bytes);
        let is_cut = !self.chains.is_empty();
        self.has_room()
            && !is_cut
            && count < self.policy.batch_size
            && event_len <= self.policy.event_bytes_max
    }

    pub(crate) fn fetched(&mut self, answer: &Fetched) {
        match answer {
            _ if self.is_draining => {}
            Ok(page) => {
                let last = page.records.last().map(Record::arrival);
                self.is_read_to_end = page.then == Then::ShardEnd;
                self.windows.is_read_to_end = self.is_read_to_end;
                let is_new = last.is_some_and(|last| last >= self.began.after(CLOCK_SKEW_MAX));
                let is_past = page.then == Then::CaughtUp || is_new;
                self.is_read_to_now = self.policy.until_caught_up && is_past && !self.is_read_to_end;
                let has_found_all = page.then == Then::CaughtUp && !self.is_hinted;
                self.windows.caught_up_at = has_found_all.then_some(self.fetch_started);
                self.windows.last_arrival = last.or(self.windows.last_arrival);
                page.records.iter().for_each(|record| self.accept(record));
            }
            Err(FetchError::Cancelled) => {}
            Err(FetchError::Throttled | FetchError::Unavailable) => self.counts.fetch_errors += 1,
        }
    }

    /// Records arrived, which a read in flight may have missed.
    pub(crate) fn hinted(&mut self) {
        self.is_hinted = true;
    }

    fn accept(&mut self, record: &Record) {
        let fingerprint = record.position().fingerprint();
        let place = self.earlier.iter().position(|earlier| *earlier == fingerprint);
        if let Some(place) = place {
            self.earlier.drain(..=place);
        }
        let is_settled = place.is_some() || record.is_filtered();
        let number = number_of(record.position());
        let (is_earlier, record) = (place.is_some(), record.clone());
        self.counts.polled += 1;
        self.counts.filtered += u64::from(record.is_filtered());
        self.entries.push(Entry { record, number, is_tried: false, is_settled, is_earlier });
        self.advance();
    }

    fn advance(&mut self) {
        while self.entries.get(self.first_unsettled).is_some_and(|entry| entry.is_settled) {
            self.first_unsettled += 1;
        }
    }

    /// Returns what follows for the batch.
    pub(crate) fn invoked(&mut self, invocation: &Invocation, reply: &Reply) -> Follows {
        let of_this = |chain: &Chain| chain.groups[0].waits == Waits::ForInvocation(invocation.id);
        let place = self.chains.iter().position(of_this).expect("an invocation is of a chain");
        let records = invocation.batch.records().len() as u64;
        let how = match &reply.outcome {
            Outcome::Throttled => {
                self.counts.throttles += 1;
                None
            }
            Outcome::NotInvoked { .. } => {
                self.counts.not_invoked += 1;
                None
            }
            Outcome::FunctionFailed { .. } => {
                self.counts.function_errors += 1;
                Some(HowFailed::FunctionError)
            }
            Outcome::Succeeded { payload } => {
                let is_last = self.chains[place].front().last_of_window.is_some();
                match verdict(payload, invocation, &self.policy, is_last) {
                    Verdict::Succeeded { state, ignored } if self.takes(state.as_deref()) => {
                        self.counts.succeeded += records;
                        match ignored {
                            Some(Ignored::Failures) => self.counts.ignored_failures += 1,
                            Some(Ignored::Content) => self.counts.ignored_content += 1,
                            None => {}
                        }
                        self.finish_front(place);
                        return Follows::Nothing;
                    }
                    Verdict::Failed { places, state }
                        if (places.len() as u64) < records && self.takes(state.as_deref()) =>
                    {
                        self.counts.succeeded += records - places.len() as u64;
                        self.counts.partial_failures += 1;
                        self.counts.failed += places.len() as u64;
                        let done = self.chains[place].fail_partly(&places);
                        self.settle(place, &done);
                        return Follows::WaitAnew;
                    }
                    Verdict::Succeeded { .. } | Verdict::Failed { .. } | Verdict::Refused => {
                        self.counts.partial_failures += 1;
                        Some(HowFailed::Reported)
                    }
                }
            }
        };
        let chain = &mut self.chains[place];
        chain.front().waits = Waits::Not;
        if let Some(how) = how {
            self.counts.failed += records;
            chain.fail(how, &self.policy);
        }
        let follows = if chain.front().give_up.is_none() { Follows::Wait } else { Follows::GiveUp };
        self.drop_if_draining();
        follows
    }

    /// When the records of the batch that waits for its next attempt become too old for it, in order.
    pub(crate) fn age_limits(&self) -> Vec<Timestamp> {
        let patience = self.policy.record_age_max.unwrap_or(Duration::MAX).min(self.policy.retention);
        let waiting = self.chains.first().map(|chain| &chain.groups[0].indices);
        let limit = |index: &usize| self.entries[*index].record.arrival().after(patience);
        let mut limits: Vec<Timestamp> = waiting.into_iter().flatten().map(limit).collect();
        limits.sort_unstable();
        limits
    }

    /// The state goes into the books, if it may.
    fn takes(&mut self, state: Option<&str>) -> bool {
        let Some(state) = state else { return true };
        if self.policy.tumbling.is_none() || self.windows.open.is_none() {
            return true;
        }
        if !self.windows.has_room_for(state, &self.policy) {
            return false;
        }
        self.windows.set_state(state.to_owned());
        true
    }

    pub(crate) fn failure_sent(&mut self, failure: &Failure, is_accepted: bool) {
        let of_this = |chain: &Chain| chain.groups[0].waits == Waits::ForDelivery(failure.id);
        let place = self.chains.iter().position(of_this).expect("a delivery is of a chain");
        let records = failure.batch.records().len() as u64;
        if self.chains[place].delivered(is_accepted) {
            let counts = &mut self.counts;
            match failure.reason {
                GiveUp::Expired => counts.expired += records,
                GiveUp::TooOld => counts.too_old += records,
                GiveUp::RetriesExhausted => counts.retries_exhausted += records,
                GiveUp::TooLarge => counts.too_large += records,
            }
            counts.delivery_failures += u64::from(!is_accepted);
            let is_delivered = is_accepted && self.policy.has_destination;
            *(if is_delivered { &mut counts.delivered } else { &mut counts.dropped }) += records;
            self.finish_front(place);
        }
        self.drop_if_draining();
    }

    /// The front group is done with.
    fn finish_front(&mut self, place: usize) {
        let group = self.chains[place].groups.pop_front().expect("a group is in front");
        if let Some(is_early) = group.last_of_window {
            self.windows.close(is_early, !self.chains[place].groups.is_empty());
        }
        self.settle(place, &group.indices);
        if self.chains[place].groups.is_empty() {
            let unkept = self.chains.remove(place).unkept;
            self.ending.extend((!unkept.is_empty()).then_some(unkept));
        }
        self.drop_if_draining();
    }

    /// A shard that drains forgets what is not in flight.
    fn drop_if_draining(&mut self) {
        if self.is_draining {
            self.chains.retain(|chain| chain.groups[0].waits != Waits::Not);
        }
    }

    fn settle(&mut self, place: usize, indices: &[usize]) {
        for index in indices {
            assert!(!self.entries[*index].is_settled, "I2: a record is settled once");
            self.entries[*index].is_settled = true;
        }
        self.chains[place].unkept.extend(indices);
        self.settled_window = self.windows.begun();
        self.advance();
    }

    pub(crate) fn saved(&mut self, checkpoint: Checkpoint, is_kept: bool) {
        self.save_is_failing = !is_kept;
        if !is_kept {
            self.counts.save_errors += 1;
            return;
        }
        self.kept = checkpoint;
        let position = self.kept.position.as_ref().map_or(0, number_of);
        let before = self.kept_below;
        self.kept_below = self.entries.partition_point(|entry| entry.number <= position);
        let kept: BTreeSet<usize> =
            (before..self.entries.len()).filter(|index| self.is_kept(*index)).collect();
        for chain in &mut self.chains {
            chain.unkept.retain(|index| !kept.contains(index));
        }
        self.ending.retain(|unkept| !unkept.iter().all(|index| kept.contains(index)));
    }

    pub(crate) fn check_fetch(&mut self, records_max: usize, now: Timestamp) {
        (self.fetch_started, self.is_hinted) = (now, false);
        assert!(!self.is_draining && !self.save_is_failing, "nothing is read while draining or stalled");
        assert!(!self.is_read_to_end && !self.is_read_to_now, "nothing is read after the end");
        assert!(self.has_room(), "I4: nothing is read beyond the bounds");
        assert!(records_max > 0 && records_max <= self.policy.fetch_records_max, "I4: {records_max}");
        let span = self.span();
        assert!(span + records_max <= self.policy.read_ahead_records_max, "I4: {span} and {records_max}");
    }

    /// Returns whether this batch could have grown.
    pub(crate) fn check_invoke(&mut self, invocation: &Invocation, now: Timestamp) -> bool {
        let batch = &invocation.batch;
        assert!(batch.records().len() <= self.policy.batch_size, "I4: no batch exceeds BatchSize");
        assert!(batch.event_len() <= self.policy.event_bytes_max, "I4: no event exceeds its limit");
        let indices = self.indices(batch);
        let place = self.place_of(batch, &indices);
        let is_first = place.is_none();
        // What is left of a batch after some of it was too old looks like a new one, and waits for nothing.
        let is_new = is_first && self.policy.record_age_max.is_none();
        let could_grow = is_new && self.is_plain() && self.could_grow(&indices);
        let place = place.unwrap_or_else(|| self.cut(batch, &indices));
        self.check_may_start(place);
        self.check_event(batch, place);
        let retention = self.policy.retention;
        let group = self.chains[place].front();
        assert_eq!(invocation.attempt, group.attempts + 1, "I5: an attempt is one that reached the function");
        assert_eq!(group.give_up, None, "I5: what was given up is not invoked");
        let (was_tried, has_failed) = (group.was_tried, group.reached.is_some());
        (group.was_tried, group.waits) = (true, Waits::ForInvocation(invocation.id));
        for index in &indices {
            let entry = &mut self.entries[*index];
            entry.is_tried = true;
            let age = now.since(entry.record.arrival());
            assert!(
                self.policy.record_age_max.is_none_or(|max| age < max),
                "I5: what is too old is not invoked"
            );
            assert!(!was_tried || age < retention, "I5: what expired is not retried");
        }
        self.counts.invocations += 1;
        self.counts.retries += u64::from(has_failed);
        self.counts.invoked += indices.len() as u64;
        could_grow
    }

    /// The chain whose front group these records are.
    fn place_of(&mut self, batch: &Batch, indices: &[usize]) -> Option<usize> {
        if batch.records().is_empty() {
            return self.place_of_last(batch);
        }
        let place = self
            .chains
            .iter()
            .position(|chain| chain.groups.iter().any(|group| group.indices.contains(&indices[0])))?;
        self.fit_front(place);
        let front = self.chains[place].front();
        assert_eq!(front.waits, Waits::Not, "I1: one batch of a lane at a time");
        assert_eq!(front.indices, indices, "I1: a retry is of the whole rest of its batch");
        Some(place)
    }

    /// A batch that does not fit into an event any more, as the state of its window has grown, is halved until it does.
    fn fit_front(&mut self, place: usize) {
        let envelope = self.windows.envelope(&self.policy);
        loop {
            let group = self.chains[place].front();
            let len: usize =
                group.indices.iter().map(|index| self.entries[*index].record.encoded_len()).sum();
            let is_too_large = envelope.event_len(group.indices.len(), len) > self.policy.event_bytes_max;
            let is_settled_on = group.give_up.is_some() || group.last_of_window.is_some();
            if is_settled_on || !is_too_large || group.indices.len() == 1 {
                return;
            }
            self.chains[place].halve();
        }
    }

    /// The final invocation of a window stands at the front of the only chain.
    fn place_of_last(&mut self, batch: &Batch) -> Option<usize> {
        if self.chains.first().is_none_or(|chain| chain.groups[0].last_of_window.is_none()) {
            let is_cut = !self.chains.is_empty();
            let next = self.unsettled().next().map(|entry| entry.record.clone());
            let body = batch.body().concat();
            let is_early = self.windows.check_last(&body, next.as_ref(), is_cut, &self.policy);
            if !is_cut {
                self.chains.push(Chain::default());
            } else if !self.windows.is_overfull() {
                self.fit_front(0);
            }
            let last = Group { last_of_window: Some(is_early), ..Group::new(Vec::new()) };
            self.chains[0].groups.push_front(last);
        }
        Some(0)
    }

    /// A new batch: the earlier records with the same key are settled, or before it in the batch.
    fn cut(&mut self, batch: &Batch, indices: &[usize]) -> usize {
        let lanes = self.policy.parallelization_factor;
        assert!(
            self.chains.len() + self.ending.len() < lanes,
            "I8: every lane is at work or waits for a save"
        );
        let first = self.policy.record_age_max.map_or(indices[0], |_| 0);
        let candidates = self.entries[first..=indices[0]].iter().rev().chain(&self.entries[indices[0]..]);
        self.windows.check_cut(batch, candidates.map(|entry| &entry.record), &self.policy);
        let is_single = lanes == 1;
        let last = indices[indices.len() - 1];
        let keys: BTreeSet<u64> = batch.records().iter().map(Record::key).collect();
        for index in self.first_unsettled..last {
            let entry = &self.entries[index];
            let is_before = !entry.is_settled && !indices.contains(&index);
            let is_of_these = is_single || keys.contains(&entry.record.key());
            assert!(!is_before || !is_of_these, "I1: every earlier record of a key is settled");
        }
        let in_flight = self.chains.iter().flat_map(|chain| &chain.groups).flat_map(|group| &group.indices);
        for index in in_flight {
            let key = self.entries[*index].record.key();
            assert!(!keys.contains(&key), "I1: no key is in two lanes at once");
        }
        if is_single && self.policy.record_age_max.is_none() {
            self.check_takes_all(indices);
        }
        self.chains.push(Chain::default());
        let place = self.chains.len() - 1;
        self.chains[place].groups.push_back(Group::new(indices.to_vec()));
        place
    }

    /// A batch of the only lane takes what is there and fits.
    fn check_takes_all(&self, indices: &[usize]) {
        let last = indices[indices.len() - 1];
        let Some(next) = self.entries[last..]
            .iter()
            .find(|entry| !entry.is_settled && entry.number > self.entries[last].number)
        else {
            return;
        };
        let bytes: usize = indices.iter().map(|index| self.entries[*index].record.encoded_len()).sum();
        let envelope = self.windows.envelope(&self.policy);
        let event_len = envelope.event_len(indices.len() + 1, bytes + next.record.encoded_len());
        let is_next_window = self.windows.open.as_ref().is_some_and(|open| next.record.arrival() >= open.end);
        let is_full = indices.len() == self.policy.batch_size || event_len > self.policy.event_bytes_max;
        assert!(is_full || is_next_window, "a batch takes what is there");
    }

    /// Whether waiting longer could have brought records into this batch.
    fn could_grow(&self, indices: &[usize]) -> bool {
        let is_all = self.unsettled().count() == indices.len();
        is_all && indices.len() < self.policy.batch_size && self.has_room()
    }

    pub(crate) fn check_failure(&mut self, failure: &Failure, now: Timestamp) {
        let indices = self.indices(&failure.batch);
        let is_last = indices.is_empty();
        let place = match is_last {
            true => self.place_of_last(&failure.batch),
            false => self
                .chains
                .iter()
                .position(|chain| chain.groups.iter().any(|group| group.indices.contains(&indices[0]))),
        };
        let place = place.unwrap_or_else(|| {
            self.chains.push(Chain::default());
            let place = self.chains.len() - 1;
            self.chains[place].groups.push_back(Group::new(indices.clone()));
            place
        });
        self.check_may_start(place);
        self.fit_front(place);
        let aged = |ledger: &Self, index: &usize| now.since(ledger.entries[*index].record.arrival());
        let group = self.chains[place].front().clone();
        assert_eq!(group.waits, Waits::Not, "I1: one batch of a lane at a time");
        match (failure.reason, group.give_up) {
            (reason, Some(given_up)) => assert_eq!(reason, given_up, "what was given up stays so"),
            (GiveUp::RetriesExhausted, None) => panic!("I5: it has attempts left"),
            (GiveUp::TooOld, None) => {
                let max = self.policy.record_age_max.expect("a limit");
                self.check_old(&indices, place, is_last, |age| age >= max, aged);
            }
            (GiveUp::Expired, None) => {
                let retention = self.policy.retention;
                assert!(group.was_tried, "what was never tried is tried");
                self.check_old(&indices, place, is_last, |age| age >= retention, aged);
            }
            (GiveUp::TooLarge, None) => {
                assert_eq!(indices.len(), 1);
                assert!(failure.batch.event_len() > self.policy.event_bytes_max, "only what is too large");
                assert!(!group.was_tried, "what is too large is not invoked");
            }
        }
        if group.give_up.is_none() {
            self.chains[place].divide(&indices, failure.reason);
        }
        let front = self.chains[place].front();
        assert_eq!(front.indices, indices, "what is given up is the whole front");
        assert_eq!(failure.attempts, front.attempts, "a failure says how often it was tried");
        assert_eq!(failure.last_reached.as_ref().map(|reached| reached.how), front.reached);
        front.waits = Waits::ForDelivery(failure.id);
    }

    /// Only the old records of a batch are given up, and all of them.
    fn check_old(
        &mut self,
        indices: &[usize],
        place: usize,
        is_last: bool,
        is_old: impl Fn(Duration) -> bool,
        age: impl Fn(&Self, &usize) -> Duration,
    ) {
        let group = self.chains[place].front().indices.clone();
        let old: Vec<usize> = group.iter().copied().filter(|index| is_old(age(self, index))).collect();
        assert!(is_last || indices == old, "only the old records of a batch are given up, and all of them");
    }

    fn expected_save(&self) -> Checkpoint {
        let last = self.entries[..self.first_unsettled].last();
        let position =
            last.map(|entry| entry.record.position().clone()).or_else(|| self.kept.position.clone());
        let above = self.entries[self.first_unsettled..].iter();
        let settled =
            above.filter(|entry| entry.is_settled && (entry.is_earlier || !entry.record.is_filtered()));
        let fingerprints = settled.map(|entry| entry.record.position().fingerprint());
        let window = self.settled_window.clone();
        let ahead = fingerprints.chain(self.earlier.iter().copied()).collect();
        Checkpoint { position, ended: self.has_ended(), ahead, window, ..Checkpoint::default() }
    }

    pub(crate) fn check_save(&self, checkpoint: &Checkpoint) {
        assert_eq!(*checkpoint, self.expected_save(), "I3: a checkpoint is what is settled");
    }

    pub(crate) fn check_view(&self, view: &ShardView, owed: &Owed) {
        let in_flight = owed.invocations.values().map(|invocation| &invocation.batch);
        let in_flight: Vec<&Record> = in_flight
            .chain(owed.failures.values().map(|failure| &failure.batch))
            .flat_map(|batch| batch.records())
            .collect();
        let held: Vec<&Record> = match self.is_draining {
            true => in_flight,
            false => self.unsettled().map(|entry| &entry.record).collect(),
        };
        let bytes_held: usize = held.iter().map(|record| record.encoded_len()).sum();
        assert_eq!(
            (view.records_held, view.bytes_held),
            (held.len(), bytes_held),
            "I4: what is held is counted"
        );
        assert_eq!(view.checkpoint, self.kept);
        assert_eq!(view.counts, self.counts);
        let repeats_max = self.policy.batch_size * self.policy.parallelization_factor;
        assert!(self.repeats() <= repeats_max, "I8: only what is in flight may be repeated");
    }

    fn check_may_start(&self, place: usize) {
        assert!(!self.is_draining && !self.save_is_failing, "nothing starts while draining or stalled");
        assert!(self.chains[place].unkept.is_empty(), "I8: what a lane settled is kept before it goes on");
    }

    /// The body is what the records say, and its length is known.
    fn check_event(&mut self, batch: &Batch, place: usize) {
        let body = batch.body().concat();
        assert_eq!(batch.event_len(), body.len(), "I4: the length of an event is exact");
        if self.chains[place].front().last_of_window.is_some() {
            return;
        }
        let [head, tail] = self.windows.envelope(&self.policy).empty_event();
        let records: Vec<_> = batch.records().iter().map(Record::encoded).collect();
        let expected = [&head[..], &records.join(&b","[..])[..], &tail[..]].concat();
        assert!(body == expected, "an event holds its records in order, in its window");
    }

    fn indices(&self, batch: &Batch) -> Vec<usize> {
        let index_of = |record: &Record| {
            let number = number_of(record.position());
            let index = self.entries.partition_point(|entry| entry.number < number);
            assert_eq!(
                self.entries[index].record.encoded(),
                record.encoded(),
                "a record stays as it was read"
            );
            assert!(!self.entries[index].is_settled, "I2: what is settled does not come again");
            index
        };
        let indices: Vec<usize> = batch.records().iter().map(index_of).collect();
        assert!(indices.is_sorted_by(|one, next| one < next), "I1: a batch is in order");
        indices
    }
}
