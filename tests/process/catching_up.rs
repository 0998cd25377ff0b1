//! `pelton run --until-caught-up`: a consumer as a cron job.

use pelton_tests::fault_proxy::{Fault, FaultProxy, Operation, Refusal, Rule, Weather};
use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Exit, Program, Running, Signal, kinesis, wait};
use tokio::net::TcpListener;

/// Long enough for a poller to start on a busy machine and to do something, short enough to wait for.
const DEADLINE: [&str; 2] = ["--deadline", "10s"];

/// The middle of the key space: 2^127.
const MIDDLE: &str = "170141183460469231731687303715884105728";

/// Runs the poller to its end, which it comes to by itself.
async fn catch_up(site: &Site, server: &StreamServer, arguments: &[&str]) -> Exit {
    program(site, &server.endpoint).args(arguments).run(&site.folder).await
}

/// A poller that is under way.
fn start(site: &Site, server: &StreamServer, arguments: &[&str]) -> Running {
    program(site, &server.endpoint).args(arguments).start(&site.folder)
}

/// `pelton run --until-caught-up` on this endpoint.
fn program(site: &Site, endpoint: &str) -> Program {
    site.run(endpoint).args(["--until-caught-up"])
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn it_works_off_what_is_in_the_stream_and_exits_and_the_next_run_goes_on_from_there() {
    let site = Site::new(&template("", "BatchSize: 10"));
    let server = StreamServer::start(&["orders:2"]).await;
    server.put_numbers("a", 0..25).await;
    catch_up(&site, &server, &[]).await.assert_code(0).assert_printed("caught up");
    assert_eq!(data(&site.journal().ended()), numbers(0..25));

    server.put_numbers("a", 25..30).await;
    catch_up(&site, &server, &DEADLINE).await.assert_code(0);
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().began()), numbers(0..30), "nothing skipped, nothing repeated");
    assert!(!site.data_dir().join("address").exists());
}

#[tokio::test]
async fn records_that_pelton_put_brings_are_worked_off() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders:3"]).await;
    let folder = tempfile::tempdir().unwrap();
    server.put(["orders", "one", "two", "three"]).run(&folder).await.assert_code(0);
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(site.journal().records_ended(), 3);
}

#[tokio::test]
async fn a_batch_that_is_still_failing_at_the_deadline_is_exit_1_and_what_was_settled_before_is_kept() {
    let site = Site::new(&template("", "BatchSize: 1"));
    site.behave("pause 20");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..200).await;
    let mut running = start(&site, &server, &DEADLINE);
    let journal = site.journal();
    until(&running, "some batches are settled", || journal.records_ended() >= 3).await;
    site.behave("error");
    let exit = running.wait_for_exit().await;
    running.assert_no_survivors().await;
    exit.assert_code(1).assert_printed("the deadline passed");
    exit.assert_printed("KeeperOrders shardId-000000000000: ");
    exit.assert_printed("Handler fails");
    let settled = journal.records_ended();
    assert!((3..200).contains(&settled), "{settled}");

    site.behave("succeed");
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&journal.ended()), numbers(0..200), "nothing that was settled is repeated");
}

#[tokio::test]
async fn a_batch_in_flight_at_the_deadline_finishes_and_is_kept() {
    let site = Site::new(&template("Timeout: 60", "BatchSize: 1"));
    site.behave("hold");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..2).await;
    let mut running = start(&site, &server, &DEADLINE);
    running.wait_for_line("grace=").await;
    site.behave("succeed");
    let exit = running.wait_for_exit().await;
    exit.assert_code(1).assert_printed("a batch is in flight");
    exit.assert_printed("everything in flight is settled and checkpointed");
    running.assert_no_survivors().await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().began()), ["0", "1"]);
}

#[tokio::test]
async fn the_children_of_closed_shards_are_read_too_after_their_parents() {
    let site = Site::new(&template("", "BatchSize: 10"));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..15).await;
    let split = server.client.split_shard().stream_name("orders").shard_to_split("shardId-000000000000");
    split.new_starting_hash_key(MIDDLE).send().await.unwrap();
    kinesis::wait_until_active(&server.client, "orders").await;
    server.put_numbers("a", 15..30).await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().ended()), numbers(0..30));
    server.put_numbers("a", 30..31).await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().began()), numbers(0..31));
}

