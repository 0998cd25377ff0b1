//! One mapping in detail: its settings, its shards, and the batches that fail, with everything that helps to mend the function.
//!
//! In: what the poller told of the mapping. Out: lines of at most so many characters.

use super::row::{short, state_name};
use super::table::state_text;
use super::wrap::wrap;
use crate::control::snapshot::{FailingStatus, GroupStatus, MappingStatus, ShardStatus};
use indicatif::HumanCount;
use pelton_core::Timestamp;

/// Width of the names before the values.
const NAMES: usize = 18;

const SHARD_INDENT: usize = 2;
const BATCH_INDENT: usize = 4;

/// The mapping as it was at `now`, in lines of at most `columns` characters.
pub(crate) fn detail(mapping: &MappingStatus, now: Timestamp, columns: usize) -> Vec<String> {
    let mut lines = Lines { lines: Vec::new(), columns, indent: 0 };
    lines.name("mapping", &mapping.id);
    lines.name("function", &mapping.function);
    lines.name("stream", &mapping.stream);
    lines.name("state", &state_text(&mapping.state).1);
    lines.name("starts from", &mapping.starting_position);
    if let Some(GroupStatus { id, rebalances, .. }) = &mapping.group {
        let lag = HumanCount(mapping.offset_lags().sum());
        lines.name("consumer group", &format!("{id}, lag {lag}, {} rebalances", HumanCount(*rebalances)));
    }
    for (name, value) in settings(mapping) {
        lines.name("", &format!("{name} {value}"));
    }
    let nowhere = || "dropped, as far as the poller tells".to_owned();
    lines.name("failed records", &mapping.failed_records_to.clone().unwrap_or_else(nowhere));
    let (settled, given_up) = (mapping.totals.settled(), mapping.totals.given_up());
    lines.name("settled", &format!("{}, of which {} given up", HumanCount(settled), HumanCount(given_up)));
    for shard in &mapping.shards {
        lines.indent = SHARD_INDENT;
        of_shard(&mut lines, mapping, shard, now);
    }
    lines.lines
}

/// Every setting that matters for reading, retrying and giving up, and all others that are not the default.
fn settings(mapping: &MappingStatus) -> Vec<(&'static str, String)> {
    let settings = &mapping.settings;
    let mut all = vec![("BatchSize", settings.batch_size.to_string())];
    all.push(("MaximumBatchingWindowInSeconds", settings.batching_window()));
    let changes = settings.changes();
    let no_limit = |name| changes.iter().all(|(changed, _)| *changed != name);
    for name in ["MaximumRetryAttempts", "MaximumRecordAgeInSeconds"] {
        if no_limit(name) {
            all.push((name, "-1 (no limit)".to_owned()));
        }
    }
    all.extend(changes);
    all
}

fn of_shard(lines: &mut Lines, mapping: &MappingStatus, shard: &ShardStatus, now: Timestamp) {
    lines.lines.push(String::new());
    let ago = |moment: Timestamp| short(now.since(moment));
    lines.name("shard", &shard.shard);
    lines.name("phase", state_name(shard, now));
    lines.name("position", shard.checkpoint.as_deref().unwrap_or("none yet"));
    if let Some(saved_at) = shard.checkpoint_saved_at {
        lines.name("stored", &format!("{} ago", ago(saved_at)));
    }
    let held = HumanCount(shard.records_held as u64);
    match shard.batch_arrived_at {
        Some(arrived) => {
            lines.name("held", &format!("{held} records, the oldest arrived {} ago", ago(arrived)))
        }
        None => lines.name("held", &format!("{held} records")),
    }
    if let Some(age) = shard.iterator_age_ms {
        lines.name("iterator age", &short(std::time::Duration::from_millis(age)));
    }
    if let Some(since) = shard.unread_since {
        lines.name("unreadable for", &ago(since));
    }
    if let Some(error) = shard.last_error.as_ref().filter(|_| shard.failing.is_empty()) {
        lines.name("error", error);
    }
    for batch in &shard.failing {
        lines.indent = BATCH_INDENT;
        let waits = if mapping.settings.parallelization_factor.is_some_and(|factor| factor > 1) {
            "the keys of the batch wait"
        } else {
            "the shard waits"
        };
        of_batch(lines, &mapping.id, batch, waits, now);
    }
}

fn of_batch(lines: &mut Lines, mapping: &str, batch: &FailingStatus, waits: &str, now: Timestamp) {
    let limit = batch.attempt_limit.map_or("(no limit)".to_owned(), |limit| format!("of {limit}"));
    let records = if batch.records == 1 { "record" } else { "records" };
    lines.name("failing batch", &format!("{} {records}; {waits}", HumanCount(batch.records as u64)));
    if let (Some(first), Some(last)) = (&batch.first_sequence_number, &batch.last_sequence_number) {
        lines.name("first record", first);
        lines.name("last record", last);
    }
    if !batch.given_up {
        lines.name("to look at it", &format!("pelton get --stuck {mapping}"));
    }
    lines.name("attempts", &format!("{} {limit}", batch.attempts));
    let moment = |moment: Timestamp| moment_text(moment);
    let first = batch.first_failed_at;
    lines.name("failing since", &format!("{} ({} ago)", moment(first), short(now.since(first))));
    let next = match (batch.next_attempt_at, batch.given_up) {
        (Some(at), false) => format!("{} (in {})", moment(at), short(at.since(now))),
        (Some(at), true) => {
            format!("none: given up; next delivery {} (in {})", moment(at), short(at.since(now)))
        }
        (None, false) => "now".to_owned(),
        (None, true) => "none: given up, being delivered".to_owned(),
    };
    lines.name("next attempt", &next);
    lines.name("error", &batch.error_message);
    if let Some(error_type) = &batch.error_type {
        lines.name("error type", error_type);
    }
    if let Some(request_id) = &batch.request_id {
        lines.name("request id", request_id);
        lines.name("trace", "in the log of the poller, behind START with this request id");
    }
}

