//! `pelton rewind`: moves one mapping, and no other.

use pelton::clock::Clock;
use pelton_core::Timestamp;
use pelton_tests::journal::{Journal, data};
use pelton_tests::site::{Site, StreamServer, template};
use pelton_tests::{Exit, Signal, binary, install_handler, pelton, wait};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use std::net::TcpListener;
use std::path::PathBuf;

/// A second function, `Auditor`, with a mapping of this stream: `AuditorOrders`.
fn with_auditor(stream: &str) -> String {
    let auditor = format!(
        "  Auditor:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: auditor
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/{stream}
            StartingPosition: TRIM_HORIZON
"
    );
    template("", "BatchSize: 10") + &auditor
}

fn site(template: &str) -> Site {
    let site = Site::new(template);
    install_handler(&binary("misbehaving_handler"), &auditor(&site));
    site
}

/// Folder of the second function.
fn auditor(site: &Site) -> PathBuf {
    site.path().join("auditor")
}

/// What the functions of the two mappings were handed since they were last asked.
fn handed(site: &Site) -> [Vec<String>; 2] {
    [site.function(), auditor(site)].map(|function| {
        let began = Journal::of(&function).began();
        // Without it, nothing was handed to the function yet.
        std::fs::remove_file(function.join("journal")).ok();
        data(&began).into_iter().map(str::to_owned).collect()
    })
}

async fn rewind(site: &Site, endpoint: &str, mapping: &str, to: &str) -> Exit {
    pelton(["rewind", mapping, "--to", to, "--endpoint-url", endpoint]).run(&site.folder).await
}

async fn catch_up(site: &Site, server: &StreamServer) {
    site.run(&server.endpoint).args(["--until-caught-up"]).run(&site.folder).await.assert_code(0);
}

/// Every column of what is kept of a mapping: its own row, then those of its shards.
fn rows(site: &Site, mapping: &str) -> Vec<Vec<Value>> {
    let file = site.data_dir().join("checkpoints.db");
    let kept = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("it is there");
    let of = |query: &str| -> Vec<Vec<Value>> {
        let mut select = kept.prepare(query).expect("it has such a table");
        let columns = select.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows: rusqlite::Result<_> = select.query_map([mapping], row).and_then(Iterator::collect);
        rows.expect("it can be read")
    };
    let mut rows = of("SELECT * FROM mapping WHERE id = ?1");
    rows.extend(of("SELECT * FROM shard WHERE mapping = ?1 ORDER BY id"));
    rows
}

/// The time, once a second has begun in which nothing was put yet: the embedded stream knows the arrival of a record by the
/// second only.
async fn in_another_second() -> Timestamp {
    let clock = Clock::start();
    let second = |moment: Timestamp| moment.as_millis() / 1000;
    let before = second(clock.now());
    wait::until("another second has begun", async || Some(clock.now()).filter(|now| second(*now) > before))
        .await
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}

const NOTHING: [String; 0] = [];

/// A stream with `0` to `4`, which both mappings have handled.
async fn world() -> (Site, StreamServer) {
    let site = site(&with_auditor("orders"));
    let server = StreamServer::start(&["orders:2"]).await;
    server.put_numbers("a", 0..5).await;
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(0..5), numbers(0..5)]);
    (site, server)
}

#[tokio::test]
async fn to_trim_horizon_brings_everything_again_to_this_mapping_and_touches_no_other() {
    let (site, server) = world().await;
    let (moved, other) = (rows(&site, "KeeperOrders"), rows(&site, "AuditorOrders"));
    let exit = rewind(&site, &server.endpoint, "KeeperOrders", "trim-horizon").await;
    exit.assert_code(0).assert_printed("KeeperOrders resumes in orders at the oldest records");
    let lines = exit.printed.stdout().len();
    assert_eq!(lines, 3, "a line for the mapping, and one for each shard: {}", exit.printed);
    exit.assert_printed("→ the oldest record");
    assert_ne!(rows(&site, "KeeperOrders"), moved);
    assert_eq!(rows(&site, "AuditorOrders"), other);
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(0..5), NOTHING.to_vec()]);
}

#[tokio::test]
async fn to_latest_brings_what_arrives_from_then_on() {
    let (site, server) = world().await;
    in_another_second().await;
    rewind(&site, &server.endpoint, "KeeperOrders", "trim-horizon").await.assert_code(0);
    rewind(&site, &server.endpoint, "KeeperOrders", "latest").await.assert_code(0);
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [NOTHING; 2]);
    server.put_numbers("a", 5..6).await;
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(5..6), numbers(5..6)]);
}

#[tokio::test]
async fn to_so_long_ago_brings_what_arrived_since() {
    let (site, server) = world().await;
    rewind(&site, &server.endpoint, "KeeperOrders", "1h-ago").await.assert_code(0);
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(0..5), NOTHING.to_vec()]);
    in_another_second().await;
    rewind(&site, &server.endpoint, "KeeperOrders", "0 seconds ago").await.assert_code(0);
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [NOTHING; 2]);
    let exit = rewind(&site, &server.endpoint, "KeeperOrders", "5m").await;
    exit.assert_code(2).assert_printed("`5m-ago`");
}

