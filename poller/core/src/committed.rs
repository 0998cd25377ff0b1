//! What a consumer group of Kafka keeps of a partition: an offset, and a text beside it that travels with the offset.
//!
//! In: a checkpoint. Out: the offset to commit, which is that of the first record that is not settled, and in the text what is settled
//! above it and which batches failed. And back. A text that somebody else wrote, or none, is no error: the partition goes on at the
//! offset, and its records have all their attempts before them.
//!
//! The text is `pelton1 ahead=RUNS failed=RUNS*ATTEMPTS@MILLIS;…`. RUNS are runs of offsets, each as `GAP` or `GAP-LENGTH`: a gap of 0
//! begins at the offset, or right behind the run before.

use crate::record::Position;
use crate::shard::{Checkpoint, KeptBatch};
use crate::time::Timestamp;
use std::fmt::Write as _;

/// Longest text. A broker takes 4,096 bytes unless it is told otherwise.
pub const TEXT_BYTES_MAX: usize = 3_000;

/// Most offsets that a text may stand for: more than a poller ever reads ahead in one partition, and no burden on memory.
const OFFSETS_MAX: u64 = 100_000;

/// Name and version of the format.
const FORMAT: &str = "pelton1";

/// What is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The offset of the first record that is not settled, or a later one if there is none in between.
    pub offset: u64,
    /// The text beside it. At most [`TEXT_BYTES_MAX`] bytes.
    pub text: String,
}

impl Committed {
    /// Everything below this offset is settled, and nothing else.
    #[must_use]
    pub fn at(offset: u64) -> Self {
        Self { offset, text: String::new() }
    }

    /// What to commit for a partition that began at offset 0, or has a position.
    ///
    /// What does not fit into the text is left out: batches that failed come first, in order, then what is settled, from the offset
    /// on. A record that is left out of what is settled comes again; a batch that is left out has all its attempts before it.
    #[must_use]
    pub fn of(checkpoint: &Checkpoint) -> Self {
        let offset = checkpoint.position.as_ref().and_then(Position::offset).map_or(0, |last| last + 1);
        let mut failed = String::new();
        let room = TEXT_BYTES_MAX - format!("{FORMAT} ahead= failed=").len();
        for batch in &*checkpoint.failing {
            let Some(runs) = runs_text(offset, &batch.records, room) else { continue };
            let separator = if failed.is_empty() { "" } else { ";" };
            let KeptBatch { attempts, first_failed_at, .. } = batch;
            let one = format!("{separator}{runs}*{attempts}@{}", first_failed_at.as_millis());
            if failed.len() + one.len() <= room {
                failed.push_str(&one);
            }
        }
        let mut ahead = checkpoint.ahead.to_vec();
        ahead.sort_unstable();
        let ahead = longest_runs_text(offset, &ahead, room - failed.len());
        let mut text = String::new();
        if !(ahead.is_empty() && failed.is_empty()) {
            text = format!("{FORMAT} ahead={ahead} failed={failed}");
        }
        Self { offset, text }
    }

    /// The checkpoint that was committed.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        let position = self.offset.checked_sub(1).map(|last| Position::new(last.to_string()));
        let (ahead, failing) = self.parse().unwrap_or_default();
        Checkpoint { position, ahead: ahead.into(), failing: failing.into(), ..Checkpoint::default() }
    }

    /// What is settled ahead, and what failed. `None`: the text is not ours.
    fn parse(&self) -> Option<(Vec<u64>, Vec<KeptBatch>)> {
        let fields = self.text.strip_prefix(FORMAT)?.strip_prefix(" ahead=")?;
        let (ahead, failed) = fields.split_once(" failed=")?;
        let mut room = OFFSETS_MAX;
        let ahead = offsets(self.offset, ahead, &mut room)?;
        let batches = failed.split(';').filter(|text| !text.is_empty());
        let failing = batches.map(|text| batch(self.offset, text, &mut room)).collect::<Option<_>>()?;
        Some((ahead, failing))
    }
}

fn batch(offset: u64, text: &str, room: &mut u64) -> Option<KeptBatch> {
    let (runs, history) = text.split_once('*')?;
    let (attempts, first_failed_at) = history.split_once('@')?;
    let records = offsets(offset, runs, room)?;
    (!records.is_empty()).then_some(())?;
    Some(KeptBatch {
        records: records.into(),
        attempts: attempts.parse().ok()?,
        first_failed_at: Timestamp::from_millis(first_failed_at.parse().ok()?),
    })
}

/// The offsets that `text` stands for, each larger than the one before. They are taken from `room`.
fn offsets(offset: u64, text: &str, room: &mut u64) -> Option<Vec<u64>> {
    let mut offsets = Vec::new();
    let mut next = offset;
    for run in text.split(',').filter(|run| !run.is_empty()) {
        let (gap, length) = run.split_once('-').unwrap_or((run, "1"));
        let (gap, length): (u64, u64) = (gap.parse().ok()?, length.parse().ok()?);
        *room = room.checked_sub(length)?;
        let first = next.checked_add(gap)?;
        next = first.checked_add(length)?;
        offsets.extend(first..next);
    }
    Some(offsets)
}

