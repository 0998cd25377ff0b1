//! What is left of a poller that is to catch up, when its deadline comes.
//!
//! In: what the mappings show. Out: what is not done, for people. Stops nothing.

use crate::shard_worker::WorkerView;
use crate::supervisor::{MappingActivity, MappingHandle, MappingView};
use crate::user_error::UserError;
use pelton_core::Phase;
use std::fmt::Write as _;

/// More lines than this do not help.
const LEFT_SHOWN_MAX: usize = 20;

/// The failure of a poller that was to catch up, and did not in time.
pub(super) fn late(mappings: &[MappingHandle]) -> UserError {
    let mut problem =
        "the deadline passed before all records that were in the stream at the start were settled".to_owned();
    let left = left(mappings);
    for line in left.iter().take(LEFT_SHOWN_MAX) {
        write!(problem, "\n  {line}").expect("a string takes what is written");
    }
    if left.len() > LEFT_SHOWN_MAX {
        write!(problem, "\n  and {} more", left.len() - LEFT_SHOWN_MAX)
            .expect("a string takes what is written");
    }
    UserError::failed(problem).help("the checkpoints are stored: the next run resumes there")
}

/// The failure of a poller whose deadline came before it ran.
pub fn not_started() -> UserError {
    UserError::failed("the deadline came before the poller had started: nothing was invoked")
        .help("does the endpoint answer? Otherwise give it more time with --deadline")
}

/// One line for each mapping or shard that is not done.
fn left(mappings: &[MappingHandle]) -> Vec<String> {
    let mut left = Vec::new();
    for MappingHandle { mapping, view, .. } in mappings {
        let Some(view) = view else { continue };
        let view = view.borrow();
        let shards = view.shards.iter();
        let of_shards =
            shards.filter_map(|(id, shard)| Some(format!("{id}: {}", of_shard(&shard.borrow())?)));
        let lines = of_mapping(&view).into_iter().chain(of_shards);
        left.extend(lines.map(|line| format!("{} {line}", mapping.id)));
    }
    left
}

/// What stands in the way of the mapping as a whole.
fn of_mapping(view: &MappingView) -> Vec<String> {
    let mut lines = Vec::new();
    if let MappingActivity::Waiting { reason } = &view.activity {
        lines.push(format!("waits for its stream: {reason}"));
    }
    match view.waiting.len() {
        0 => {}
        1 => lines.push("1 shard waits for its parents".to_owned()),
        shards => lines.push(format!("{shards} shards wait for their parents")),
    }
    lines
}

fn of_shard(WorkerView { shard, problem, unread_since, is_open: _ }: &WorkerView) -> Option<String> {
    let mut line = match shard.phase {
        Phase::Finished(_) => return None,
        Phase::Polling if unread_since.is_some() => "cannot be read".to_owned(),
        Phase::Polling => "is still being read".to_owned(),
        Phase::Gathering => "gathers a batch".to_owned(),
        Phase::Invoking => "a batch is in flight".to_owned(),
        Phase::Retrying { attempts, .. } => {
            format!("a batch waits for its next attempt, attempts so far: {attempts}")
        }
        Phase::Stalled => "its checkpoint cannot be stored".to_owned(),
        Phase::Draining => "a batch in flight finishes".to_owned(),
    };
    if shard.records_held > 0 {
        let plural = if shard.records_held == 1 { "" } else { "s" };
        write!(line, "; {} record{plural} read and not settled", shard.records_held)
            .expect("a string takes what is written");
    }
    if let Some(problem) = problem {
        write!(line, "; {problem}").expect("a string takes what is written");
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::{Checkpoint, Counts, Finished, ShardView, Timestamp};

    #[track_caller]
    fn check(phase: Phase, records_held: usize, problem: Option<&str>, expected: Option<&str>) {
        let shard = ShardView {
            phase,
            checkpoint: Checkpoint::default(),
            records_held,
            bytes_held: 0,
            records_left: 0,
            failing: Vec::new(),
            oldest_arrival: None,
            iterator_age: None,
            checkpoint_saved_at: None,
            counts: Counts::default(),
        };
        let problem = problem.map(str::to_owned);
        let view = WorkerView { shard, is_open: true, unread_since: None, problem };
        assert_eq!(of_shard(&view).as_deref(), expected);
    }

    #[test]
    fn each_shard_that_is_not_done_says_why() {
        let retrying = Phase::Retrying { attempts: 3, at: Timestamp::default() };
        let said =
            "a batch waits for its next attempt, attempts so far: 3; 12 records read and not settled; E: bad";
        check(retrying, 12, Some("E: bad"), Some(said));
        check(Phase::Invoking, 1, None, Some("a batch is in flight; 1 record read and not settled"));
        check(Phase::Polling, 0, None, Some("is still being read"));
        check(Phase::Stalled, 0, Some("disk full"), Some("its checkpoint cannot be stored; disk full"));
        check(Phase::Finished(Finished::CaughtUp), 0, None, None);
    }
}