#[tokio::test]
async fn to_a_time_brings_what_arrived_then_or_later_however_the_time_is_written() {
    let (site, server) = world().await;
    let mut to = in_another_second().await.to_string();
    server.put_numbers("a", 5..8).await;
    catch_up(&site, &server).await;
    handed(&site);
    for _ in ["seconds since 1970", "as the first rewind writes it"] {
        let exit = rewind(&site, &server.endpoint, "KeeperOrders", &to).await;
        let said = exit.assert_code(0).assert_printed("with what arrived at ").to_owned();
        catch_up(&site, &server).await;
        assert_eq!(handed(&site), [numbers(5..8), NOTHING.to_vec()], "{to}");
        to = said.split("arrived at ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        assert!(to.ends_with('Z'), "{said}");
    }
}

#[tokio::test]
async fn to_the_checkpoint_of_another_mapping_goes_on_where_that_is() {
    let site = site(&template("", "BatchSize: 10"));
    let server = StreamServer::start(&["orders:2"]).await;
    server.put_numbers("a", 0..5).await;
    catch_up(&site, &server).await;
    site.write("template.yaml", &with_auditor("orders"));
    let other = rows(&site, "KeeperOrders");
    let exit = rewind(&site, &server.endpoint, "AuditorOrders", "checkpoint-of:KeeperOrders").await;
    exit.assert_code(0)
        .assert_printed("AuditorOrders resumes in orders where KeeperOrders is (it never ran)");
    assert_eq!(rows(&site, "KeeperOrders"), other);
    server.put_numbers("a", 5..6).await;
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(0..6), numbers(5..6)]);
}

#[tokio::test]
async fn while_a_poller_runs_it_is_refused_and_the_poller_goes_on() {
    let (site, server) = world().await;
    let mut running = site.start(&server).await;
    let kept = rows(&site, "KeeperOrders");
    let folder = site.data_dir().canonicalize().unwrap();
    // In a folder of its own: what runs in that of the poller counts as part of it.
    let elsewhere = tempfile::tempdir().unwrap();
    let template = site.path().join("template.yaml");
    let program = pelton(["rewind", "KeeperOrders", "--to", "latest", "--endpoint-url", &server.endpoint]);
    let exit = program.args(["--template", template.to_str().unwrap()]).run(&elsewhere).await;
    exit.assert_code(1).assert_printed(folder.to_str().unwrap());
    exit.assert_printed("stop it, rewind, and start it again");
    assert_eq!(rows(&site, "KeeperOrders"), kept);
    assert!(!running.has_ended());
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn a_poller_that_was_killed_does_not_stand_in_the_way() {
    let (site, server) = world().await;
    let mut running = site.start(&server).await;
    running.signal(Signal::KILL);
    running.wait_for_exit().await;
    running.assert_no_survivors().await;
    rewind(&site, &server.endpoint, "KeeperOrders", "trim-horizon").await.assert_code(0);
    catch_up(&site, &server).await;
    assert_eq!(handed(&site), [numbers(0..5), NOTHING.to_vec()]);
}

/// Refused as bad input with all of `said`, and nothing is changed.
async fn check_refused(site: &Site, endpoint: &str, mapping: &str, to: &str, said: &[&str]) {
    let kept = [rows(site, "KeeperOrders"), rows(site, "AuditorOrders")];
    let exit = rewind(site, endpoint, mapping, to).await;
    exit.assert_code(2);
    for part in said {
        exit.assert_printed(part);
    }
    assert_eq!([rows(site, "KeeperOrders"), rows(site, "AuditorOrders")], kept, "{}", exit.printed);
}

#[tokio::test]
async fn what_it_cannot_do_is_refused_with_what_to_do_and_changes_nothing() {
    let (site, server) = world().await;
    let endpoint = &server.endpoint;
    let refused = async |mapping: &str, to: &str, said: &[&str]| {
        check_refused(&site, endpoint, mapping, to, said).await;
    };
    let all = "`KeeperOrders`, `AuditorOrders`";
    refused(
        "KeeperOrder",
        "latest",
        &[
            "no event source mapping KeeperOrder",
            "did you mean `KeeperOrders`? The template's mappings:",
            all,
        ],
    )
    .await;
    refused("Payments", "latest", &["no event source mapping Payments", all]).await;
    refused(
        "KeeperOrders",
        "yesterday",
        &["trim-horizon, latest, checkpoint-of:MAPPING", "2026-01-31T12:00:00Z"],
    )
    .await;
    refused(
        "KeeperOrders",
        "2999-01-01T00:00:00Z",
        &["2999-01-01T00:00:00Z lies in the future", "--to latest"],
    )
    .await;
    refused("KeeperOrders", "checkpoint-of:KeeperOrders", &["name another mapping"]).await;
    refused(
        "KeeperOrders",
        "checkpoint-of:AuditorOrder",
        &["AuditorOrder has never run", "did you mean `AuditorOrders`?"],
    )
    .await;
    refused("KeeperOrders", "checkpoint-of:", &["expected trim-horizon"]).await;
}

#[tokio::test]
async fn the_checkpoint_of_a_mapping_of_another_stream_is_refused() {
    let site = site(&with_auditor("clicks"));
    let server = StreamServer::start(&["orders", "clicks"]).await;
    catch_up(&site, &server).await;
    let said = ["AuditorOrders", "stream/clicks", "stream/orders"];
    check_refused(&site, &server.endpoint, "KeeperOrders", "checkpoint-of:AuditorOrders", &said).await;
}

#[tokio::test]
async fn without_the_stream_there_is_nothing_to_rewind_in() {
    let (site, server) = world().await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let said = ["KeeperOrders cannot read its stream", "`pelton dev` and `pelton demo` is in memory"];
    check_refused(&site, &format!("http://{nobody}"), "KeeperOrders", "latest", &said).await;
    drop(server);
}
