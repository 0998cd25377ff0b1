//! Every sequence of outcomes, of answers in every order, of drains and crashes at every step, for up to six records.
//!
//! A *fault* is whatever is not the plain good answer. All ways with up to a given number of faults are walked; the
//! invariants are checked after every step of each, and at its end every record must be settled.

mod choices;
#[path = "../common/mod.rs"]
mod common;

use bytes::Bytes;
use choices::Choices;
use common::{Looks, Watched};
use pelton_core::{
    Backoff, Checkpoint, Envelope, FetchError, Finished, Input, Invocation, Outcome, Page, PartialFailures,
    Policy, Position, SaveError, SendError, Then, Timestamp,
};
use std::time::Duration;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Page,
    FetchFails(FetchError),
    Succeeds,
    Fails,
    Throttled,
    Unreachable,
    /// The response names the first record of the batch.
    ReportsFirst,
    /// The response names the last record of the batch.
    ReportsLast,
    /// The response names a record that is not in the batch.
    Lies,
    Saved,
    SaveFails,
    Delivered,
    DeliveryFails,
    /// The first or the last record of the batch in flight leaves the retention, and whatever arrived no later.
    FirstExpires,
    LastExpires,
    Drain,
    /// The shard is somebody else's soon: in time for an answer, or too early.
    DrainBy,
    /// The shard is somebody else's already.
    Lost,
    /// A save is refused, as the shard is somebody else's.
    NotOurs,
    Crash,
    /// The crash comes after the checkpoint was kept and before anyone heard of it.
    CrashAfterSave,
    Wake,
}

/// How the shard ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    WithTheLastPage,
    WithAnEmptyPage,
    /// It stays open.
    Never,
}

/// Which acts count among the faults, and how many of them.
#[derive(Clone, Copy, Debug)]
struct Faults {
    max: usize,
    of: &'static [Act],
    /// Whether answers come in every order, or reads before everything else.
    in_every_order: bool,
}

/// A shard of `pages`, each with so many records.
#[derive(Clone, Debug)]
struct Case {
    pages: Vec<u64>,
    end: End,
    batch_size: usize,
    window: Duration,
    settings: Settings,
}

/// What the mapping asks for.
#[derive(Clone, Copy, Debug)]
struct Settings {
    bisects: bool,
    retry_attempts_max: Option<u32>,
    /// MaximumRecordAgeInSeconds. Retries then rest for longer.
    record_age_max: Option<Duration>,
    /// Records are of two keys in turn.
    lanes: usize,
    /// Responses are those about a partition of Kafka: only the records that they name are tried again.
    lists: bool,
}

/// AWS's defaults.
const DEFAULTS: Settings =
    Settings { bisects: false, retry_attempts_max: None, record_age_max: None, lanes: 1, lists: false };

const OUTCOMES: &[Act] = &[Act::Fails, Act::Throttled, Act::Unreachable];
const FAILURES: &[Act] = &[Act::Fails, Act::ReportsLast, Act::Lies, Act::DeliveryFails, Act::Crash];
const LISTED: &[Act] = &[
    Act::Fails,
    Act::ReportsFirst,
    Act::ReportsLast,
    Act::DeliveryFails,
    Act::Drain,
    Act::Crash,
    Act::SaveFails,
];
const RESTARTS: &[Act] =
    &[Act::Drain, Act::DrainBy, Act::Lost, Act::NotOurs, Act::Crash, Act::CrashAfterSave, Act::SaveFails];
const EVERYTHING: &[Act] = &[
    Act::FetchFails(FetchError::Unavailable),
    Act::FetchFails(FetchError::Throttled),
    Act::Fails,
    Act::Throttled,
    Act::Unreachable,
    Act::ReportsLast,
    Act::SaveFails,
    Act::DeliveryFails,
    Act::FirstExpires,
    Act::LastExpires,
    Act::Drain,
    Act::DrainBy,
    Act::Lost,
    Act::NotOurs,
    Act::Crash,
    Act::CrashAfterSave,
];