#[tokio::test]
async fn latest_has_nothing_to_do_at_first_and_the_next_run_goes_on_from_where_it_began() {
    let site = Site::new(&template("", "").replace("TRIM_HORIZON", "LATEST"));
    let server = StreamServer::start(&["orders"]).await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    server.put_numbers("a", 0..3).await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().began()), ["0", "1", "2"]);
}

#[tokio::test]
async fn disabled_mappings_are_passed_over_and_without_any_other_there_is_nothing_to_do() {
    let site = Site::new(&template("", "Enabled: false"));
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..3).await;
    catch_up(&site, &server, &[]).await.assert_code(0).assert_printed("no event source mapping is enabled");
    let clicks = "        Clicks:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/clicks
            StartingPosition: TRIM_HORIZON
";
    site.write("template.yaml", &(template("", "Enabled: false") + clicks));
    kinesis::create_stream(&server.client, "clicks", 1).await;
    kinesis::put(&server.client, "clicks", "key", b"click").await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(data(&site.journal().ended()), ["click"]);
}

#[tokio::test]
async fn a_template_without_any_mapping_is_bad_input_as_ever() {
    let site = Site::new("Resources: {}");
    let server = StreamServer::start(&["orders"]).await;
    let exit = catch_up(&site, &server, &[]).await;
    exit.assert_code(2).assert_printed("there is nothing to run");
}

#[tokio::test]
async fn ctrl_c_before_it_has_caught_up_drains_and_is_no_failure() {
    let site = Site::new(&template("Timeout: 60", "BatchSize: 1"));
    site.behave("hold");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..2).await;
    let mut running = start(&site, &server, &["--deadline", "10m"]);
    let journal = site.journal();
    until(&running, "a batch is in flight", || journal.began().len() == 1).await;
    running.signal(Signal::INT);
    running.wait_for_line(" grace=").await;
    site.behave("succeed");
    running.wait_for_exit().await.assert_code(0);
    running.assert_no_survivors().await;
    catch_up(&site, &server, &[]).await.assert_code(0);
    assert_eq!(journal.records_ended(), 2);
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_until_the_deadline_is_exit_1() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let never = Rule::new(Operation::GetRecords, Fault::Refused(Refusal::InternalFailure));
    let proxy = FaultProxy::start(&server.endpoint, Weather::calm().rule(never)).await;
    let exit = program(&site, &proxy.endpoint()).args(DEADLINE).run(&site.folder).await;
    exit.assert_code(1).assert_printed("KeeperOrders shardId-000000000000: cannot be read; ");
}

#[tokio::test]
async fn a_stream_that_cannot_be_asked_at_all_until_the_deadline_is_exit_1() {
    let site = Site::new(&template("", ""));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let program = program(&site, &endpoint).args(["--deadline", "1"]);
    let exit = program.run(&site.folder).await;
    exit.assert_code(1).assert_printed("before the poller had started");
    assert!(!site.data_dir().join("checkpoints.db").exists());
}

#[tokio::test]
async fn a_deadline_goes_only_with_until_caught_up_and_is_a_duration() {
    let site = Site::without_code(&template("", ""));
    let exit = site.run("http://127.0.0.1:1").args(DEADLINE).run(&site.folder).await;
    exit.assert_code(2).assert_printed("--until-caught-up");
    let exit = program(&site, "http://127.0.0.1:1").args(["--deadline", "soon"]);
    exit.run(&site.folder).await.assert_code(2).assert_printed("30s, 10m or 2h");
}

#[tokio::test]
async fn while_it_works_the_status_is_that_of_any_poller() {
    let site = Site::new(&template("Timeout: 60", "BatchSize: 1"));
    site.behave("hold");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    let mut running = start(&site, &server, &[]);
    let address = wait::for_file(&site.data_dir().join("address")).await;
    let answer = pelton_tests::http::get(&address, "/health").await.unwrap();
    assert!(String::from_utf8_lossy(answer.body()).contains("ok"));
    site.behave("succeed");
    running.wait_for_exit().await.assert_code(0);
    running.assert_no_survivors().await;
}
