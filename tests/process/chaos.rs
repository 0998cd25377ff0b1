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
    let seed = chance::seed();
    let options = Options { seed, time: TIME, source: Source::Kinesis, endpoint: None, progress_every: None };
    match run(options).await {
        Ok(summary) => {
            eprintln!("{summary}");
            let counts = &summary.counts;
            assert!(counts.kills > 0 && counts.reshards() > 0, "{summary}");
            assert!(counts.reported > 0 && counts.given_up > 0 && counts.filtered > 0, "{summary}");
            assert!(counts.windows > 0, "{summary}");
        }
        Err(failed) => panic!("{failed}"),
    }
}

#[tokio::test]
async fn the_same_on_tables_whose_shards_roll_over_vanish_and_are_trimmed_loses_nothing_either() {
    let seed = chance::seed();
    let options = Options {
        seed,
        time: TIME_OF_TABLES,
        source: Source::Dynamodb,
        endpoint: None,
        progress_every: None,
    };
    match run(options).await {
        Ok(summary) => {
            eprintln!("{summary}");
            let counts = &summary.counts;
            assert!(counts.kills > 0 && counts.reshards() > 0, "{summary}");
            assert!(counts.filtered > 0 && counts.windows > 0, "{summary}");
            assert!(counts.trimmed > 0 && counts.vanished > 0, "{summary}");
        }
        Err(failed) => panic!("{failed}"),
    }
}
