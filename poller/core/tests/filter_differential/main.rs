//! Holds our filter engine against AWS's own, event-ruler: both judge the same generated patterns and events, and must agree.
//!
//! Each pair is made from a seed of its own; a difference prints it. `tests/event-ruler` makes AWS's engine ready.
//!
//! `PELTON_FILTER_PAIRS` says how many pairs (100,000), `PELTON_FILTER_SEED` the first one's seed.

mod generator;
mod judge;

use judge::{Judge, Judgement};
use pelton_core::filter::{Explanation, Filters};
use std::ops::Range;

/// Pairs that are sent before their answers are read: less than what the pipes between the processes hold would stop.
const BATCH: u64 = 1000;

/// Differences that are shown before the test gives up.
const SHOWN_MAX: usize = 10;

fn ours(pattern: &str, event: &str) -> Judgement {
    let Ok(filters) = Filters::compile_bare(&[pattern.to_owned()]) else { return Judgement::NoPattern };
    match filters.expect("one pattern was given").explain_document(event) {
        Ok(Explanation::Pass) => Judgement::Match,
        Ok(Explanation::Drop(decided) | Explanation::DropNotJson { decided, .. }) => {
            assert_eq!(decided.len(), 1, "the one pattern says why it does not match");
            Judgement::NoMatch
        }
        Err(_) => Judgement::NoEvent,
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}")))
}

#[test]
fn our_engine_judges_as_event_ruler_does() {
    let pairs = setting("PELTON_FILTER_PAIRS").unwrap_or(100_000);
    let first = setting("PELTON_FILTER_SEED").unwrap_or(0);
    let mut judge = Judge::start();
    let mut seen = Seen::default();
    for start in (first..first + pairs).step_by(usize::try_from(BATCH).unwrap()) {
        compare(&mut judge, start..(start + BATCH).min(first + pairs), &mut seen);
        assert!(seen.differences.len() < SHOWN_MAX, "{}", seen.differences.join("\n"));
    }
    assert!(seen.differences.is_empty(), "{}", seen.differences.join("\n"));
    assert!(seen.contradictions <= pairs / 100, "event-ruler contradicts itself too often: {seen:?}");
    let enough = pairs / 20;
    assert!(
        seen.matches >= enough && seen.others >= enough,
        "too few of one kind to prove anything: {seen:?}"
    );
}

#[derive(Debug, Default)]
struct Seen {
    matches: u64,
    others: u64,
    refused: u64,
    unsure: u64,
    contradictions: u64,
    differences: Vec<String>,
}

fn compare(judge: &mut Judge, seeds: Range<u64>, seen: &mut Seen) {
    let pairs: Vec<_> = seeds.map(|seed| (seed, generator::pair(seed))).collect();
    let theirs = judge.judge(pairs.iter().map(|(_, pair)| pair));
    for ((seed, pair), theirs) in pairs.iter().zip(theirs) {
        match theirs.judgement {
            Judgement::Match => seen.matches += 1,
            Judgement::NoMatch => seen.others += 1,
            Judgement::NoPattern | Judgement::NoEvent => seen.refused += 1,
            Judgement::Unsure => seen.unsure += 1,
        }
        seen.contradictions += u64::from(theirs.is_contradicted);
        let ours = ours(&pair.pattern, &pair.event);
        let is_known = theirs.judgement == Judgement::Unsure
            || (theirs.judgement == Judgement::NoPattern && is_read_by_the_old_compiler(&pair.pattern));
        if ours != theirs.judgement && !is_known {
            seen.differences.push(format!(
                "PELTON_FILTER_SEED={seed} PELTON_FILTER_PAIRS=1: event-ruler says {theirs:?}, we say {ours:?}\n  pattern {}\n  event   {}",
                pair.pattern, pair.event
            ));
        }
    }
}

/// A pattern in which `$or` is a field is read by an older compiler of event-ruler, which knows fewer forms of `anything-but`. We accept
/// them there too.
fn is_read_by_the_old_compiler(pattern: &str) -> bool {
    let unescaped = pattern.replace("\\u0024", "$").replace("\\u006f", "o").replace("\\u0072", "r");
    unescaped.contains("\"$or\"") && pattern.contains("{\"anything-but\":{")
}
