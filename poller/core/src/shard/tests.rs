//! One shard by tables: each line is what happens, when, and the commands that follow from it.

mod again;
mod caught_up;
mod draining;
mod ending;
mod failing;
mod giving_up;
mod invoking;
mod listed;
mod lost;
mod parallel;
mod reading;
mod saving;
mod stuck;
mod tumbling;

use super::*;
use crate::giving_up::Failure;
use crate::invocation::Outcome;
use crate::shard::contract::Then;
use crate::testing::{at, letters, millis, policy, reason_text, records, window_text};
use crate::{OpenWindow, Position};
use bytes::Bytes;

/// What happens to a shard.
#[derive(Clone, Copy, Debug)]
enum On {
    /// The shard begins; the first line of every table.
    Begin,
    /// A page with a record for each letter, which arrived at this moment.
    Page(&'static str, Then),
    /// A page with a record for each letter of each group, which arrived at the time of the group. Those of a group that begins
    /// with `~` match no filter.
    Mixed(&'static [(&'static str, u64)], Then),
    /// A page with these records, which arrived at this moment: `a1 a2 b1` are two with the key `a`, and one with `b`.
    Keyed(&'static str, Then),
    FetchFails(FetchError),
    /// The function succeeds, and so on, at the only invocation in flight.
    Succeeds,
    Fails,
    Throttled,
    Unreachable,
    /// The function answers with this.
    Says(&'static str),
    /// The same, where several are in flight, at the one of these records.
    SucceedsWith(&'static str),
    FailsWith(&'static str),
    Saved,
    SaveFails,
    FailureSent,
    FailureNotSent,
    /// The same, where several are in flight, at the one of these records.
    FailureSentOf(&'static str),
    Arrived,
    /// The function has other code.
    Changed,
    Retention(u64),
    Drain,
    /// Somebody else owns the shard from this moment on.
    DrainBy(u64),
    /// Somebody else owns the shard already; it is told, or learns it from a save.
    Lost,
    NotOurs,
    /// Nothing but the time passes.
    Nothing,
}
use On::*;
use Then::{CaughtUp, More, ShardEnd};

/// A shard of `policy` answers each line with exactly these commands, separated by commas: `fetch 10`, `invoke ab #1`,
/// `save b`, `save b end`, `expired ab`, `too large A`.
///
/// After each line nothing more is due (I6), and unless an answer is owed or the shard is finished, it wakes up again.
#[track_caller]
fn check(policy: Policy, lines: &[(u64, On, &str)]) -> Shard {
    check_from(policy, Checkpoint::default(), lines)
}

/// The same, for a shard of which this is kept.
#[track_caller]
fn check_from(policy: Policy, kept: Checkpoint, lines: &[(u64, On, &str)]) -> Shard {
    let mut table = Table::of(Shard::new(policy, Some(kept), 0, at(0)));
    table.play(lines);
    table.shard
}

/// Everything up to this record is settled, and nothing else.
fn up_to(position: &str) -> Checkpoint {
    Checkpoint { position: Some(Position::new(position)), ..Checkpoint::default() }
}

struct Table {
    shard: Shard,
    /// What runs, and with which records.
    in_flight: Vec<(InvocationId, String)>,
    deliveries: Vec<(FailureId, String)>,
    owed: usize,
}

impl Table {
    fn of(shard: Shard) -> Self {
        Self { shard, in_flight: Vec::new(), deliveries: Vec::new(), owed: 0 }
    }

    #[track_caller]
    fn play(&mut self, lines: &[(u64, On, &str)]) {
        for line in lines {
            let (millis, on, expected) = *line;
            if !matches!(on, Begin) {
                self.handle(on, millis);
            }
            assert_eq!(self.commands(), expected, "at {line:?}");
            let wakeup = self.shard.next_wakeup();
            assert!(wakeup.is_none_or(|wakeup| wakeup > at(millis)), "overdue after {line:?}");
            let rests = self.owed == 0 && self.shard.finished().is_none();
            assert!(wakeup.is_some() || !rests, "asleep for ever after {line:?}");
        }
    }

    fn handle(&mut self, on: On, millis: u64) {
        let input = self.input(on, millis);
        let is_answer = !matches!(on, Arrived | Changed | Retention(_) | Drain | DrainBy(_) | Lost | Nothing);
        self.owed -= usize::from(is_answer);
        self.shard.handle(input, at(millis));
    }

    fn input(&mut self, on: On, millis: u64) -> Input {
        let success = |payload| Outcome::Succeeded { payload: Bytes::from_static(payload) };
        let failure =
            || Outcome::FunctionFailed { error_type: "Unhandled".to_owned(), message: String::new() };
        match on {
            Begin => panic!("a shard begins once"),
            Page(letters, then) => page(records(letters, at(millis)), then),
            Mixed(groups, then) => page(groups.iter().flat_map(group).collect(), then),
            Keyed(names, then) => page(names.split(' ').map(|name| keyed(name, millis)).collect(), then),
            FetchFails(error) => Input::Fetched(Err(error)),
            Succeeds => self.only_one_ended(success(b"")),
            Says(payload) => self.only_one_ended(success(payload.as_bytes())),
            Fails => self.only_one_ended(failure()),
            Throttled => self.only_one_ended(Outcome::Throttled),
            Unreachable => self.only_one_ended(Outcome::NotInvoked { reason: String::new() }),
            SucceedsWith(names) => Input::Invoked(take(&mut self.in_flight, names), success(b"").into()),
            FailsWith(names) => Input::Invoked(take(&mut self.in_flight, names), failure().into()),
            Saved => Input::CheckpointSaved(Ok(())),
            SaveFails => Input::CheckpointSaved(Err(SaveError::Unwritable)),
            FailureSent => Input::FailureSent(only_one(&mut self.deliveries), Ok(())),
            FailureNotSent => Input::FailureSent(only_one(&mut self.deliveries), Err(SendError)),
            FailureSentOf(names) => Input::FailureSent(take(&mut self.deliveries, names), Ok(())),
            Arrived => Input::RecordsArrived,
            Changed => Input::FunctionChanged,
            Retention(millis) => Input::RetentionChanged(Duration::from_millis(millis)),
            Drain => Input::Drain { by: None },
            DrainBy(millis) => Input::Drain { by: Some(at(millis)) },
            Lost => Input::Lost,
            NotOurs => Input::CheckpointSaved(Err(SaveError::NotOurs)),
            Nothing => Input::TimePassed,
        }
    }

    fn only_one_ended(&mut self, outcome: Outcome) -> Input {
        Input::Invoked(only_one(&mut self.in_flight), outcome.into())
    }

    fn commands(&mut self) -> String {
        let mut shown = Vec::new();
        while let Some(command) = self.shard.next_command() {
            self.owed += 1;
            match &command {
                Command::Invoke(Invocation { id, batch, .. }) => {
                    self.in_flight.push((*id, letters(batch.records())));
                }
                Command::SendFailure(Failure { id, batch, .. }) => {
                    self.deliveries.push((*id, letters(batch.records())));
                }
                Command::Fetch { .. } | Command::SaveCheckpoint(_) => {}
            }
            shown.push(show(&command));
        }
        shown.join(", ")
    }
}

fn page(records: Vec<Record>, then: Then) -> Input {
    Input::Fetched(Ok(crate::Page { records, then, lost_after: None }))
}

fn group((names, arrival): &(&'static str, u64)) -> Vec<Record> {
    let delivered = records(names.trim_start_matches('~'), at(*arrival));
    if !names.starts_with('~') {
        return delivered;
    }
    delivered.iter().map(|record| Record::filtered(record.position().clone(), record.arrival())).collect()
}

fn keyed(name: &str, millis: u64) -> Record {
    let bytes = Bytes::from(format!("{name:?}"));
    let range = 0..bytes.len();
    Record::new(Position::new(name), at(millis), bytes, range).with_key(u64::from(name.as_bytes()[0]))
}

fn only_one<Id>(in_flight: &mut Vec<(Id, String)>) -> Id {
    assert_eq!(in_flight.len(), 1, "one is in flight");
    in_flight.remove(0).0
}

/// The one of the records with these names, which are separated by spaces.
fn take<Id>(in_flight: &mut Vec<(Id, String)>, names: &str) -> Id {
    let place = in_flight.iter().position(|(_, of)| *of == names.replace(' ', ""));
    in_flight.remove(place.expect("these records are in flight")).0
}

fn show(command: &Command) -> String {
    match command {
        Command::Fetch { records_max } => format!("fetch {records_max}"),
        Command::Invoke(Invocation { batch, attempt, .. }) => {
            let letters = format!(" {}", letters(batch.records()));
            format!("invoke{} #{attempt}{}", letters.trim_end(), window_text(batch))
        }
        Command::SaveCheckpoint(checkpoint) => show_checkpoint(checkpoint),
        Command::SendFailure(Failure { batch, reason, .. }) => {
            format!("{} {}", reason_text(*reason), letters(batch.records())).trim_end().to_owned()
        }
    }
}

/// `save b`; with `+2` for two records that are settled above, `!2` for two batches that failed, `in {}` for a window that is open with
/// this state, and `end`.
fn show_checkpoint(Checkpoint { position, ended, ahead, window, failing }: &Checkpoint) -> String {
    let mut shown = format!("save {}", position.as_ref().map_or("-", Position::as_str));
    if !ahead.is_empty() {
        shown += &format!(" +{}", ahead.len());
    }
    if !failing.is_empty() {
        shown += &format!(" !{}", failing.len());
    }
    if let Some(OpenWindow { state, .. }) = window {
        shown += &format!(" in {}", String::from_utf8_lossy(state));
    }
    shown + if *ended { " end" } else { "" }
}
