//! One shard as text, a cell for each column.

use crate::control::snapshot::{ShardPhase, ShardStatus};
use crate::logging::Style;
use indicatif::HumanCount;
use pelton_core::Timestamp;
use std::time::Duration;

/// Of a position, this many of its last characters are shown: the first are the same for a whole stream.
const POSITION_TAIL_LEN: usize = 8;

/// One shard, as text for each column.
pub(super) struct Row {
    pub(super) style: Style,
    pub(super) cells: [String; COLUMNS.len()],
    /// What goes wrong, for a line of its own.
    pub(super) below: Option<String>,
}

/// A column of the table.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) align: Align,
    /// So wide that columns rarely move from one picture to the next.
    pub(super) width_min: usize,
}

const fn column(name: &'static str, align: Align, width_min: usize) -> Column {
    Column { name, align, width_min }
}

/// The columns, in order. Together they fit into the usual 80 characters.
pub(super) const COLUMNS: [Column; 7] = [
    column("shard", Align::Left, 20),
    column("phase", Align::Left, 15),
    column("settled", Align::Right, 8),
    column("rec/s", Align::Right, 5),
    column("age", Align::Right, 6),
    column("errors", Align::Right, 6),
    column("position", Align::Right, POSITION_TAIL_LEN + 1),
];

/// The column that is left out where nothing is known of rates.
pub(super) const RATE_COLUMN: usize = 3;

#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Right,
}

impl Row {
    pub(super) fn new(shard: &ShardStatus, rate: Option<f64>, now: Timestamp) -> Self {
        let cells = [
            shard.shard.clone(),
            state(shard, now),
            HumanCount(shard.counts.settled()).to_string(),
            rate.map(|rate| format!("{rate:.0}")).unwrap_or_default(),
            age(shard, now).map(short).unwrap_or_else(|| "-".to_owned()),
            shard.counts.errors().to_string(),
            shard.checkpoint.as_deref().map(tail).unwrap_or_else(|| "-".to_owned()),
        ];
        let failing = shard.failing.first().map(|batch| batch.error_message.as_str());
        let below = shard.last_error.as_deref().or(failing).filter(|error| !error.is_empty());
        let below = below.map(|error| error.replace(char::is_control, " "));
        Self { style: style(shard, now), cells, below }
    }
}

/// A phase, in a word.
fn phase_name(phase: ShardPhase) -> &'static str {
    match phase {
        ShardPhase::Waiting => "waiting",
        ShardPhase::Polling => "polling",
        ShardPhase::Gathering => "gathering",
        ShardPhase::Invoking => "invoking",
        ShardPhase::Retrying { .. } => "retrying",
        ShardPhase::Stalled => "stalled",
        ShardPhase::Draining => "draining",
        ShardPhase::Drained => "drained",
        ShardPhase::Ended => "ended",
    }
}

/// The order in which shards are shown where not all of them fit: trouble, then work, then the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Interest {
    Trouble,
    Work,
    None,
}

pub(super) fn interest(shard: &ShardStatus, now: Timestamp) -> Interest {
    match shard.phase {
        _ if is_unreadable(shard, now) => Interest::Trouble,
        ShardPhase::Retrying { .. } | ShardPhase::Stalled => Interest::Trouble,
        ShardPhase::Polling | ShardPhase::Gathering | ShardPhase::Invoking | ShardPhase::Draining => {
            Interest::Work
        }
        ShardPhase::Waiting | ShardPhase::Drained | ShardPhase::Ended => Interest::None,
    }
}

/// What a shard does, in a word: one that cannot be read does not poll, whatever its phase says.
pub(super) fn state_name(shard: &ShardStatus, now: Timestamp) -> &'static str {
    if is_unreadable(shard, now) { "unreadable" } else { phase_name(shard.phase) }
}

/// Whether there is nothing to say of the shard but that it cannot be read.
fn is_unreadable(shard: &ShardStatus, now: Timestamp) -> bool {
    shard.phase == ShardPhase::Polling && shard.is_unread(now)
}

fn state(shard: &ShardStatus, now: Timestamp) -> String {
    match shard.phase {
        ShardPhase::Retrying { attempts, next_attempt_at } => {
            format!("retry {attempts} in {:.1}s", next_attempt_at.since(now).as_secs_f64())
        }
        ShardPhase::Waiting
        | ShardPhase::Polling
        | ShardPhase::Gathering
        | ShardPhase::Invoking
        | ShardPhase::Stalled
        | ShardPhase::Draining
        | ShardPhase::Drained
        | ShardPhase::Ended => state_name(shard, now).to_owned(),
    }
}

fn style(shard: &ShardStatus, now: Timestamp) -> Style {
    match interest(shard, now) {
        Interest::Trouble if shard.phase == ShardPhase::Stalled => Style::Red,
        Interest::Trouble => Style::Yellow,
        Interest::Work => Style::Plain,
        Interest::None => Style::Dim,
    }
}

/// How far the shard is behind: the age of the batch at hand, or what the last one had when it was sent.
fn age(shard: &ShardStatus, now: Timestamp) -> Option<Duration> {
    let at_hand = shard.batch_arrived_at.map(|arrived| now.since(arrived));
    at_hand.or(shard.iterator_age_ms.map(Duration::from_millis))
}

fn tail(position: &str) -> String {
    let len = position.chars().count();
    if len <= POSITION_TAIL_LEN {
        return position.to_owned();
    }
    let tail: String = position.chars().skip(len - POSITION_TAIL_LEN).collect();
    format!("…{tail}")
}

/// `12ms`, `3.4s`, `2m10s`, `3h5m`, `4d2h`
pub(crate) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{}.{}s", seconds, duration.subsec_millis() / 100),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
        86_400.. => format!("{}d{}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_at_most_two_units() {
        let check = |millis, expected| assert_eq!(short(Duration::from_millis(millis)), expected);
        check(0, "0ms");
        check(999, "999ms");
        check(3_449, "3.4s");
        check(59_999, "59.9s");
        check(130_000, "2m10s");
        check(3 * 3_600_000 + 5 * 60_000, "3h5m");
        check(98 * 3_600_000, "4d2h");
    }

    #[test]
    fn a_position_is_shown_by_its_end() {
        assert_eq!(tail("49590338271490256608559692538361571095921575989136588898"), "…36588898");
        assert_eq!(tail("12345678"), "12345678");
    }
}
