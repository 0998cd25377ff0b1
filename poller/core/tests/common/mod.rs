//! A shard under watch: whatever a test does to it, the invariants I1 to I8 are checked after every step.
//!
//! The watch only looks. It answers nothing, repeats nothing and drains nothing on behalf of the shard.

mod chains;
mod ledger;
mod patience;
mod verdict;
mod windows;

use ledger::Ledger;
use patience::Patience;
use pelton_core::{
    Checkpoint, Command, Failure, FailureId, FetchError, Finished, Input, Invocation, InvocationId, Page,
    PartialFailures, Policy, Position, Record, SaveError, Shard, Timestamp,
};
use std::collections::BTreeMap;

/// The commands to which an answer is owed.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    /// Most records that the answer may hold.
    pub(crate) fetch: Option<usize>,
    pub(crate) invocations: BTreeMap<InvocationId, Invocation>,
    pub(crate) failures: BTreeMap<FailureId, Failure>,
    pub(crate) save: Option<Checkpoint>,
}

impl Owed {
    pub(crate) fn is_nothing(&self) -> bool {
        self.fetch.is_none() && !self.is_in_flight() && self.save.is_none()
    }

    /// Whether a batch is being invoked or handed over.
    pub(crate) fn is_in_flight(&self) -> bool {
        !self.invocations.is_empty() || !self.failures.is_empty()
    }
}

/// One life of a shard, from a start to its end or to a crash.
pub(crate) struct Watched {
    shard: Shard,
    pub(crate) owed: Owed,
    pub(crate) ledger: Ledger,
    patience: Patience,
    /// The moment by which a drain must be done.
    drain_by: Option<Timestamp>,
    is_lost: bool,
}

/// Whether it says that the shard is somebody else's.
fn is_loss(input: &Input) -> bool {
    matches!(input, Input::Lost | Input::CheckpointSaved(Err(SaveError::NotOurs)))
}

impl Watched {
    pub(crate) fn new(policy: &Policy, from: Option<Checkpoint>, seed: u64, now: Timestamp) -> Self {
        let mut watched = Self {
            shard: Shard::new(policy.clone(), from.clone(), seed, now),
            owed: Owed::default(),
            ledger: Ledger::new(policy, from.unwrap_or_default(), now),
            patience: Patience::new(policy, now),
            drain_by: None,
            is_lost: false,
        };
        watched.carry_out(now);
        watched.look(now);
        watched
    }

    /// Lets `input` happen. Returns how many commands followed.
    pub(crate) fn handle(&mut self, input: Input, now: Timestamp) -> usize {
        if self.is_lost || input == Input::Lost && self.finished().is_some() {
            return 0;
        }
        if self.drain_due().is_some_and(|due| due <= now) || is_loss(&input) {
            return self.lose(input, now);
        }
        self.patience.before(&input, now, self.ledger.is_draining);
        let answered = match &input {
            Input::Fetched(answer) => {
                self.ledger.fetched(answer);
                self.owed.fetch.take().is_some()
            }
            Input::Invoked(id, reply) => self.owed.invocations.remove(id).is_some_and(|invocation| {
                let follows = self.ledger.invoked(&invocation, reply);
                let limits = if self.ledger.is_plain() { self.ledger.age_limits() } else { Vec::new() };
                self.patience.invoked(follows, &limits, now);
                true
            }),
            Input::FailureSent(id, answer) => self.owed.failures.remove(id).is_some_and(|failure| {
                self.ledger.failure_sent(&failure, answer.is_ok());
                true
            }),
            Input::CheckpointSaved(answer) => self.owed.save.take().is_some_and(|save| {
                self.ledger.saved(save, answer.is_ok());
                true
            }),
            Input::RetentionChanged(retention) => {
                self.ledger.policy.retention = *retention;
                true
            }
            Input::Trimmed(log_start) => {
                self.ledger.policy.log_start = self.ledger.policy.log_start.max(*log_start);
                true
            }
            Input::Drain { by } => {
                self.ledger.is_draining = true;
                self.drain_by = [self.drain_by, *by].into_iter().flatten().min();
                true
            }
            Input::RecordsArrived => {
                self.ledger.hinted();
                true
            }
            Input::FunctionChanged | Input::Lost | Input::TimePassed => true,
        };
        assert!(answered, "the test answers only what is owed");
        self.shard.handle(input, now);
        let commands = self.carry_out(now);
        self.look(now);
        commands
    }

    /// Lets `input` happen, with which the shard is somebody else's: nothing of it is settled, saved or started any more.
    fn lose(&mut self, input: Input, now: Timestamp) -> usize {
        self.is_lost = true;
        self.owed = Owed::default();
        for input in [input, Input::TimePassed, Input::RecordsArrived] {
            self.shard.handle(input, now);
            assert_eq!(self.shard.next_command(), None, "a shard that is lost starts nothing");
            assert_eq!(self.finished(), Some(Finished::Lost));
            assert_eq!(self.wakeup(), None, "a shard that is lost wants nothing");
        }
        assert_eq!(self.shard.view().checkpoint, self.ledger.kept, "a shard that is lost settles nothing");
        1
    }

