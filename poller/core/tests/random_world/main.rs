//! Seeded worlds: slow, failing, throttled and unreachable functions, lying sources, reshards, failed saves, expiry,
//! drains, crashes and jumping clocks, in any order; then fair weather, and nothing may be lost or left over.
//!
//! `PELTON_SEEDS=100000` runs more worlds (`100000..200000`: those), `PELTON_SEED=7` only that one. The same seed is the same world.

mod books;
#[path = "../common/mod.rs"]
mod common;
mod stream;
mod weather;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use world::World;

/// Worlds of a normal run.
const SEEDS: u64 = 10_000;
/// Worlds that are run twice to see whether they are the same.
const SEEDS_TWICE: u64 = 200;
/// Lines of the log that a failure shows.
const LINES_SHOWN: usize = 40;

fn run(seed: u64, log: Option<&mut String>) {
    let mut world = World::new(seed, log);
    world.storm();
    world.heal();
}

fn fails(seed: u64, log: Option<&mut String>) -> bool {
    catch_unwind(AssertUnwindSafe(|| run(seed, log))).is_err()
}

/// Runs one world. One that fails is run again, to show the end of its log and how to run it once more.
fn check(seed: u64) {
    if !fails(seed, None) {
        return;
    }
    let mut log = String::new();
    fails(seed, Some(&mut log));
    let lines: Vec<&str> = log.lines().collect();
    let end = lines[lines.len().saturating_sub(LINES_SHOWN)..].join("\n");
    panic!(
        "{end}\nto run this world again: PELTON_SEED={seed} cargo test -p pelton-core --test random_world"
    );
}

/// The seeds that `PELTON_SEEDS` names: `1000`, or `1000..2000`.
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("PELTON_SEEDS") else { return 0..SEEDS };
    let number = |text: &str| {
        text.parse().unwrap_or_else(|_| panic!("PELTON_SEEDS is `1000` or `1000..2000`, not {text:?}"))
    };
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

#[test]
fn every_world_comes_to_rest_and_nothing_is_lost() {
    match std::env::var("PELTON_SEED") {
        Ok(seed) => check(seed.parse().unwrap_or_else(|_| panic!("PELTON_SEED is a number, not {seed:?}"))),
        Err(_) => seeds().for_each(check),
    }
}

#[test]
fn the_storms_have_everything_in_them() {
    let mut log = String::new();
    (0..SEEDS_TWICE).for_each(|seed| run(seed, Some(&mut log)));
    let everything = [
        "TrimHorizon",
        "Latest",
        "AtTimestamp",
        "a reshard",
        "records arrived",
        "a hint",
        "trimmed",
        "an empty page",
        "the source claims an end",
        "the source breaks off",
        "the source answers of old",
        "the source lies of what follows",
        "the source lists a shard wrongly",
        "the source lists too little",
        "an end was refused",
        "a read failed",
        "a read was taken back",
        "succeeded",
        "failed",
        "throttled",
        "unreachable",
        "given up: Expired",
        "given up: TooLarge",
        "given up: TooOld",
        "given up: RetriesExhausted",
        "reported",
        "Listed {",
        "FromLowest",
        "lied",
        "was accepted",
        "was not accepted",
        "\"isWindowTerminatedEarly\":false",
        "\"isWindowTerminatedEarly\":true",
        "+ 1 ahead",
        "saved",
        "a save failed",
        "but was kept",
        "Retention(",
        "the clock jumped",
        "a long time passed",
        "drain",
        "drain in time",
        "lost",
        "a save was refused",
        "the start failed",
        "the stream was deleted",
        "the stream was made again",
        "the stream is gone",
        "the source describes another stream",
        "MadeAgain",
        "Resharded",
        "CheckFailed",
        "LostToRetention",
        "finished: Lost",
        "crash",
        "1 to repeat",
        "2 to repeat",
        "finished: Drained",
        "finished: ShardEnd",
        "finished: CaughtUp",
    ];
    for what in everything {
        assert!(log.contains(what), "no {what} in {SEEDS_TWICE} worlds");
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    for seed in 0..SEEDS_TWICE {
        let (mut first, mut second) = (String::new(), String::new());
        run(seed, Some(&mut first));
        run(seed, Some(&mut second));
        assert_eq!(first, second, "seed {seed}");
    }
}
