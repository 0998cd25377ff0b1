//! Ports, endpoints, credentials, streams and data folders that cannot be used: refused at start, with what to do, and
//! nothing started.

use axum::http::HeaderMap;
use pelton_tests::site::{Site, StreamServer, assert_refused, pelton, run_to_end, template, until};
use pelton_tests::{Program, binary, wait};
use std::fs;
use std::net::TcpListener;

/// A template with a mapping of `orders`.
fn site() -> Site {
    Site::new(&template("", ""))
}

/// `pelton run` with these arguments, on the only endpoint where all is well.
async fn check(arguments: &[&str], said: &[&str]) {
    let site = site();
    let server = StreamServer::start(&["orders"]).await;
    let exit = site.run(&server.endpoint).args(arguments).run(&site.folder).await;
    assert_refused(&site, &exit, said);
}

fn port_in_use() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let address = listener.local_addr().expect("it has an address").to_string();
    (listener, address)
}

#[tokio::test]
async fn a_port_in_use_is_refused_with_the_option_that_names_another() {
    let (_held, address) = port_in_use();
    let site = site();
    let server = StreamServer::start(&["orders"]).await;
    let run = pelton(["run", "--endpoint-url", &server.endpoint, "--listen", &address]);
    assert_refused(&site, &run.run(&site.folder).await, &[&address, "in use", "--listen"]);

    let arguments = ["--stream-listen", &address];
    let exit = pelton(["stream"]).args(arguments).run(&site.folder).await;
    assert_refused(&site, &exit, &[&address, "--stream-listen"]);
    let exit = pelton(["dev", "--listen", "127.0.0.1:0"]).args(arguments).run(&site.folder).await;
    assert_refused(&site, &exit, &[&address, "--stream-listen"]);
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_refused() {
    let (listener, address) = port_in_use();
    drop(listener);
    let site = site();
    let exit = site.run(&format!("http://{address}")).run(&site.folder).await;
    assert_refused(&site, &exit, &[&address, "refused", "pelton stream", "--endpoint-url"]);
}

#[tokio::test]
async fn without_credentials_an_endpoint_elsewhere_is_refused_and_not_asked() {
    let site = site();
    // An address of documentation (RFC 5737): nobody is there, and asking would take long.
    let exit = site.run("http://192.0.2.1:4567").run(&site.folder).await;
    assert_refused(&site, &exit, &["no AWS credentials", "AWS_PROFILE", "--endpoint-url"]);
    let exit = pelton(["run", "--listen", "127.0.0.1:0", "--region", "eu-west-1"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["no AWS credentials", "https://kinesis.eu-west-1.amazonaws.com"]);
}

#[tokio::test]
async fn a_stream_that_does_not_exist_is_refused_and_nothing_is_kept_of_those_that_do() {
    let site = Site::new(&two_mappings());
    let server = StreamServer::start(&["orders"]).await;
    let exit = site.run(&server.endpoint).run(&site.folder).await;
    assert_refused(&site, &exit, &["KeeperClicks", "clicks does not exist", "create the stream first"]);
}

/// The usual template, with a second mapping, of `clicks`.
fn two_mappings() -> String {
    let clicks = "        Clicks:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/clicks
            StartingPosition: LATEST
";
    template("", "") + clicks
}

/// The embedded stream deletes at once: this endpoint takes its time.
#[tokio::test]
async fn a_stream_that_is_being_deleted_is_refused() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let routes = axum::Router::new().fallback(describe_deleting);
    let server = tokio::spawn(async move { axum::serve(listener, routes).await });
    let site = site();
    let exit = site.run(&endpoint).run(&site.folder).await;
    assert_refused(&site, &exit, &["orders", "being deleted", "create it again"]);
    server.abort();
}

async fn describe_deleting(headers: HeaderMap) -> Result<String, axum::http::StatusCode> {
    if headers.get("x-amz-target").is_none_or(|target| target != "Kinesis_20131202.DescribeStreamSummary") {
        return Err(axum::http::StatusCode::NOT_FOUND);
    }
    let summary = serde_json::json!({
        "StreamName": "orders", "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        "StreamStatus": "DELETING", "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1.7e9,
        "EnhancedMonitoring": [], "OpenShardCount": 1,
    });
    Ok(serde_json::json!({"StreamDescriptionSummary": summary}).to_string())
}

#[tokio::test]
async fn too_few_descriptors_for_the_shards_are_refused_with_what_to_do() {
    let site = site();
    let server = StreamServer::start(&["orders:3"]).await;
    for (limit, shards) in [("40", "for 1 shard"), ("58", "for 3 shards")] {
        let run = site.run(&server.endpoint).under(["prlimit", &format!("--nofile={limit}:{limit}")]);
        assert_refused(
            &site,
            &run.run(&site.folder).await,
            &[limit, "files and sockets", shards, "ulimit -n"],
        );
    }
}

#[tokio::test]
async fn shards_that_leave_room_for_few_handlers_run_and_their_batches_wait_for_one_another() {
    const SHARDS: usize = 60;
    let site = site();
    let server = StreamServer::start(&["orders:60"]).await;
    // A handler for each shard would take four times as many.
    let mut running = site.run(&server.endpoint).under(["prlimit", "--nofile=128:128"]).start(&site.folder);
    let warned = running.wait_for_line("handlers_max=").await;
    assert!(warned.contains("handlers_max=2") && warned.contains("ulimit -n"), "{warned}");
    running.wait_for_line(pelton_tests::site::POLLING).await;
    site.behave("pause 20");
    for shard in 0..SHARDS {
        server.put_numbers(&format!("key {shard}"), 0..5).await;
    }
    let journal = site.journal();
    until(&running, "every record is done with", || journal.records_ended() == 5 * SHARDS).await;
    running.signal(pelton_tests::Signal::TERM);
    let exit = running.wait_for_exit().await;
    exit.assert_code(0);
    for trouble in ["Too many open files", "cannot be started", "failed"] {
        assert!(exit.printed.find(trouble).is_none(), "{}", exit.printed);
    }
}

#[tokio::test]
async fn a_benchmark_of_idle_shards_shows_at_once_why_the_poller_is_refused() {
    let bench = Program::new(binary("bench")).args(["idle", "--shards", "1000", "--seconds", "1"]);
    let exit = run_to_end(bench.under(["prlimit", "--nofile=256:256"])).await;
    assert!(!exit.status.success());
    exit.assert_printed("files and sockets open, and needs about");
}

#[tokio::test]
async fn a_limit_of_descriptors_that_can_be_raised_is_raised() {
    let site = site();
    let server = StreamServer::start(&["orders:3"]).await;
    let running = site.run(&server.endpoint).under(["prlimit", "--nofile=40:4096"]).start(&site.folder);
    running.wait_for_line(pelton_tests::site::POLLING).await;
    server.put_numbers("a", 0..1).await;
    let journal = site.journal();
    until(&running, "the record is done with", || journal.records_ended() == 1).await;
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_refused() {
    check(&["--data-dir", "template.yaml"], &["template.yaml is not a folder", "--data-dir"]).await;
}

#[tokio::test]
async fn checkpoints_that_are_damaged_stop_it_before_it_polls_and_stay_as_they_are() {
    let site = site();
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    for content in ["", "not checkpoints"] {
        site.write(".pelton/checkpoints.db", content);
        let exit = site.run(&server.endpoint).run(&site.folder).await;
        exit.assert_code(2).assert_printed("checkpoints.db");
        assert_eq!(fs::read_to_string(site.data_dir().join("checkpoints.db")).unwrap(), content);
        assert!(site.journal().began().is_empty(), "nothing was read");
    }
}

#[tokio::test]
async fn checkpoints_that_another_program_has_locked_stop_it_before_it_polls() {
    let site = site();
    let server = StreamServer::start(&["orders"]).await;
    let mut first = site.start(&server).await;
    first.signal(pelton_tests::Signal::TERM);
    first.wait_for_exit().await.assert_code(0);
    server.put_numbers("a", 0..1).await;

    let mut other = rusqlite::Connection::open(site.data_dir().join("checkpoints.db")).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let exit = site.run(&server.endpoint).run(&site.folder).await;
    exit.assert_code(2).assert_printed("another program holds a lock on it");
    assert!(site.journal().began().is_empty(), "nothing was read");
    drop(lock);
    drop(other);
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "the record is done with", || journal.records_ended() == 1).await;
}

#[tokio::test]
async fn a_second_poller_on_the_same_data_folder_is_refused_and_the_first_goes_on() {
    let site = site();
    let server = StreamServer::start(&["orders"]).await;
    let first = site.start(&server).await;
    let address = wait::for_file(&site.data_dir().join("address")).await;
    let pid = fs::read_to_string(site.data_dir().join("lock")).unwrap();

    let (template, data_dir) = (site.path().join("template.yaml"), site.data_dir());
    let second = site.run(&server.endpoint).args(["--template".as_ref(), template.as_os_str()]);
    let exit = run_to_end(second.args(["--data-dir".as_ref(), data_dir.as_os_str()])).await;
    let line = exit.assert_code(2).assert_printed("another pelton");
    assert!(line.contains(data_dir.to_str().unwrap()) && line.contains(pid.trim()), "{line}");
    assert!(line.contains("--data-dir"), "{line}");

    server.put_numbers("a", 0..1).await;
    let journal = site.journal();
    until(&first, "the first goes on", || journal.records_ended() == 1).await;
    assert_eq!(wait::for_file(&site.data_dir().join("address")).await, address);
}
