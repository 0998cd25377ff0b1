//! How the world answers the commands of its shards: well, badly, late or not at all, as the weather is.

use super::World;
use crate::common::number_of;
use crate::weather::happens;
use bytes::Bytes;
use fastrand::Rng;
use pelton_core::plan::ShardId;
use pelton_core::{FailureId, FetchError, Input, Invocation, Outcome, Page, SaveError, SendError, Then};
use serde_json::{Value, json};

impl World<'_> {
    /// Answers one command of one shard. False if nothing is owed.
    pub(super) fn answer_one(&mut self) -> bool {
        let mut ids = self.ids();
        ids.retain(|id| !self.workers[id].watched.owed.is_nothing());
        let Some(id) = self.random.choice(ids) else { return false };
        let owed = &self.workers[&id].watched.owed;
        let mut owing = Vec::new();
        owing.extend(owed.fetch.map(|_| World::answer_fetch as fn(&mut Self, &ShardId)));
        owing.extend(owed.invocations.values().map(|_| World::answer_invocation as fn(&mut Self, &ShardId)));
        owing.extend(owed.failures.values().map(|_| World::answer_failure as fn(&mut Self, &ShardId)));
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
            self.note(|_| "the source lies".to_owned());
        }
        if let Some(last) = page.records.last().filter(|_| !is_draining) {
            let next = number_of(last.position()) + 1;
            self.workers.get_mut(id).expect("a worker").cursor = next;
        }
        self.handle(id, Input::Fetched(Ok(page)), "a page");
    }

    fn answer_invocation(&mut self, id: &ShardId) {
        let invocations: Vec<Invocation> =
            self.workers[id].watched.owed.invocations.values().cloned().collect();
        let invocation = self.random.choice(invocations).expect("an invocation is owed");
        let poison = self.weather.poison_every;
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
        } else if happens(self.weather.function_lies, random) {
            (Outcome::Succeeded { payload: lie(random) }, "lied")
        } else {
            let reports = happens(self.weather.function_reports, random);
            let payload = response(&invocation, reports, self.weather.state_padding, random);
            (Outcome::Succeeded { payload }, if reports { "reported" } else { "succeeded" })
        };
        self.handle(id, Input::Invoked(invocation.id, outcome.into()), note);
    }

    fn answer_failure(&mut self, id: &ShardId) {
        let failures: Vec<FailureId> = self.workers[id].watched.owed.failures.keys().copied().collect();
        let failure = self.random.choice(failures).expect("a failure is owed");
        let fails = happens(self.weather.delivery_fails, &mut self.random);
        let (answer, note) =
            if fails { (Err(SendError), "was not accepted") } else { (Ok(()), "was accepted") };
        self.handle(id, Input::FailureSent(failure, answer), note);
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
            self.note(|_| "a save failed, but was kept".to_owned());
            self.keep(id);
        }
    }

    fn keep(&mut self, id: &ShardId) {
        let save = self.workers[id].watched.owed.save.clone();
        self.store.get_mut(id).expect("known").kept = save;
    }
}

/// An honest response: the sum of the numbers of all records that succeeded is the state of a window.
fn response(invocation: &Invocation, reports: bool, padding: usize, random: &mut Rng) -> Bytes {
    let records = invocation.batch.records();
    let event = invocation.batch.body().concat();
    let event: Value = serde_json::from_slice(&event).expect("an event is JSON");
    let failures: Vec<usize> = match reports && !records.is_empty() {
        true => (0..random.usize(1..=3)).map(|_| random.usize(0..records.len())).collect(),
        false => Vec::new(),
    };
    let done = failures.iter().min().copied().unwrap_or(records.len());
    let sum: u64 = records[..done].iter().map(|record| number_of(record.position())).sum();
    let items: Vec<Value> =
        failures.iter().map(|index| json!({"itemIdentifier": records[*index].position().as_str()})).collect();
    let mut response = json!({"batchItemFailures": items});
    if let Some(state) = event.get("state") {
        let before = state["sum"].as_u64().unwrap_or(0);
        let padding = if random.u8(0..5) == 0 { "x".repeat(padding) } else { String::new() };
        response["state"] = json!({"sum": before + sum, "padding": padding});
    }
    Bytes::from(response.to_string())
}

/// A response that says nothing, or nothing true.
fn lie(random: &mut Rng) -> Bytes {
    let lies = [
        "",
        "null",
        "{}",
        "{",
        r#"{"state":{}}"#,
        r#"{"statusCode":200}"#,
        "[1]",
        r#"{"batchItemFailures":[{"itemIdentifier":"999999999"}]}"#,
        r#"{"batchItemFailures":[{"itemIdentifier":null}],"state":{"a":1}}"#,
        r#"{"batchItemFailures":[{"foo":1}]}"#,
        r#"{"batchItemFailures":7}"#,
    ];
    Bytes::from_static(random.choice(lies).expect("a list").as_bytes())
}
