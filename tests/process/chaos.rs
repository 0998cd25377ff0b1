//! The short run of the chaos test; `tests/chaos` makes long ones.

use pelton_tests::chance;
use pelton_tests::chaos::{Options, Source, run};
use std::time::Duration;

/// How long trouble is made.
const TIME: Duration = Duration::from_secs(30);

/// The same on tables, where a start takes longer.
const TIME_OF_TABLES: Duration = Duration::from_secs(50);

#[tokio::test]
async fn kills_reshards_faults_and_failures_at_random_lose_nothing_and_keep_every_order_and_every_window() {
    nothing_is_lost(Source::Kinesis, TIME).await;
}

#[tokio::test]
async fn the_same_on_tables_whose_shards_roll_over_vanish_and_are_trimmed_loses_nothing_either() {
    nothing_is_lost(Source::Dynamodb, TIME_OF_TABLES).await;
}

/// How much trouble there is time for depends on the machine: that there was every kind of it is required of the long runs.
async fn nothing_is_lost(source: Source, time: Duration) {
    let options = Options { seed: chance::seed(), time, source, endpoint: None, progress_every: None };
    match run(options).await {
        Ok(summary) => {
            eprintln!("{summary}\nnot met: {:?}", summary.counts.not_met(source));
            let counts = &summary.counts;
            assert!(counts.kills + counts.stops > 1 && counts.reshards() > 0, "{summary}");
            assert!(counts.records > 0 && counts.batches > 0, "{summary}");
        }
        Err(failed) => panic!("{failed}"),
    }
}
