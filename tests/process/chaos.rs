//! The short run of the chaos test; `tests/chaos` makes long ones.

use pelton_tests::chaos::{Options, run};
use std::time::Duration;

/// How long trouble is made.
const TIME: Duration = Duration::from_secs(30);

/// Repeats a failed run: what the failure shows.
const SEED_VARIABLE: &str = "PELTON_TEST_SEED";

#[tokio::test]
async fn kills_reshards_and_faults_at_random_lose_nothing_and_keep_the_order_of_every_key() {
    let seed = std::env::var(SEED_VARIABLE).map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    eprintln!("{SEED_VARIABLE}={seed}");
    match run(Options { seed, time: TIME, endpoint: None, progress_every: None }).await {
        Ok(summary) => {
            eprintln!("{summary}");
            assert!(summary.counts.kills > 0 && summary.counts.reshards() > 0, "{summary}");
        }
        Err(failed) => panic!("{failed}"),
    }
}