    /// When what is not done yet becomes somebody else's.
    pub(crate) fn drain_due(&self) -> Option<Timestamp> {
        self.drain_by.filter(|_| !self.is_lost && self.finished().is_none())
    }

    /// When the shard wants to be woken.
    pub(crate) fn wakeup(&self) -> Option<Timestamp> {
        self.shard.next_wakeup()
    }

    pub(crate) fn finished(&self) -> Option<Finished> {
        self.shard.finished()
    }

    fn carry_out(&mut self, now: Timestamp) -> usize {
        let mut commands = 0;
        while let Some(command) = self.shard.next_command() {
            commands += 1;
            match command {
                Command::Fetch { records_max } => {
                    self.ledger.check_fetch(records_max, now);
                    self.patience.check_fetch(now);
                    assert_eq!(self.owed.fetch.replace(records_max), None, "I7: one read at a time");
                }
                Command::Invoke(invocation) => {
                    let may_grow = self.ledger.check_invoke(&invocation, now);
                    if may_grow {
                        self.patience.check_window(now);
                    }
                    assert!(
                        self.owed.invocations.insert(invocation.id, invocation).is_none(),
                        "I7: no id twice"
                    );
                }
                Command::SendFailure(failure) => {
                    self.ledger.check_failure(&failure, now);
                    assert!(self.owed.failures.insert(failure.id, failure).is_none(), "I7: no id twice");
                }
                Command::SaveCheckpoint(checkpoint) => {
                    self.ledger.check_save(&checkpoint);
                    assert!(self.owed.save.replace(checkpoint).is_none(), "I3: one save at a time");
                }
            }
        }
        commands
    }

    /// Looks at the shard when all its commands are taken.
    fn look(&mut self, now: Timestamp) {
        while self.shard.next_notice().is_some() {}
        let wakeup = self.shard.next_wakeup();
        assert!(wakeup.is_none_or(|wakeup| wakeup > now), "I6: whatever is due is done: {wakeup:?} at {now}");
        let finished = self.shard.finished();
        let rests = self.owed.is_nothing() && finished.is_none();
        assert!(wakeup.is_some() || !rests, "I6: a shard that rests wakes up again");
        let is_in_time = self.drain_due().is_none_or(|due| wakeup.is_some_and(|wakeup| wakeup <= due));
        assert!(is_in_time, "I6: a drain ends when it must");
        assert!(wakeup.is_none() || finished.is_none(), "I7: a finished shard wants nothing");
        self.ledger.check_view(&self.shard.view(), &self.owed);
        self.patience.check_wakeup(wakeup, &self.owed, &self.ledger);
        let is_kept = self.ledger.is_all_kept() && self.owed.is_nothing();
        let expected = match (is_kept, self.ledger.kept.ended, self.ledger.is_draining) {
            (true, true, _) => Some(Finished::ShardEnd),
            (true, false, _) if self.ledger.has_caught_up() => Some(Finished::CaughtUp),
            (true, false, true) => Some(Finished::Drained),
            (true, false, false) | (false, _, _) => None,
        };
        assert_eq!(finished, expected, "I7: finished is when nothing is owed and everything kept");
    }
}

/// What a test says of a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Looks {
    pub(crate) arrival: Timestamp,
    /// At least 22.
    pub(crate) bytes: usize,
    pub(crate) key: u64,
    pub(crate) is_filtered: bool,
}

/// Records with these numbers as one page.
pub(crate) fn records(numbers: &[u64], of: impl Fn(u64) -> Looks) -> Vec<Record> {
    let mut page = Vec::new();
    let mut ranges = Vec::new();
    for number in numbers.iter().filter(|number| !of(**number).is_filtered) {
        if !page.is_empty() {
            page.push(b',');
        }
        let start = page.len();
        page.extend_from_slice(format!("\"{number:0>width$}\"", width = of(*number).bytes - 2).as_bytes());
        ranges.push(start..page.len());
    }
    let page = bytes::Bytes::from(page);
    let mut ranges = ranges.into_iter();
    let record = |number: &u64| {
        let (looks, position) = (of(*number), Position::new(number.to_string()));
        if looks.is_filtered {
            return Record::filtered(position, looks.arrival);
        }
        let range = ranges.next().expect("a range for each record that is not filtered");
        Record::new(position, looks.arrival, page.clone(), range).with_key(looks.key)
    };
    numbers.iter().map(record).collect()
}

/// The number of a record of [`records`].
pub(crate) fn number_of(position: &Position) -> u64 {
    position.as_str().parse().expect("positions are numbers in these tests")
}

/// How a response to a mapping with this policy names the record: as JSON.
pub(crate) fn identifier(position: &Position, policy: &Policy) -> serde_json::Value {
    match &policy.partial_failures {
        PartialFailures::FromLowest => position.as_str().into(),
        PartialFailures::Listed { partition } => {
            serde_json::json!({"partition": **partition, "offset": number_of(position)})
        }
    }
}

/// The answer to a read.
pub(crate) type Fetched = Result<Page, FetchError>;
