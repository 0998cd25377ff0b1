//! The picture, as text.

use super::rates::Rates;
use super::render;
use crate::control::StatusSnapshot;
use crate::control::snapshot::{MappingState, MappingStatus, ReadAhead, ShardPhase, ShardStatus};
use crate::logging::{Palette, Style};
use pelton_core::{Counts, Timestamp};
use pelton_model::MappingConfiguration;

fn shard(number: u32, phase: ShardPhase, settled: u64) -> ShardStatus {
    ShardStatus {
        shard: format!("shardId-{number:012}"),
        phase,
        checkpoint: Some(format!("4959033827149025660855969253836157109592157598913658{number:04}")),
        checkpoint_saved_at: None,
        records_held: 0,
        bytes_held: 0,
        batch_arrived_at: None,
        iterator_age_ms: Some(12),
        unread_since: None,
        offset_lag: None,
        last_error: None,
        failing: vec![],
        counts: Counts { succeeded: settled, ..Counts::default() },
    }
}

fn mapping(id: &str, shards: Vec<ShardStatus>) -> MappingStatus {
    MappingStatus {
        id: id.into(),
        function: "order-ledger".into(),
        stream: "arn:aws:kinesis:us-east-1:000000000000:stream/orders".into(),
        state: MappingState::Polling,
        starting_position: "TRIM_HORIZON".into(),
        settings: MappingConfiguration::default(),
        failed_records_to: None,
        positions_trimmed: 0,
        totals: Counts {
            succeeded: shards.iter().map(|shard| shard.counts.settled()).sum(),
            ..Counts::default()
        },
        group: None,
        shards,
    }
}

fn snapshot(taken_at: u64, mappings: Vec<MappingStatus>) -> StatusSnapshot {
    StatusSnapshot {
        pid: 1,
        version: "0.1.0".into(),
        started_at: Timestamp::from_millis(0),
        taken_at: Timestamp::from_millis(taken_at),
        read_ahead: ReadAhead::default(),
        functions: vec![],
        mappings,
    }
}

fn check(snapshot: &StatusSnapshot, rates: Option<&Rates>, lines_max: usize, expected: &[&str]) {
    let lines = render(snapshot, rates, lines_max);
    let text: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(text, expected, "\n{}\n", text.join("\n"));
}

fn busy() -> StatusSnapshot {
    let retrying =
        ShardPhase::Retrying { attempts: 3, next_attempt_at: Timestamp::from_millis(100_000 + 4_200) };
    let failing = ShardStatus {
        checkpoint: None,
        records_held: 250,
        batch_arrived_at: Some(Timestamp::from_millis(30_000)),
        last_error: Some("no answer\nafter 3 s (Sandbox.Timedout)".into()),
        counts: Counts { function_errors: 3, ..Counts::default() },
        ..shard(1, retrying, 0)
    };
    let stopped = MappingStatus {
        state: MappingState::Waiting { reason: "the stream does not exist".into() },
        ..mapping("ClickCounterClicks", vec![])
    };
    let orders = vec![shard(0, ShardPhase::Invoking, 4_310), failing, shard(2, ShardPhase::Ended, 7)];
    snapshot(100_000, vec![mapping("OrderLedgerOrders", orders), stopped])
}

#[test]
fn each_shard_is_a_row_below_its_mapping() {
    let expected = [
        "  shard                 phase             settled    age errors  position",
        "OrderLedgerOrders  orders → order-ledger  from TRIM_HORIZON  4,317 settled  polling",
        "  shardId-000000000000  invoking            4,310   12ms      0 …36580000",
        "  shardId-000000000001  retry 3 in 4.2s         0  1m10s      3         -",
        "    no answer after 3 s (Sandbox.Timedout)",
        "  shardId-000000000002  ended                   7   12ms      0 …36580002",
        "ClickCounterClicks  orders → order-ledger  from TRIM_HORIZON  0 settled  \
         waiting: the stream does not exist",
    ];
    check(&busy(), None, usize::MAX, &expected);
}

#[test]
fn what_needs_attention_stands_out() {
    let styles: Vec<Style> = render(&busy(), None, usize::MAX).iter().map(|line| line.style).collect();
    let (dim, yellow) = (Style::Dim, Style::Yellow);
    assert_eq!(styles, [dim, Style::Bold, Style::Plain, yellow, yellow, dim, yellow]);
}