const FAST: Backoff = Backoff { base: Duration::from_millis(2), factor: 2, cap: Duration::from_millis(8) };
/// From a drain to the moment at which the shard is somebody else's.
const DRAIN: Duration = Duration::from_millis(5);
/// Outlasts the age limits of several records.
const SLOW: Backoff = Backoff { base: Duration::from_millis(50), factor: 8, cap: Duration::from_secs(60) };

fn policy(case: &Case) -> Policy {
    Policy {
        batch_size: case.batch_size,
        batching_window: case.window,
        bisects: case.settings.bisects,
        retry_attempts_max: case.settings.retry_attempts_max,
        record_age_max: case.settings.record_age_max,
        parallelization_factor: case.settings.lanes,
        reports_item_failures: true,
        partial_failures: if case.settings.lists {
            PartialFailures::Listed { partition: PARTITION.into() }
        } else {
            PartialFailures::FromLowest
        },
        has_destination: true,
        retention: Duration::from_secs(3_600),
        backoff: if case.settings.record_age_max.is_some() { SLOW } else { FAST },
        fetch_gap_min: Duration::ZERO,
        fetch_records_max: 6,
        read_ahead_records_max: 4,
        ..Policy::kinesis(Envelope::new("[", "]"))
    }
}

/// Neighbours arrive in the wrong order, as far as their times can be believed: so what expires may leave a gap.
fn arrival_of(number: u64) -> Timestamp {
    Timestamp::from_millis(START / 2 + 10 * (number ^ 1))
}

/// One way through a case.
struct Walk<'a> {
    case: &'a Case,
    policy: Policy,
    shard: Watched,
    /// What the store holds.
    kept: Option<Checkpoint>,
    /// The number of the record that is read next. Records are numbered from 1.
    next: u64,
    now: Timestamp,
    faults_left: usize,
    /// Records settled so far, in all lives.
    settled: Vec<u64>,
}

const START: u64 = 10_000;
/// The shard, where it is a partition of Kafka.
const PARTITION: &str = "topic-0";

impl<'a> Walk<'a> {
    fn new(case: &'a Case, faults_max: usize) -> Self {
        let now = Timestamp::from_millis(START);
        let policy = policy(case);
        let shard = Watched::new(&policy, None, 0, now);
        Self { case, policy, shard, kept: None, next: 1, now, faults_left: faults_max, settled: Vec::new() }
    }

    fn records(&self) -> u64 {
        self.case.pages.iter().sum()
    }

    /// The good answers, then the faults, in an order that never changes.
    fn acts(&self, faults: Faults) -> Vec<Act> {
        let owed = &self.shard.owed;
        let mut acts = Vec::new();
        acts.extend(owed.fetch.map(|_| Act::Page));
        if owed.fetch.is_some() && self.shard.ledger.is_draining && faults.in_every_order {
            acts.push(Act::FetchFails(FetchError::Cancelled));
        }
        acts.extend(owed.invocations.first_key_value().map(|_| Act::Succeeds));
        acts.extend(owed.failures.first_key_value().map(|_| Act::Delivered));
        acts.extend(owed.save.as_ref().map(|_| Act::Saved));
        if !faults.in_every_order {
            acts.truncate(1);
        }
        let is_only_polling = self.case.end == End::Never && self.next > self.records();
        if acts.is_empty() || faults.in_every_order && self.shard.wakeup().is_some() && !is_only_polling {
            acts.push(Act::Wake);
        }
        if self.faults_left > 0 {
            acts.extend(faults.of.iter().filter(|fault| self.is_possible(**fault)));
        }
        acts
    }

