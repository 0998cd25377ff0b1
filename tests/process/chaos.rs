//! The short run of the chaos test; `tests/chaos` makes long ones.

use pelton_tests::chance;
use pelton_tests::chaos::{Options, run};
use std::time::Duration;

/// How long trouble is made.
const TIME: Duration = Duration::from_secs(30);

#[tokio::test]
async fn kills_reshards_faults_and_failures_at_random_lose_nothing_and_keep_every_order_and_every_window() {
    let seed = chance::seed();
    match run(Options { seed, time: TIME, endpoint: None, progress_every: None }).await {
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
