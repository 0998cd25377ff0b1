//! Which shards of a mapping run here: what is assigned, revoked and lost, and what became of it.
//!
//! In: changes of what this poller is to read, how its shards end, and the word to stop. Out: which shards to start, to drain and
//! to abandon, and which are released. A shard never runs twice at a time, also if it is assigned again before it was released.

use crate::ownership::{Assigned, Change, Released, Waiting};
use crate::shard::Finished;
use crate::stream::ReadFrom;
use crate::stream::ShardId;
use crate::time::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The shards of one mapping that run here.
#[derive(Debug, Default)]
pub struct Assignments {
    running: BTreeMap<ShardId, Running>,
    is_draining: bool,
    commands: VecDeque<Command>,
}

#[derive(Debug, Default)]
struct Running {
    /// It was drained, and is assigned again before that was done.
    again: Option<Assigned>,
    /// It was revoked or lost.
    is_ending: bool,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// What this poller is to read is another.
    Changed(Change),
    /// A shard that was started runs no more.
    Ended(Released),
    /// Stop: every shard is drained, and none is started any more.
    Drain,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Start to read a shard. Answer, at some time: [`Input::Ended`].
    Start(Assigned),
    /// Let a shard finish what is in flight.
    Drain {
        /// The shard.
        shard: ShardId,
        /// From this moment on it is somebody else's.
        by: Option<Timestamp>,
    },
    /// Give up a shard as it stands: it is somebody else's, or the time to finish is over.
    Abandon(ShardId),
    /// Records of every running shard are now kept for this long, and of those that are started from now on.
    Retain(Duration),
    /// The log of a shard begins at this offset now.
    Trim {
        /// The shard.
        shard: ShardId,
        /// Where its log begins.
        log_start: u64,
    },
    /// This shard runs no more.
    Release(Released),
    /// Show what the mapping does.
    Show(Doing),
}

/// What a mapping does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doing {
    /// It reads its source.
    Polling,
    /// It waits.
    Waiting(Waiting),
    /// Everything that was there at the start is settled.
    CaughtUp,
}

impl Assignments {
    /// Takes in what happened. Drain [`Assignments::next_command`] afterwards.
    ///
    /// # Panics
    ///
    /// If a shard ends that does not run.
    pub fn handle(&mut self, input: Input) {
        match input {
            Input::Changed(change) => self.changed(change),
            Input::Ended(released) => self.ended(released),
            Input::Drain => {
                self.is_draining = true;
                let shards: Vec<ShardId> = self.running.keys().cloned().collect();
                shards.into_iter().for_each(|shard| self.drain(shard, None));
            }
        }
    }