    fn is_possible(&self, fault: Act) -> bool {
        let owed = &self.shard.owed;
        match fault {
            Act::FetchFails(_) => owed.fetch.is_some(),
            Act::Fails
            | Act::Throttled
            | Act::Unreachable
            | Act::ReportsFirst
            | Act::ReportsLast
            | Act::Lies
            | Act::FirstExpires
            | Act::LastExpires => !owed.invocations.is_empty(),
            Act::DeliveryFails => !owed.failures.is_empty(),
            Act::SaveFails | Act::NotOurs | Act::CrashAfterSave => owed.save.is_some(),
            Act::Drain | Act::DrainBy => !self.shard.ledger.is_draining,
            Act::Lost | Act::Crash => true,
            Act::Page | Act::Succeeds | Act::Saved | Act::Delivered | Act::Wake => false,
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Page => {
                let page = self.page();
                self.handle(Input::Fetched(Ok(page)));
            }
            Act::FetchFails(error) => self.handle(Input::Fetched(Err(error))),
            Act::Succeeds => self.invoked(Outcome::Succeeded { payload: Bytes::new() }),
            Act::Fails => {
                self.invoked(Outcome::FunctionFailed { error_type: String::new(), message: String::new() });
            }
            Act::Throttled => self.invoked(Outcome::Throttled),
            Act::Unreachable => self.invoked(Outcome::NotInvoked { reason: String::new() }),
            Act::Saved => {
                self.kept.clone_from(&self.shard.owed.save);
                self.handle(Input::CheckpointSaved(Ok(())));
            }
            Act::SaveFails => self.handle(Input::CheckpointSaved(Err(SaveError::Unwritable))),
            Act::ReportsFirst => self.reports(self.in_flight().batch.first_position().cloned()),
            Act::ReportsLast => self.reports(self.in_flight().batch.last_position().cloned()),
            Act::Lies => self.reports(Some(Position::new("999"))),
            Act::Delivered => self.delivered(Ok(())),
            Act::DeliveryFails => self.delivered(Err(SendError)),
            Act::FirstExpires => self.expire(0),
            Act::LastExpires => self.expire(self.in_flight().batch.records().len() - 1),
            Act::Drain => self.handle(Input::Drain { by: None }),
            Act::DrainBy => self.handle(Input::Drain { by: Some(self.now.after(DRAIN)) }),
            Act::Lost => self.handle(Input::Lost),
            Act::NotOurs => self.handle(Input::CheckpointSaved(Err(SaveError::NotOurs))),
            Act::Crash => self.restart(),
            Act::CrashAfterSave => {
                self.kept.clone_from(&self.shard.owed.save);
                self.restart();
            }
            Act::Wake => {
                self.now = self.shard.wakeup().expect("a wake-up is offered only when there is one");
                let commands = self.shard.handle(Input::TimePassed, self.now);
                assert!(commands > 0, "I6: a wake-up changes something");
            }
        }
    }

    fn handle(&mut self, input: Input) {
        self.shard.handle(input, self.now);
    }

    fn invoked(&mut self, outcome: Outcome) {
        let id = self.in_flight().id;
        self.handle(Input::Invoked(id, outcome.into()));
    }

    fn reports(&mut self, failed: Option<Position>) {
        let failed = failed.expect("a batch has records");
        let identifier = common::identifier(&failed, &self.policy);
        let response = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":{identifier}}}]}}"#);
        self.invoked(Outcome::Succeeded { payload: Bytes::from(response) });
    }

    fn delivered(&mut self, answer: Result<(), SendError>) {
        let (id, _) = self.shard.owed.failures.first_key_value().expect("a delivery is in flight");
        let id = *id;
        self.handle(Input::FailureSent(id, answer));
    }

    /// The invocation that was started first.
    fn in_flight(&self) -> &Invocation {
        self.shard.owed.invocations.first_key_value().expect("an invocation is in flight").1
    }

    /// The record at `index` of the batch in flight, and whatever arrived no later, has just expired.
    fn expire(&mut self, index: usize) {
        let age = self.now.since(self.in_flight().batch.records()[index].arrival());
        self.policy.retention = age;
        self.handle(Input::RetentionChanged(age));
    }

    fn page(&mut self) -> Page {
        let room = self.shard.owed.fetch.expect("a read is in flight") as u64;
        let page_ends = self.case.pages.iter().scan(1, |first, records| {
            *first += records;
            Some(*first)
        });
        let page_end = page_ends.filter(|end| *end > self.next).min().unwrap_or(self.next);
        let numbers: Vec<u64> = (self.next..page_end.min(self.next + room)).collect();
        if !self.shard.ledger.is_draining {
            self.next += numbers.len() as u64;
        }
        let is_last = numbers.last().map_or(self.next, |last| last + 1) > self.records();
        let then = match self.case.end {
            End::WithTheLastPage if is_last => Then::ShardEnd,
            End::WithAnEmptyPage if is_last && numbers.is_empty() => Then::ShardEnd,
            End::Never if is_last => Then::CaughtUp,
            End::WithTheLastPage | End::WithAnEmptyPage | End::Never => Then::More,
        };
        let records = common::records(&numbers, |number| Looks {
            arrival: arrival_of(number),
            bytes: 24,
            key: number % 2,
            is_filtered: false,
        });
        Page { records, then, lost_after: None }
    }