#[test]
fn a_shard_that_cannot_be_read_is_not_said_to_poll() {
    let since = |millis| ShardStatus {
        unread_since: Some(Timestamp::from_millis(millis)),
        last_error: Some("GetRecords was refused".into()),
        ..shard(0, ShardPhase::Polling, 1)
    };
    let lines = |shard| render(&snapshot(20_000, vec![mapping("M", vec![shard])]), None, usize::MAX);
    let unreadable = lines(since(10_000));
    assert!(unreadable[2].text.starts_with("  shardId-000000000000  unreadable  "), "{unreadable:?}");
    assert_eq!(
        (unreadable[2].style, unreadable[3].text.as_str()),
        (Style::Yellow, "    GetRecords was refused")
    );
    assert!(lines(since(10_001))[2].text.contains("  polling  "));
}

#[test]
fn what_a_shard_fails_with_takes_no_row_of_another_shard() {
    let failing =
        |number| ShardStatus { last_error: Some("boom".into()), ..shard(number, ShardPhase::Polling, 1) };
    let lines = render(&snapshot(0, vec![mapping("M", vec![failing(0), failing(1)])]), None, 5);
    let text: Vec<&str> = lines[2..].iter().map(|line| line.text.trim_start()).collect();
    assert!(
        text[0].starts_with("shardId-000000000000") && text[1].starts_with("shardId-000000000001"),
        "{text:?}"
    );
}

#[test]
fn failed_records_are_shown_to_go_where_they_really_go() {
    let local = MappingStatus { failed_records_to: Some("file:/app/M.jsonl".into()), ..mapping("M", vec![]) };
    let mut named = local.clone();
    named.settings.destination_config.on_failure.destination = Some("arn:aws:sqs:::q".into());
    let lines = render(&snapshot(0, vec![named]), None, usize::MAX);
    assert_eq!(lines[1].text, "  OnFailure file:/app/M.jsonl");
}

#[test]
fn a_rate_is_what_was_settled_over_the_last_seconds() {
    let mut rates = Rates::default();
    for (second, settled) in [(0, 0), (1, 1_000), (2, 1_100), (3, 1_200)] {
        rates.observe(&snapshot(
            second * 1_000,
            vec![mapping("M", vec![shard(0, ShardPhase::Polling, settled)])],
        ));
    }
    let now = snapshot(
        3_000,
        vec![mapping("M", vec![shard(0, ShardPhase::Polling, 1_200), shard(1, ShardPhase::Polling, 9)])],
    );
    let expected = [
        "  shard                 phase             settled rec/s    age errors  position",
        "M  orders → order-ledger  from TRIM_HORIZON  1,209 settled  polling",
        "  shardId-000000000000  polling             1,200   100   12ms      0 …36580000",
        "  shardId-000000000001  polling                 9     0   12ms      0 …36580001",
    ];
    check(&now, Some(&rates), usize::MAX, &expected);
    assert!(expected[0].len() < 80, "it fits into the usual terminal");
}

#[test]
fn a_shard_that_began_anew_has_no_rate() {
    let mut rates = Rates::default();
    rates.observe(&snapshot(0, vec![mapping("M", vec![shard(0, ShardPhase::Polling, 500)])]));
    let anew = shard(0, ShardPhase::Polling, 3);
    rates.observe(&snapshot(1_000, vec![mapping("M", vec![anew.clone()])]));
    assert_eq!(rates.of("M", &anew), 0.0);
}

#[test]
fn what_a_shard_settled_that_ended_stays_in_the_total_of_its_mapping_and_in_its_rate() {
    let with_ended = |at, ended, shards| {
        let mut mapping = mapping("M", shards);
        mapping.totals.succeeded += ended;
        snapshot(at, vec![mapping])
    };
    let mut rates = Rates::default();
    rates.observe(&with_ended(0, 0, vec![shard(0, ShardPhase::Polling, 500)]));
    let after = with_ended(1_000, 600, vec![shard(1, ShardPhase::Polling, 50)]);
    rates.observe(&after);
    assert_eq!(rates.of_mapping(&after.mappings[0]), 150.0);
    let heading = &render(&after, None, 10)[1].text;
    assert!(heading.ends_with("  650 settled  polling"), "{heading}");
}