/// The text of all these offsets, which rise; `None` if it is longer than `room`, or an offset is below the first.
fn runs_text(offset: u64, offsets: &[u64], room: usize) -> Option<String> {
    let text = longest_runs_text(offset, offsets, room);
    let mut all = u64::MAX;
    let is_all = self::offsets(offset, &text, &mut all).is_some_and(|told| told == offsets);
    is_all.then_some(text)
}

/// The text of as many of the first of these offsets, which rise, as `room` holds.
fn longest_runs_text(offset: u64, offsets: &[u64], room: usize) -> String {
    let mut text = String::new();
    let mut next = offset;
    for run in offsets.chunk_by(|one, after| one.checked_add(1) == Some(*after)) {
        let (Some(first), length) = (run.first(), run.len() as u64) else { continue };
        let Some(gap) = first.checked_sub(next) else { break };
        let before = text.len();
        let separator = if text.is_empty() { "" } else { "," };
        let written = match length {
            1 => write!(text, "{separator}{gap}"),
            _ => write!(text, "{separator}{gap}-{length}"),
        };
        if written.is_err() || text.len() > room {
            text.truncate(before);
            break;
        }
        next = first + length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(records: impl IntoIterator<Item = u64>, attempts: u32) -> KeptBatch {
        let first_failed_at = Timestamp::from_millis(1_700_000_000_123);
        KeptBatch { records: records.into_iter().collect(), attempts, first_failed_at }
    }

    fn checkpoint(position: Option<u64>, ahead: &[u64], failing: &[KeptBatch]) -> Checkpoint {
        Checkpoint {
            position: position.map(|last| Position::new(last.to_string())),
            ahead: ahead.into(),
            failing: failing.into(),
            ..Checkpoint::default()
        }
    }

    /// What is committed of a checkpoint. It comes back as it was.
    #[track_caller]
    fn check(kept: &Checkpoint, offset: u64, text: &str) {
        let committed = Committed::of(kept);
        assert_eq!((committed.offset, &*committed.text), (offset, text));
        assert_eq!(committed.checkpoint(), *kept);
    }

    #[test]
    fn the_offset_is_that_of_the_first_record_that_is_not_settled() {
        check(&checkpoint(None, &[], &[]), 0, "");
        check(&checkpoint(Some(0), &[], &[]), 1, "");
        check(&checkpoint(Some(99), &[], &[]), 100, "");
    }

    #[test]
    fn what_is_settled_above_travels_as_runs() {
        check(&checkpoint(Some(99), &[101, 102, 103, 110], &[]), 100, "pelton1 ahead=1-3,6 failed=");
        check(&checkpoint(None, &[1], &[]), 0, "pelton1 ahead=1 failed=");
    }

    #[test]
    fn attempts_and_the_parts_of_a_batch_that_was_split_travel_too() {
        let failing = [failed(100..105, 2), failed([105, 107, 109], 0)];
        let text = "pelton1 ahead= failed=0-5*2@1700000000123;5,1,1*0@1700000000123";
        check(&checkpoint(Some(99), &[], &failing), 100, text);
    }

    #[test]
    fn a_text_of_somebody_else_is_a_fresh_start_at_the_offset() {
        let texts = [
            "",
            "pelton",
            "pelton1",
            "pelton2 ahead=1 failed=",
            "consumer-1",
            "pelton1 ahead=x failed=",
            "pelton1 ahead=1",
            "pelton1 ahead=1-0-1 failed=",
            "pelton1 ahead=-1 failed=",
            "pelton1 ahead= failed=0",
            "pelton1 ahead= failed=0*1",
            "pelton1 ahead= failed=0*x@1",
            "pelton1 ahead= failed=0*1@x",
            "pelton1 ahead= failed=*1@1",
            "pelton1 ahead=18446744073709551615 failed=",
            "pelton1 ahead=0-99999999999 failed=",
            "pelton1 ahead=0-60000 failed=0-60000*1@1",
        ];
        for text in texts {
            let committed = Committed { offset: 7, text: text.to_owned() };
            assert_eq!(committed.checkpoint(), checkpoint(Some(6), &[], &[]), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_far_end() {
        let every_second: Vec<u64> = (0..5_000).map(|number| 101 + 2 * number).collect();
        let kept = checkpoint(Some(99), &every_second, &[failed(100..101, 3)]);
        let committed = Committed::of(&kept);
        assert!(committed.text.len() <= TEXT_BYTES_MAX, "{}", committed.text.len());
        let back = committed.checkpoint();
        assert_eq!(back.failing, kept.failing);
        assert!(back.ahead.len() > 1_000 && every_second.starts_with(&back.ahead), "{}", back.ahead.len());
    }

    #[test]
    fn a_batch_that_does_not_fit_is_left_out_and_no_other() {
        let scattered = (0..5_000).map(|number| 200 + 2 * number);
        let kept = checkpoint(Some(99), &[], &[failed(scattered, 1), failed(100..110, 3)]);
        assert_eq!(*Committed::of(&kept).checkpoint().failing, [failed(100..110, 3)]);
    }
}
