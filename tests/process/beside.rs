//! Commands beside a running `dev` or `stream` find its stream in the data folder.

use crate::dev::dev_without_cargo;
use crate::staying_local::Credentials;
use pelton_tests::journal::data;
use pelton_tests::site::{POLLING, Site, StreamServer, template, until};
use pelton_tests::{Exit, Program, Running, Signal, pelton};
use serde_json::Value;
use tempfile::TempDir;

const USING_DEV: &str = "using the stream of the running `pelton dev`";
const USING_STREAM: &str = "using the stream of the running `pelton stream`";

fn site() -> Site {
    Site::new(
        &(template("", "")
            + "  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: orders, ShardCount: 1}}\n"),
    )
}

async fn dev(site: &Site) -> Running {
    let running = dev_without_cargo().start(&site.folder);
    running.wait_for_line(POLLING).await;
    running
}

/// `pelton stream` with the streams of the site's template.
async fn stream(site: &Site) -> Running {
    let running = pelton(["stream", "--stream-listen", "127.0.0.1:0"]).start(&site.folder);
    running.wait_for_line(" endpoint=").await;
    running
}

/// Runs a program to its end in the site's folder, beside what runs there. As long as what it returns lives, that goes on.
async fn beside(folder: &TempDir, program: Program) -> (Exit, Running) {
    let mut running = program.start(folder);
    (running.wait_for_exit().await, running)
}

fn notice(site: &Site) -> Value {
    let text = std::fs::read_to_string(site.data_dir().join("stream")).expect("the stream is named");
    serde_json::from_str(&text).expect("the file is JSON")
}