    /// The next life begins from what the store holds.
    fn restart(&mut self) {
        let repeated = self.shard.ledger.coming_again().count();
        let repeats_max = self.policy.batch_size * self.policy.parallelization_factor;
        assert!(repeated <= repeats_max, "I8: at most the batches in flight are repeated");
        self.settled.extend(self.shard.ledger.settled());
        let position = self.kept.as_ref().and_then(|kept| kept.position.as_ref());
        self.next = position.map_or(0, common::number_of) + 1;
        let unsettled = (1..self.next).find(|number| !self.settled.contains(number));
        assert_eq!(unsettled, None, "I8: a restart skips nothing unsettled");
        if !self.is_over() {
            self.shard = Watched::new(&self.policy, self.kept.clone(), self.next, self.now);
        }
    }

    fn is_over(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| {
            let is_last = kept.position.as_ref().map_or(0, common::number_of) == self.records();
            kept.ended || self.case.end == End::Never && is_last
        })
    }

    /// Walks to the end. Returns the number of steps.
    fn walk(mut self, choices: &mut Choices, faults: Faults) -> usize {
        for step in 0..STEPS_MAX {
            if matches!(self.shard.finished(), Some(Finished::Drained | Finished::Lost)) {
                self.restart();
            }
            if self.is_over() {
                self.settled.extend(self.shard.ledger.settled());
                let lost = (1..=self.records()).find(|number| !self.settled.contains(number));
                assert_eq!(lost, None, "I6: in the end every record is settled");
                return step;
            }
            let acts = self.acts(faults);
            let act = acts[choices.choose(acts.len())];
            self.faults_left -= usize::from(faults.of.contains(&act));
            self.act(act);
        }
        panic!("I6: the shard does not come to an end");
    }
}

/// More steps than any way has.
const STEPS_MAX: usize = 1_000;

/// Walks every way through `case`; returns how many steps that took. A failure names its way.
fn check(case: &Case, faults: Faults) -> usize {
    let mut choices = Choices::default();
    let mut steps = 0;
    loop {
        let walk = std::panic::AssertUnwindSafe(|| Walk::new(case, faults.max).walk(&mut choices, faults));
        match std::panic::catch_unwind(walk) {
            Ok(walked) => steps += walked,
            Err(_) => panic!("{case:?} fails by the choices {choices:?}"),
        }
        if !choices.advance() {
            return steps;
        }
    }
}

/// Every way to split `records` into pages.
fn splits(records: u64) -> Vec<Vec<u64>> {
    if records == 0 {
        return vec![Vec::new()];
    }
    let after = |first| splits(records - first).into_iter().map(move |rest| [vec![first], rest].concat());
    (1..=records).flat_map(after).collect()
}

const ENDS: [End; 3] = [End::WithTheLastPage, End::WithAnEmptyPage, End::Never];
const NO_WINDOW: Duration = Duration::ZERO;

/// Walks every way through every split into pages and every end.
fn check_all(
    records: std::ops::RangeInclusive<u64>,
    batch_sizes: &[usize],
    window: Duration,
    faults: Faults,
) {
    for pages in records.flat_map(splits) {
        for end in ENDS {
            for batch_size in batch_sizes {
                let settings = DEFAULTS;
                check(&Case { pages: pages.clone(), end, batch_size: *batch_size, window, settings }, faults);
            }
        }
    }
}

#[test]
fn every_sequence_of_outcomes_of_up_to_six_records() {
    check_all(1..=6, &[1, 2, 3, 6], NO_WINDOW, Faults { max: 2, of: OUTCOMES, in_every_order: false });
    check_all(1..=4, &[1, 2, 3], NO_WINDOW, Faults { max: 4, of: OUTCOMES, in_every_order: false });
}