/// `2026-11-30T05:01:44Z`
fn moment_text(moment: Timestamp) -> String {
    let millis = i64::try_from(moment.as_millis()).unwrap_or(i64::MAX);
    let moment = jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX);
    format!("{moment:.0}")
}

struct Lines {
    lines: Vec<String>,
    columns: usize,
    indent: usize,
}

impl Lines {
    /// A name, and its value beside it, in as many lines as it takes.
    fn name(&mut self, name: &str, value: &str) {
        let before = self.indent + NAMES;
        let wrapped = wrap(value, self.columns, before);
        let mut wrapped = wrapped.into_iter();
        let first = wrapped.next().unwrap_or_default();
        let first = first.get(before..).unwrap_or_default();
        let (indent, width) = (self.indent, NAMES);
        self.lines.push(format!("{:indent$}{name:<width$}{first}", "").trim_end().to_owned());
        self.lines.extend(wrapped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::StatusSnapshot;

    /// A poller that tells of two batches, one of which is given up.
    fn stuck() -> StatusSnapshot {
        let mut snapshot: StatusSnapshot =
            serde_json::from_str(include_str!("../control/older_answer.json")).unwrap();
        let mapping = &mut snapshot.mappings[0];
        mapping.settings.parallelization_factor = Some(2);
        mapping.settings.maximum_retry_attempts = Some(3);
        mapping.failed_records_to = Some("file:/app/.pelton/failed/OrderLedgerOrders.jsonl".into());
        let now = snapshot.taken_at;
        let failing = FailingStatus {
            attempts: 3,
            attempt_limit: Some(4),
            records: 12,
            first_sequence_number: Some("49590338271490256608559692538361571095921575989136588801".into()),
            last_sequence_number: Some("49590338271490256608559692538361571095921575989136588898".into()),
            first_failed_at: Timestamp::from_millis(now.as_millis() - 70_000),
            next_attempt_at: Some(Timestamp::from_millis(now.as_millis() + 4_200)),
            given_up: false,
            error_type: Some("alloc::boxed::Box<dyn core::error::Error + core::marker::Send>".into()),
            error_message: format!("panicked at order 7: \x1b[2J{}", "no amount ".repeat(20)),
            request_id: Some("8b1d4f0e-0000-4000-8000-000000000001".into()),
        };
        let given_up = FailingStatus {
            given_up: true,
            attempts: 4,
            next_attempt_at: None,
            error_message: "short".into(),
            error_type: None,
            request_id: None,
            ..failing.clone()
        };
        mapping.shards[0].failing = vec![failing, given_up];
        snapshot
    }

    #[test]
    fn everything_about_the_batches_that_fail_is_there_in_eighty_columns() {
        let snapshot = stuck();
        let lines = detail(&snapshot.mappings[0], snapshot.taken_at, 80);
        let text = lines.join("\n");
        assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
        for expected in [
            "mapping           OrderLedgerOrders",
            "MaximumRetryAttempts 3",
            "failed records    file:/app/.pelton/failed/OrderLedgerOrders.jsonl",
            "  shard             shardId-000000000000",
            "  phase             retrying",
            "  position          none yet",
            "  held              250 records, the oldest arrived 1m10s ago",
            "    failing batch     12 records; the keys of the batch wait",
            "    first record      49590338271490256608559692538361571095921575989136588801",
            "    last record       49590338271490256608559692538361571095921575989136588898",
            "    to look at it     pelton get --stuck OrderLedgerOrders",
            "    attempts          3 of 4",
            "    failing since     2026-11-30T05:00:30Z (1m10s ago)",
            "    next attempt      2026-11-30T05:01:44Z (in 4.2s)",
            "    request id        8b1d4f0e-0000-4000-8000-000000000001",
            "    next attempt      none: given up, being delivered",
        ] {
            assert!(lines.iter().any(|line| line.contains(expected)), "{expected}\n{text}");
        }
        let place = |part| text.find(part).unwrap_or_else(|| panic!("{part}\n{text}"));
        assert!(place("panicked at order 7: \\u{1b}[2Jno amount") < place("alloc::boxed::Box"));
        assert_eq!(text.matches("amount").count(), 20, "the error is whole\n{text}");
    }

    #[test]
    fn without_a_limit_it_says_so_and_what_else_goes_wrong_is_shown() {
        let mut snapshot = stuck();
        let mapping = &mut snapshot.mappings[0];
        mapping.failed_records_to = None;
        mapping.shards[0].failing.clear();
        let lines = detail(&snapshot.mappings[0], snapshot.taken_at, 80);
        assert!(lines.contains(&"  error             Unhandled: boom".to_owned()), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("MaximumRecordAgeInSeconds -1 (no limit)")));
        assert!(lines.iter().any(|line| line.starts_with("failed records    dropped")));
    }
}
