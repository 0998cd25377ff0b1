//! How the world answers the commands of its shards: well, badly, late or not at all, as the weather is.

use super::World;
use crate::common::{identifier, number_of};
use crate::stream::Read;
use crate::weather::happens;
use bytes::Bytes;
use fastrand::Rng;
use pelton_core::shard_end::{Follows, Listed, Step};
use pelton_core::stream::ShardId;
use pelton_core::{
    Checkpoint, FailureId, FetchError, Input, Invocation, Outcome, Page, Policy, SaveError, SendError,
};
use serde_json::{Value, json};

/// Lies in a row about one shard: whoever is told more of them cannot know better.
const LIES_MAX: u32 = 2;

impl World<'_> {
    /// Answers one command of one shard. False if nothing is owed.
    pub(super) fn answer_one(&mut self) -> bool {
        let mut ids = self.ids();
        ids.retain(|id| self.is_owed(id));
        let Some(id) = self.random.choice(ids) else { return false };
        let owed = &self.workers[&id].watched.owed;
        let mut owing = Vec::new();
        owing.extend(
            owed.fetch.filter(|_| self.may_read(&id)).map(|_| World::answer_fetch as fn(&mut Self, &ShardId)),
        );
        owing.extend(owed.invocations.values().map(|_| World::answer_invocation as fn(&mut Self, &ShardId)));
        owing.extend(owed.failures.values().map(|_| World::answer_failure as fn(&mut Self, &ShardId)));
        owing.extend(owed.save.as_ref().map(|_| World::answer_save as fn(&mut Self, &ShardId)));
        let answer = owing[self.random.usize(0..owing.len())];
        answer(self, &id);
        true
    }

    /// Whether there is something to answer: a read that waits for a check of its stream has none.
    fn is_owed(&self, id: &ShardId) -> bool {
        let owed = &self.workers[id].watched.owed;
        owed.is_in_flight() || owed.save.is_some() || owed.fetch.is_some() && self.may_read(id)
    }

    fn may_read(&self, id: &ShardId) -> bool {
        let worker = &self.workers[id];
        worker.required.is_none_or(|required| self.passed >= required) || worker.watched.ledger.is_draining
    }

    fn answer_fetch(&mut self, id: &ShardId) {
        let worker = &self.workers[id];
        let records_max = worker.watched.owed.fetch.expect("a read is owed");
        let is_draining = worker.watched.ledger.is_draining;
        let (cursor, random) = (worker.cursor, &mut self.random);
        if happens(self.weather.fetch_fails, random) {
            let error = if random.bool() { FetchError::Throttled } else { FetchError::Unavailable };
            if error == FetchError::Unavailable {
                self.want_check();
            }
            return self.handle(id, Input::Fetched(Err(error)), "a read failed");
        }
        // A stream that was made again refuses an iterator of the old one once, and then reads on in its own shard of that name.
        let is_another = worker.created != self.stream.created;
        let is_refused = is_another && (worker.required.is_none() || !self.stream.has_shard(id));
        let is_gone = self.stream.is_deleted || is_refused;
        if is_draining && (is_gone || random.bool()) {
            return self.handle(id, Input::Fetched(Err(FetchError::Cancelled)), "a read was taken back");
        }
        if is_gone {
            self.require_check(id);
            return self.handle(id, Input::Fetched(Err(FetchError::Unavailable)), "the stream is gone");
        }
        let read = if happens(self.weather.page_is_empty, random) {
            Read { numbers: Vec::new(), follows: Follows::More }
        } else {
            let read = self.stream.shard(id).read(cursor, random.usize(1..=records_max));
            self.told(id, read, records_max)
        };
        let Some(page) = self.judged(id, read) else {
            self.want_check();
            return self.handle(id, Input::Fetched(Err(FetchError::Unavailable)), "an end was refused");
        };
        if let Some(last) = page.records.last().filter(|_| !is_draining) {
            let next = number_of(last.position()) + 1;
            self.workers.get_mut(id).expect("a worker").cursor = next;
        }
        let what = if page.records.is_empty() { "an empty page" } else { "a page" };
        self.handle(id, Input::Fetched(Ok(page)), what);
    }

    /// What the source answers: a lie now and then, two in a row at most.
    fn told(&mut self, id: &ShardId, read: Read, records_max: usize) -> Read {
        let worker = self.workers.get_mut(id).expect("a worker");
        if worker.lies == LIES_MAX || !happens(self.weather.source_lies, &mut self.random) {
            worker.lies = 0;
            return read;
        }
        worker.lies += 1;
        let is_first_lie = worker.lies == 1;
        let (cursor, oldest) = (worker.cursor, worker.oldest);
        let shard = self.stream.shard(id);
        let (kind, lie) = match self.random.u8(0..4) {
            0 => {
                // Children that a shard does not have cannot be told from those that it has, nor can children that it has be
                // named twice too early.
                let names_children = is_first_lie && !shard.is_open && self.random.bool();
                ("claims an end", Read { numbers: Vec::new(), follows: Follows::NoPlace { names_children } })
            }
            1 => {
                let kept = self.random.usize(0..=read.numbers.len());
                let numbers = read.numbers[..kept].to_vec();
                ("breaks off", Read { numbers, follows: Follows::NoPlace { names_children: false } })
            }
            2 => {
                let back = cursor.saturating_sub(self.random.u64(1..20)).max(oldest);
                ("answers of old", shard.read(back, self.random.usize(1..=records_max)))
            }
            _ => {
                // Two answers in a row that say so are the truth.
                // But of a shard that was closed when this life began, even they are not believed.
                let stream_began = self.life.as_ref().map(|life| life.stream_began);
                let was_closed = !shard.is_open && Some(shard.closed_at) < stream_began;
                let may_lie = (is_first_lie || was_closed) && self.random.bool();
                let follows = if may_lie { Follows::CaughtUp } else { Follows::More };
                let is_end = matches!(read.follows, Follows::NoPlace { .. });
                ("lies of what follows", if is_end { read } else { Read { follows, ..read } })
            }
        };
        self.note(|_| format!("the source {kind}"));
        lie
    }

    /// The page that the core makes of an answer; `None`: it is refused.
    fn judged(&mut self, id: &ShardId, read: Read) -> Option<Page> {
        let Read { numbers, mut follows } = read;
        let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let worker = self.workers.get_mut(id).expect("a worker");
        let repeated = worker.succession.take(&texts).expect("these numbers name no shards");
        if repeated > 0 && repeated == numbers.len() {
            follows = Follows::More;
        }
        let numbers = &numbers[repeated..];
        let mut ending = worker.ending;
        let mut step = ending.read(!numbers.is_empty(), follows);
        if step == Step::List {
            let mut listed = self.stream.list();
            if happens(self.weather.source_lies, &mut self.random) {
                self.note(|_| "the source lists a shard wrongly".to_owned());
                if self.random.bool() {
                    listed.retain(|shard| shard.id != *id);
                } else {
                    listed.retain(|shard| !shard.parents.contains(id));
                    listed.iter_mut().filter(|shard| shard.id == *id).for_each(|shard| shard.is_open = true);
                }
            }
            step = ending.listed(Listed::of(&listed, id));
        }
        self.workers.get_mut(id).expect("a worker").ending = ending;
        match step {
            Step::Accept(then) => {
                Some(Page { records: self.stream.shard(id).records(numbers), then, lost_after: None })
            }
            Step::List | Step::Refuse => None,
        }
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
            let policy = &self.workers[id].watched.ledger.policy;
            let payload = response(&invocation, policy, reports, self.weather.state_padding, random);
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
        if happens(self.weather.save_is_refused, &mut self.random) {
            return self.handle(id, Input::CheckpointSaved(Err(SaveError::NotOurs)), "a save was refused");
        }
        let save = self.workers[id].watched.owed.save.clone().expect("a save is owed");
        if happens(self.weather.save_fails, &mut self.random) {
            self.keep_perhaps(id, save);
            return self.handle(id, Input::CheckpointSaved(Err(SaveError::Unwritable)), "a save failed");
        }
        self.keep(id, save);
        self.handle(id, Input::CheckpointSaved(Ok(())), "saved");
    }

    pub(super) fn keep_perhaps(&mut self, id: &ShardId, save: Checkpoint) {
        if happens(self.weather.failed_save_is_kept, &mut self.random) {
            self.note(|_| "a save failed, but was kept".to_owned());
            self.keep(id, save);
        }
    }

    fn keep(&mut self, id: &ShardId, save: Checkpoint) {
        let created = self.workers[id].created;
        let state = self.store.as_mut().expect("the mapping has begun");
        assert_eq!(state.stream.created, created, "a checkpoint is of the stream that is kept");
        state.shards.get_mut(id).expect("known").checkpoint = save;
    }
}

/// An honest response: the sum of the numbers of all records that succeeded is the state of a window.
fn response(
    invocation: &Invocation,
    policy: &Policy,
    reports: bool,
    padding: usize,
    random: &mut Rng,
) -> Bytes {
    let records = invocation.batch.records();
    let event = invocation.batch.body().concat();
    let event: Value = serde_json::from_slice(&event).expect("an event is JSON");
    let failures: Vec<usize> = match reports && !records.is_empty() {
        true => (0..random.usize(1..=3)).map(|_| random.usize(0..records.len())).collect(),
        false => Vec::new(),
    };
    let done = failures.iter().min().copied().unwrap_or(records.len());
    let sum: u64 = records[..done].iter().map(|record| number_of(record.position())).sum();
    let item = |index: &usize| json!({"itemIdentifier": identifier(records[*index].position(), policy)});
    let items: Vec<Value> = failures.iter().map(item).collect();
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
        r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0","offset":999999999}}]}"#,
        r#"{"batchItemFailures":[{"foo":1}]}"#,
        r#"{"batchItemFailures":7}"#,
    ];
    Bytes::from_static(random.choice(lies).expect("a list").as_bytes())
}