    /// The next command, if any.
    pub fn next_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// Whether a shard runs.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    fn changed(&mut self, change: Change) {
        match change {
            Change::Assigned(assigned) => assigned.into_iter().for_each(|assigned| self.assign(assigned)),
            Change::Revoked { shards, by } => shards.into_iter().for_each(|shard| self.revoke(shard, by)),
            Change::Lost(shards) => shards.into_iter().for_each(|shard| self.lose(shard)),
            Change::Retention(retention) => self.commands.push_back(Command::Retain(retention)),
            Change::Trimmed { shard, log_start } => {
                if self.running.contains_key(&shard) {
                    self.commands.push_back(Command::Trim { shard, log_start });
                }
            }
            Change::Polling => self.commands.push_back(Command::Show(Doing::Polling)),
            Change::Waiting(why) => self.commands.push_back(Command::Show(Doing::Waiting(why))),
            Change::CaughtUp => self.commands.push_back(Command::Show(Doing::CaughtUp)),
        }
    }

    fn assign(&mut self, assigned: Assigned) {
        if self.is_draining {
            return;
        }
        match self.running.get_mut(&assigned.shard) {
            Some(running) if running.is_ending => running.again = Some(assigned),
            Some(_) => {}
            None => {
                self.running.insert(assigned.shard.clone(), Running::default());
                self.commands.push_back(Command::Start(assigned));
            }
        }
    }

    /// One that waits to be started again is taken back; then the answer is that of the one that still runs.
    fn revoke(&mut self, shard: ShardId, by: Option<Timestamp>) {
        if let Some(running) = self.running.get_mut(&shard) {
            running.again = None;
        }
        self.drain(shard, by);
    }

    fn drain(&mut self, shard: ShardId, by: Option<Timestamp>) {
        if let Some(running) = self.running.get_mut(&shard) {
            running.is_ending = true;
            self.commands.push_back(Command::Drain { shard, by });
        }
    }

    fn lose(&mut self, shard: ShardId) {
        if let Some(running) = self.running.get_mut(&shard) {
            running.again = None;
            running.is_ending = true;
            self.commands.push_back(Command::Abandon(shard));
        }
    }

    /// One that is to be started again goes on from what it kept itself, unless it was lost: then somebody else may have gone
    /// further.
    fn ended(&mut self, released: Released) {
        let running = self.running.remove(&released.shard).expect("only a shard that runs ends");
        let has_ended = released.checkpoint.ended;
        let Some(mut again) = running.again.filter(|_| !has_ended) else { return self.release(released) };
        if released.finished != Finished::Lost {
            if let Some(position) = &released.checkpoint.position {
                again.from = ReadFrom::After(position.clone());
            }
            again.checkpoint = released.checkpoint.clone();
        }
        self.release(released);
        self.assign(again);
    }

    fn release(&mut self, released: Released) {
        self.commands.push_back(Command::Release(released));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;
    use crate::shard::Checkpoint;
    use crate::starting_position::ShardStart;
    use crate::testing::at;

    fn id(name: &str) -> ShardId {
        ShardId::new(name)
    }

    fn up_to(position: Option<&str>) -> Checkpoint {
        Checkpoint { position: position.map(Position::new), ..Checkpoint::default() }
    }

    fn assigned(name: &str, position: Option<&str>) -> Assigned {
        let start = ReadFrom::Start(ShardStart::TrimHorizon);
        Assigned {
            shard: id(name),
            stream_arn: "arn".into(),
            from: position.map_or(start, |position| ReadFrom::After(Position::new(position))),
            checkpoint: up_to(position),
            until_caught_up: false,
        }
    }

    fn assign(name: &str, position: Option<&str>) -> Input {
        Input::Changed(Change::Assigned(vec![assigned(name, position)]))
    }

    fn revoke(name: &str, by: Option<u64>) -> Input {
        Input::Changed(Change::Revoked { shards: vec![id(name)], by: by.map(at) })
    }

    fn lose(name: &str) -> Input {
        Input::Changed(Change::Lost(vec![id(name)]))
    }

    fn ended(name: &str, finished: Finished, position: Option<&str>) -> Input {
        let checkpoint = Checkpoint { ended: finished == Finished::ShardEnd, ..up_to(position) };
        Input::Ended(Released { shard: id(name), finished, checkpoint })
    }

    fn show(command: Command) -> String {
        match command {
            Command::Start(Assigned { shard, from: ReadFrom::After(position), .. }) => {
                format!("start {shard} after {position}")
            }
            Command::Start(Assigned { shard, .. }) => format!("start {shard}"),
            Command::Drain { shard, by: Some(by) } => format!("drain {shard} by {}", by.as_millis()),
            Command::Drain { shard, by: None } => format!("drain {shard}"),
            Command::Abandon(shard) => format!("abandon {shard}"),
            Command::Release(Released { shard, finished, .. }) => format!("release {shard} {finished:?}"),
            other @ (Command::Retain(_) | Command::Trim { .. } | Command::Show(_)) => format!("{other:?}"),
        }
    }

    /// After each input, these commands.
    #[track_caller]
    fn check(steps: &[(Input, &str)]) -> Assignments {
        let mut assignments = Assignments::default();
        for (input, expected) in steps {
            assignments.handle(input.clone());
            let commands: Vec<String> = std::iter::from_fn(|| assignments.next_command()).map(show).collect();
            assert_eq!(commands.join(", "), *expected, "after {input:?}");
        }
        assignments
    }

    #[test]
    fn what_is_assigned_starts_and_what_is_revoked_drains_and_is_then_released() {
        let by = at(70).as_millis();
        let assignments = check(&[
            (assign("a", None), "start a"),
            (revoke("a", Some(70)), &format!("drain a by {by}")),
            (ended("a", Finished::Drained, Some("5")), "release a Drained"),
        ]);
        assert!(assignments.is_idle());
    }

    #[test]
    fn what_is_lost_is_abandoned() {
        check(&[
            (assign("a", None), "start a"),
            (lose("a"), "abandon a"),
            (ended("a", Finished::Lost, None), "release a Lost"),
        ]);
    }

    #[test]
    fn a_shard_that_is_assigned_again_before_it_was_drained_goes_on_where_it_ended() {
        check(&[
            (assign("a", Some("3")), "start a after 3"),
            (revoke("a", None), "drain a"),
            (assign("a", Some("3")), ""),
            (ended("a", Finished::Drained, Some("5")), "release a Drained, start a after 5"),
        ]);
    }

    #[test]
    fn a_shard_that_was_lost_and_is_assigned_again_goes_on_where_its_owner_says() {
        check(&[
            (assign("a", Some("3")), "start a after 3"),
            (lose("a"), "abandon a"),
            (assign("a", Some("9")), ""),
            (ended("a", Finished::Lost, Some("5")), "release a Lost, start a after 9"),
        ]);
    }

    #[test]
    fn a_shard_that_ended_meanwhile_is_not_started_again() {
        check(&[
            (assign("a", None), "start a"),
            (revoke("a", None), "drain a"),
            (assign("a", None), ""),
            (ended("a", Finished::ShardEnd, Some("5")), "release a ShardEnd"),
        ]);
    }

    #[test]
    fn a_shard_that_is_revoked_before_it_was_started_again_is_not_started() {
        check(&[
            (assign("a", None), "start a"),
            (revoke("a", None), "drain a"),
            (assign("a", None), ""),
            (revoke("a", None), "drain a"),
            (ended("a", Finished::Drained, None), "release a Drained"),
        ]);
    }

    #[test]
    fn a_shard_that_runs_is_not_started_a_second_time() {
        check(&[(assign("a", None), "start a"), (assign("a", None), "")]);
    }

    #[test]
    fn nothing_starts_once_everything_drains() {
        let assignments = check(&[
            (assign("a", None), "start a"),
            (Input::Drain, "drain a"),
            (assign("b", None), ""),
            (ended("a", Finished::Drained, None), "release a Drained"),
        ]);
        assert!(assignments.is_idle());
    }

    #[test]
    fn what_does_not_run_is_not_drained() {
        check(&[(revoke("a", None), ""), (lose("a"), "")]);
    }
}
