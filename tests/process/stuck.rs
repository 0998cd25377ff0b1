//! A shard that is stuck says so: in the log, in `pelton status`, and after a restart.

use pelton_tests::site::{POLLING, Site, StreamServer, pelton, run_to_end, template, until};
use pelton_tests::{Signal, wait};

const THREE_ATTEMPTS: &str = "BatchSize: 2
            MaximumRetryAttempts: 2";

#[tokio::test]
async fn each_failed_attempt_tells_its_number_its_records_and_when_the_next_one_starts() {
    let site = Site::new(&template("", THREE_ATTEMPTS));
    site.behave("error");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..2).await;
    let running = site.start(&server).await;
    let given_up = running.wait_for_line(" reason=").await;
    let printed = running.printed();
    let again = printed.lines_with(" again_in=");
    assert_eq!(again.len(), 2, "{printed}");
    for (attempt, line) in (1..).zip(&again) {
        for part in [
            &format!("attempt={attempt} limit=3 records=2 again_in="),
            "waits=\"the shard\"",
            "first=",
            "last=",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(given_up.contains("attempt=3 limit=3 records=2"), "{given_up}");
    assert!(given_up.contains("reason=\"MaximumRetryAttempts are used up\""), "{given_up}");
    assert!(given_up.contains("sent_to=\"nowhere: they are dropped\""), "{given_up}");
    let place = |part| given_up.find(part).unwrap_or_else(|| panic!("{part}: {given_up}"));
    assert!(place(" error=") < place(" error_type="), "{given_up}");
}

#[tokio::test]
async fn status_shows_the_batch_that_a_shard_is_stuck_on_and_a_restart_tells_what_comes_again() {
    let site = Site::new(&template("", "BatchSize: 1"));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    let mut running = site.start(&server).await;
    running.wait_for_line("from=TRIM_HORIZON").await;
    let journal = site.journal();
    until(&running, "the first record is done with", || journal.records_ended() == 1).await;
    site.behave("error");
    server.put_numbers("a", 1..2).await;
    running.wait_for_line(" attempt=1 ").await;
    let data_dir = site.data_dir();
    let arguments = ["status", "--mapping", "KeeperOrders", "--data-dir", data_dir.to_str().unwrap()];
    let detail = run_to_end(pelton(arguments)).await;
    detail.assert_code(0);
    for part in [
        "failing batch     1 record; the shard waits",
        "to look at it     pelton get --stuck KeeperOrders",
        "first record      ",
        "no limit",
        "error             ",
    ] {
        detail.assert_printed(part);
    }
    assert!(detail.printed.stdout().iter().all(|line| line.chars().count() <= 80), "{}", detail.printed);
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);

    let running = site.start(&server).await;
    let resuming = running.wait_for_line("settled_beyond=").await;
    assert!(resuming.contains("mapping=KeeperOrders") && resuming.contains("position="), "{resuming}");
}

#[tokio::test]
async fn status_watch_waits_for_a_poller_survives_its_restart_elsewhere_and_ends_with_ctrl_c() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let (folder, data_dir) = (tempfile::tempdir().unwrap(), site.data_dir());
    let mut watch = pelton(["status", "--watch", "--data-dir", data_dir.to_str().unwrap()]).start(&folder);
    watch.wait_for_line("waiting for a poller").await;
    for start in 1..=2 {
        // With a port of its own each time.
        let mut running = site.run(&server.endpoint).start(&site.folder);
        running.wait_for_line(POLLING).await;
        wait::until("the poller is found", async || {
            (watch.printed().lines_with("the poller runs").len() == start).then_some(())
        })
        .await;
        running.signal(Signal::TERM);
        running.wait_for_exit().await.assert_code(0);
    }
    watch.signal(Signal::INT);
    watch.wait_for_exit().await.assert_code(0);
}