#[test]
fn shards_that_do_not_fit_are_summed_up_and_those_in_trouble_come_first() {
    let shards = |len| (0..len).map(|number| shard(number, ShardPhase::Polling, 1)).collect::<Vec<_>>();
    let mut many = shards(50);
    many[0].phase = ShardPhase::Ended;
    many[49].phase = ShardPhase::Stalled;
    let crowded = snapshot(0, vec![mapping("A", many), mapping("B", shards(2))]);
    let lines = render(&crowded, None, 12);
    assert!(lines.len() <= 12);
    assert!(lines[2].text.starts_with("  shardId-000000000049  stalled"));
    assert!(lines[3].text.starts_with("  shardId-000000000001  polling"));
    assert_eq!(lines[5].text, "  … 47 more shards: 1 ended, 46 polling");
    assert!(lines[6].text.starts_with("B "));
    assert_eq!(lines.len(), 9, "the other mapping shows both of its shards");
}

#[test]
fn however_much_there_is_the_picture_keeps_to_its_lines() {
    for mappings in 1..20 {
        for shards in 0..20 {
            let of_one = || (0..shards).map(|number| shard(number, ShardPhase::Polling, 1)).collect();
            let crowded = snapshot(0, (0..mappings).map(|_| mapping("M", of_one())).collect());
            for lines_max in 4..30 {
                let lines = render(&crowded, None, lines_max);
                assert!(
                    lines.len() <= lines_max,
                    "{mappings} mappings of {shards} shards in {lines_max} lines"
                );
            }
        }
    }
}

#[test]
fn mappings_that_do_not_fit_are_counted() {
    let crowded = snapshot(0, (0..9).map(|_| mapping("M", vec![shard(0, ShardPhase::Polling, 1)])).collect());
    assert_eq!(render(&crowded, None, 10).last().unwrap().text, "… and 5 more mappings");
}

#[test]
fn a_line_is_cut_to_the_terminal_before_it_is_painted() {
    let line = &render(&busy(), None, usize::MAX)[1];
    assert_eq!(line.painted(Palette::Plain, 28), "OrderLedgerOrders  orders → ");
    assert_eq!(line.painted(Palette::Colour, 3), "\x1b[1mOrd\x1b[0m");
}

#[test]
fn without_mappings_it_says_so() {
    check(&snapshot(0, vec![]), None, 10, &["no event source mappings"]);
}

#[test]
fn records_that_were_lost_to_retention_are_said_in_the_heading() {
    let trimmed = MappingStatus { positions_trimmed: 2, ..mapping("M", vec![]) };
    let heading = &render(&snapshot(0, vec![trimmed]), None, 10)[0].text;
    assert!(heading.ends_with("polling  RECORDS LOST TO RETENTION, 2×"), "{heading}");
}

#[test]
fn what_was_filtered_out_given_up_or_lost_is_said_beside_what_was_settled() {
    let heading = |totals| {
        let mapping = MappingStatus { totals, ..mapping("M", vec![]) };
        render(&snapshot(0, vec![mapping]), None, 10)[0].text.clone()
    };
    let none = Counts::default();
    let counts =
        Counts { succeeded: 100, filtered: 12, too_old: 1, retries_exhausted: 4, delivered: 3, ..none };
    let expected = "  117 settled (12 filtered out, 5 given up, 3 of these handed over, 2 DROPPED)  polling";
    let lossy = heading(Counts { dropped: 2, ..counts });
    assert!(lossy.ends_with(expected), "{lossy}");
    let filtered = heading(Counts { succeeded: 1, filtered: 2_000, ..none });
    assert!(filtered.ends_with("  2,001 settled (2,000 filtered out)  polling"), "{filtered}");
}

#[test]
fn settings_other_than_the_defaults_are_a_line_of_their_own_where_no_shard_loses_its_row() {
    let settings = MappingConfiguration {
        batch_size: 5,
        parallelization_factor: Some(4),
        maximum_retry_attempts: Some(3),
        function_response_types: vec!["ReportBatchItemFailures".into()],
        ..MappingConfiguration::default()
    };
    let shards = || vec![shard(0, ShardPhase::Polling, 1), shard(1, ShardPhase::Polling, 1)];
    let with_settings = MappingStatus { settings, ..mapping("M", shards()) };
    let set = snapshot(0, vec![with_settings]);
    let lines = render(&set, None, usize::MAX);
    let expected =
        "  ParallelizationFactor 4, MaximumRetryAttempts 3, FunctionResponseTypes ReportBatchItemFailures";
    assert_eq!(lines[2].text, expected);
    assert_eq!(lines.len(), 5);
    let crowded = render(&set, None, 5);
    assert_eq!(crowded.len(), 4, "heading, names of the columns, both shards");
    assert_eq!(render(&snapshot(0, vec![mapping("M", shards())]), None, usize::MAX).len(), 4);
}