#[test]
fn every_fault_at_every_step_of_up_to_six_records() {
    check_all(1..=6, &[1, 2, 3], NO_WINDOW, Faults { max: 1, of: EVERYTHING, in_every_order: false });
}

#[test]
fn every_two_faults_at_every_two_steps() {
    check_all(1..=4, &[1, 2, 3], NO_WINDOW, Faults { max: 2, of: EVERYTHING, in_every_order: false });
}

#[test]
fn every_three_restarts_at_every_three_steps() {
    check_all(1..=3, &[1, 2], NO_WINDOW, Faults { max: 3, of: RESTARTS, in_every_order: false });
}

#[test]
fn every_order_of_answers_with_a_fault_at_every_step() {
    check_all(1..=4, &[1, 2, 3], NO_WINDOW, Faults { max: 1, of: EVERYTHING, in_every_order: true });
}

#[test]
fn every_order_of_answers_in_a_window_with_a_fault_at_every_step() {
    let window = Duration::from_millis(5);
    check_all(1..=3, &[2, 3], window, Faults { max: 1, of: EVERYTHING, in_every_order: true });
}

#[test]
fn an_empty_shard_ends_whatever_happens() {
    for end in [End::WithTheLastPage, End::WithAnEmptyPage] {
        let case = Case { pages: Vec::new(), end, batch_size: 1, window: NO_WINDOW, settings: DEFAULTS };
        check(&case, Faults { max: 4, of: EVERYTHING, in_every_order: true });
    }
}

/// Walks every way through one page of every size, with each of these settings.
fn check_settings(records: std::ops::RangeInclusive<u64>, all: &[Settings], faults: Faults) {
    for count in records {
        for settings in all {
            for batch_size in [2, 4] {
                let end = End::WithTheLastPage;
                let pages = vec![count];
                check(&Case { pages, end, batch_size, window: NO_WINDOW, settings: *settings }, faults);
            }
        }
    }
}

#[test]
fn every_sequence_of_failures_with_every_way_to_retry() {
    let retries = [None, Some(0), Some(1)];
    let all: Vec<Settings> = [false, true]
        .into_iter()
        .flat_map(|bisects| {
            retries.map(|retry_attempts_max| Settings { bisects, retry_attempts_max, ..DEFAULTS })
        })
        .collect();
    check_settings(1..=4, &all, Faults { max: 3, of: FAILURES, in_every_order: false });
}

#[test]
fn every_order_of_answers_of_two_lanes_with_a_fault_at_every_step() {
    let lanes = Settings { bisects: true, retry_attempts_max: Some(0), lanes: 2, ..DEFAULTS };
    check_settings(1..=4, &[lanes], Faults { max: 1, of: EVERYTHING, in_every_order: true });
    check_settings(1..=4, &[lanes], Faults { max: 2, of: FAILURES, in_every_order: false });
}

#[test]
fn every_sequence_of_listed_records_with_every_way_to_retry() {
    let listing =
        |(bisects, retry_attempts_max)| Settings { bisects, retry_attempts_max, lists: true, ..DEFAULTS };
    let all = [(false, None), (false, Some(0)), (true, Some(1))].map(listing);
    check_settings(1..=4, &all, Faults { max: 3, of: LISTED, in_every_order: false });
    check_settings(1..=4, &all[1..2], Faults { max: 2, of: LISTED, in_every_order: true });
}

#[test]
fn every_order_of_answers_of_two_lanes_that_list_records_with_a_fault_at_every_step() {
    let lanes = Settings { retry_attempts_max: Some(0), lanes: 2, lists: true, ..DEFAULTS };
    check_settings(1..=4, &[lanes], Faults { max: 2, of: LISTED, in_every_order: true });
}

#[test]
fn every_sequence_of_failures_beside_age_limits() {
    // The first record becomes too old just after the start, the others one after the other.
    let record_age_max = Some(Duration::from_millis(START / 2 + 5));
    let all: Vec<Settings> = [(false, None), (false, Some(1)), (true, None)]
        .map(|(bisects, retry_attempts_max)| Settings {
            bisects,
            retry_attempts_max,
            record_age_max,
            ..DEFAULTS
        })
        .into();
    check_settings(1..=6, &all, Faults { max: 3, of: FAILURES, in_every_order: false });
}
