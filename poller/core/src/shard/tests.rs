//! One shard by tables: each line is what happens, when, and the commands that follow from it.

mod draining;
mod ending;
mod invoking;
mod reading;
mod saving;

use super::*;
use crate::contract::{Failure, Outcome, Then};
use crate::testing::{at, letters, millis, policy, reason_text, records};
use bytes::Bytes;

/// What happens to a shard.
#[derive(Clone, Copy, Debug)]
enum On {
    /// The shard begins; the first line of every table.
    Begin,
    /// The shard begins after this record.
    BeginAfter(&'static str),
    /// A page with a record for each letter, which arrived at this moment.
    Page(&'static str, Then),
    FetchFails(FetchError),
    /// The function succeeds, and so on, at the invocation in flight.
    Succeeds,
    Fails,
    Throttled,
    Unreachable,
    Saved,
    SaveFails,
    FailureSent,
    Arrived,
    Retention(u64),
    Drain,
    /// Nothing but the time passes.
    Nothing,
}
use On::*;
use Then::{CaughtUp, More, ShardEnd};

/// A shard of `policy` answers each line with exactly these commands, separated by commas: `fetch 10`, `invoke ab #1`,
/// `save b`, `save b end`, `expired ab`, `too large A`.
///
/// After each line nothing more is due (I6), and unless an answer is owed or the shard is finished, it wakes up again.
fn check(policy: Policy, lines: &[(u64, On, &str)]) -> Shard {
    let mut table =
        Table { shard: Shard::new(policy.clone(), None, 0, at(0)), in_flight: None, delivery: None, owed: 0 };
    for line in lines {
        let (millis, on, expected) = *line;
        if let BeginAfter(position) = on {
            let position = Some(crate::Position::new(position));
            let kept = Checkpoint { position, ..Checkpoint::default() };
            table.shard = Shard::new(policy.clone(), Some(kept), 0, at(0));
        } else if !matches!(on, Begin) {
            table.handle(on, millis);
        }
        assert_eq!(table.commands(), expected, "at {line:?}");
        let wakeup = table.shard.next_wakeup();
        assert!(wakeup.is_none_or(|wakeup| wakeup > at(millis)), "overdue after {line:?}");
        let rests = table.owed == 0 && table.shard.finished().is_none();
        assert!(wakeup.is_some() || !rests, "asleep for ever after {line:?}");
    }
    table.shard
}

struct Table {
    shard: Shard,
    in_flight: Option<InvocationId>,
    delivery: Option<FailureId>,
    owed: usize,
}

impl Table {
    fn handle(&mut self, on: On, millis: u64) {
        let input = match on {
            Begin | BeginAfter(_) => panic!("a shard begins once"),
            Page(letters, then) => {
                Input::Fetched(Ok(crate::Page { records: records(letters, at(millis)), then }))
            }
            FetchFails(error) => Input::Fetched(Err(error)),
            Succeeds => self.invoked(Outcome::Succeeded { payload: Bytes::new() }),
            Fails => {
                let (error_type, message) = ("Unhandled".to_owned(), String::new());
                self.invoked(Outcome::FunctionFailed { error_type, message })
            }
            Throttled => self.invoked(Outcome::Throttled),
            Unreachable => self.invoked(Outcome::NotInvoked { reason: String::new() }),
            Saved => Input::CheckpointSaved(Ok(())),
            SaveFails => Input::CheckpointSaved(Err(SaveError)),
            FailureSent => Input::FailureSent(self.delivery.take().expect("a delivery is in flight"), Ok(())),
            Arrived => Input::RecordsArrived,
            Retention(millis) => Input::RetentionChanged(Duration::from_millis(millis)),
            Drain => Input::Drain,
            Nothing => Input::TimePassed,
        };
        let is_answer = !matches!(on, Arrived | Retention(_) | Drain | Nothing);
        self.owed -= usize::from(is_answer);
        self.shard.handle(input, at(millis));
    }

    fn invoked(&mut self, outcome: Outcome) -> Input {
        Input::Invoked(self.in_flight.take().expect("an invocation is in flight"), outcome.into())
    }

    fn commands(&mut self) -> String {
        let mut shown = Vec::new();
        while let Some(command) = self.shard.next_command() {
            self.owed += 1;
            match &command {
                Command::Invoke(invocation) => self.in_flight = Some(invocation.id),
                Command::SendFailure(failure) => self.delivery = Some(failure.id),
                Command::Fetch { .. } | Command::SaveCheckpoint(_) => {}
            }
            shown.push(show(&command));
        }
        shown.join(", ")
    }
}

fn show(command: &Command) -> String {
    match command {
        Command::Fetch { records_max } => format!("fetch {records_max}"),
        Command::Invoke(Invocation { batch, attempt, .. }) => {
            format!("invoke {} #{attempt}", letters(batch.records()))
        }
        Command::SaveCheckpoint(Checkpoint { position, ended, .. }) => {
            let position = position.as_ref().map_or("-", crate::Position::as_str);
            format!("save {position}{}", if *ended { " end" } else { "" })
        }
        Command::SendFailure(Failure { batch, reason, .. }) => {
            format!("{} {}", reason_text(*reason), letters(batch.records()))
        }
    }
}
