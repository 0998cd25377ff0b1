//! How the world answers the commands of its shards: well, badly, late or not at all, as the weather is.

use super::World;
use crate::common::number_of;
use crate::weather::happens;
use bytes::Bytes;
use pelton_core::plan::ShardId;
use pelton_core::{FetchError, Input, Outcome, Page, SaveError, Then};

impl World<'_> {
    /// Answers one command of one shard. False if nothing is owed.
    pub(super) fn answer_one(&mut self) -> bool {
        let mut ids = self.ids();
        ids.retain(|id| !self.workers[id].watched.owed.is_nothing());
        let Some(id) = self.random.choice(ids) else { return false };
        let owed = &self.workers[&id].watched.owed;
        let mut owing = Vec::new();
        owing.extend(owed.fetch.map(|_| World::answer_fetch as fn(&mut Self, &ShardId)));
        owing.extend(owed.invocation.as_ref().map(|_| World::answer_invocation as fn(&mut Self, &ShardId)));
        owing.extend(owed.failure.as_ref().map(|_| World::answer_failure as fn(&mut Self, &ShardId)));
        owing.extend(owed.save.as_ref().map(|_| World::answer_save as fn(&mut Self, &ShardId)));
        let answer = owing[self.random.usize(0..owing.len())];
        answer(self, &id);
        true
    }

    fn answer_fetch(&mut self, id: &ShardId) {
        let worker = &self.workers[id];
        let records_max = worker.watched.owed.fetch.expect("a read is owed");
        let is_draining = worker.watched.ledger.is_draining;
        let (cursor, random) = (worker.cursor, &mut self.random);
        if happens(self.weather.fetch_fails, random) {
            let error = if random.bool() { FetchError::Throttled } else { FetchError::Unavailable };
            return self.handle(id, Input::Fetched(Err(error)), "a read failed");
        }
        if is_draining && random.bool() {
            return self.handle(id, Input::Fetched(Err(FetchError::Cancelled)), "a read was taken back");
        }
        if happens(self.weather.page_is_empty, random) {
            let page = Page { records: Vec::new(), then: Then::More };
            return self.handle(id, Input::Fetched(Ok(page)), "an empty page");
        }
        let mut page = self.stream.shard(id).read(cursor, random.usize(1..=records_max));
        if page.then != Then::ShardEnd && happens(self.weather.source_lies, random) {
            page.then = if random.bool() { Then::More } else { Then::CaughtUp };
            self.note("the source lies");
        }
        if let Some(last) = page.records.last().filter(|_| !is_draining) {
            let next = number_of(last.position()) + 1;
            self.workers.get_mut(id).expect("a worker").cursor = next;
        }
        self.handle(id, Input::Fetched(Ok(page)), "a page");
    }

    fn answer_invocation(&mut self, id: &ShardId) {
        let invocation = self.workers[id].watched.owed.invocation.as_ref().expect("an invocation is owed");
        let (invocation_id, poison) = (invocation.id, self.weather.poison_every);
        let mut numbers = invocation.batch.records().iter().map(|record| number_of(record.position()));
        let is_poisoned = numbers.any(|number| number % poison == 0);
        let failed =
            || Outcome::FunctionFailed { error_type: "Unhandled".to_owned(), message: String::new() };
        let random = &mut self.random;
        let (outcome, note) = if happens(self.weather.function_is_throttled, random) {
            (Outcome::Throttled, "throttled")
        } else if happens(self.weather.function_is_unreachable, random) {
            (Outcome::NotInvoked { reason: String::new() }, "unreachable")
        } else if is_poisoned || happens(self.weather.function_fails, random) {
            (failed(), "failed")
        } else {
            (Outcome::Succeeded { payload: Bytes::new() }, "succeeded")
        };
        self.handle(id, Input::Invoked(invocation_id, outcome), note);
    }

    fn answer_failure(&mut self, id: &ShardId) {
        self.handle(id, Input::FailureSent, "a failure was sent");
    }

    fn answer_save(&mut self, id: &ShardId) {
        if happens(self.weather.save_fails, &mut self.random) {
            self.keep_perhaps(id);
            return self.handle(id, Input::CheckpointSaved(Err(SaveError)), "a save failed");
        }
        self.keep(id);
        self.handle(id, Input::CheckpointSaved(Ok(())), "saved");
    }

    pub(super) fn keep_perhaps(&mut self, id: &ShardId) {
        if happens(self.weather.failed_save_is_kept, &mut self.random) {
            self.note("a save failed, but was kept");
            self.keep(id);
        }
    }

    fn keep(&mut self, id: &ShardId) {
        let save = self.workers[id].watched.owed.save.clone();
        self.store.get_mut(id).expect("known").kept = save;
    }
}