async fn interrupt(mut running: Running) {
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn put_beside_dev_uses_its_stream_and_nobody_is_asked_for_credentials() {
    let site = site();
    let credentials = Credentials::new(&site).await;
    let running = dev(&site).await;
    let (exit, put) = beside(&site.folder, credentials.around(pelton(["put", "orders", "one"]))).await;
    let said = exit.assert_code(0).assert_printed(USING_DEV);
    let endpoint = notice(&site)["endpoint"].as_str().expect("the file names it").to_owned();
    assert!(said.contains(&endpoint), "{said}");
    assert_eq!(exit.printed.lines_with("using the stream").len(), 1, "it is said once");
    let journal = site.journal();
    until(&running, "the record arrives", || data(&journal.ended()) == ["one"]).await;
    credentials.assert_not_asked(&put);

    let other = StreamServer::start(&["orders"]).await;
    let program = pelton(["put", "orders", "two"]).env("AWS_ENDPOINT_URL_KINESIS", &other.endpoint);
    let (exit, _put) = beside(&site.folder, program).await;
    exit.assert_code(0).assert_printed("using the endpoint of the environment or profile");
    let (exit, _put) = beside(&site.folder, other.put(["orders", "three"])).await;
    assert!(exit.assert_code(0).printed.find("using").is_none(), "{}", exit.printed);

    interrupt(running).await;
    assert!(!site.data_dir().join("stream").exists(), "a clean stop removes the file");
}

#[tokio::test]
async fn put_after_a_killed_dev_is_refused_and_names_what_it_found() {
    let site = site();
    let mut running = dev(&site).await;
    let (pid, endpoint) = (running.pid().expect("it runs"), notice(&site)["endpoint"].clone());
    running.signal(Signal::KILL);
    running.wait_for_exit().await;
    running.assert_no_survivors().await;
    let credentials = Credentials::new(&site).await;
    let put = || credentials.around(pelton(["put", "orders", "one"]));
    for program in [
        put(),
        credentials.around(pelton(["rewind", "KeeperOrders", "--to", "latest"])),
        credentials.around(pelton(["run", "--listen", "127.0.0.1:0"])),
    ] {
        let (exit, program) = beside(&site.folder, program).await;
        let said = exit.assert_code(2).assert_printed("which ended without removing it").to_owned();
        let named = format!("`pelton dev` (process {pid}, {})", endpoint.as_str().expect("a URL"));
        assert!(said.contains(&named), "{said}");
        exit.assert_printed("--endpoint-url");
        credentials.assert_not_asked(&program);
    }
    // The next one takes the file over.
    let running = dev(&site).await;
    let (exit, _put) = beside(&site.folder, put()).await;
    exit.assert_code(0).assert_printed(USING_DEV);
    interrupt(running).await;
}

#[tokio::test]
async fn run_and_rewind_beside_stream_use_it() {
    let site = site();
    let server = stream(&site).await;
    let (exit, _put) = beside(&site.folder, pelton(["put", "orders", "one"])).await;
    exit.assert_code(0).assert_printed(USING_STREAM);
    let catch_up = || pelton(["run", "--listen", "127.0.0.1:0", "--until-caught-up"]);
    let (exit, _run) = beside(&site.folder, catch_up()).await;
    exit.assert_code(0).assert_printed(USING_STREAM);
    let to = pelton(["rewind", "KeeperOrders", "--to", "trim-horizon"]);
    let (exit, _rewind) = beside(&site.folder, to).await;
    exit.assert_code(0).assert_printed(USING_STREAM);
    let (exit, _run) = beside(&site.folder, catch_up()).await;
    exit.assert_code(0);
    assert_eq!(data(&site.journal().ended()), ["one", "one"]);
    interrupt(server).await;
}

#[tokio::test]
async fn run_and_rewind_on_the_data_folder_of_a_running_dev_are_refused_and_say_what_to_do() {
    let site = site();
    let running = dev(&site).await;
    let endpoint = notice(&site)["endpoint"].as_str().expect("a URL").to_owned();
    let (exit, _run) = beside(&site.folder, pelton(["run", "--listen", "127.0.0.1:0"])).await;
    exit.assert_code(2).assert_printed("another pelton (process");
    exit.assert_printed(&format!("--data-dir DIR --endpoint-url {endpoint}"));
    let to = pelton(["rewind", "KeeperOrders", "--to", "trim-horizon"]);
    let (exit, _rewind) = beside(&site.folder, to).await;
    exit.assert_code(1).assert_printed("another pelton (process");
    let own = site.path().join("other");
    let program =
        pelton(["run", "--listen", "127.0.0.1:0", "--until-caught-up", "--endpoint-url", &endpoint]);
    let (exit, _run) = beside(&site.folder, program.args(["--data-dir".as_ref(), own.as_os_str()])).await;
    exit.assert_code(0);
    interrupt(running).await;
}

#[tokio::test]
async fn a_data_dir_names_the_stream_from_anywhere_and_a_second_stream_leaves_the_first_one_named() {
    let site = site();
    let data_dir = site.path().join("kept");
    let listen = ["stream", "--stream-listen", "127.0.0.1:0", "--data-dir"];
    let first = pelton(listen).args([&data_dir]).start(&site.folder);
    first.wait_for_line(" endpoint=").await;
    // In a folder of its own: with a program go all that run in its folder.
    let other = tempfile::tempdir().expect("a temporary folder can be made");
    let second = pelton(listen).args([&data_dir]).start(&other);
    // The warning names the process whose stream the data folder names.
    second.wait_for_line(" pid=").await;
    let put = pelton(["put", "orders", "one", "--data-dir"]).args([&data_dir]);
    let elsewhere = tempfile::tempdir().expect("a temporary folder can be made");
    let (exit, _put) = beside(&elsewhere, put).await;
    let said = exit.assert_code(0).assert_printed(USING_STREAM);
    let named = std::fs::read_to_string(data_dir.join("stream")).expect("the stream is named");
    let named: Value = serde_json::from_str(&named).expect("the file is JSON");
    assert_eq!(named["pid"].as_u64(), first.pid().map(u64::from));
    assert!(said.contains(named["endpoint"].as_str().expect("a URL")), "{said}");
    interrupt(second).await;
    assert!(data_dir.join("stream").exists());
    interrupt(first).await;
    assert!(!data_dir.exists(), "what was made for the file goes with it");
}
