//! `pelton dev`: builds, creates the streams, runs, and builds again on change.

use aws_sdk_kinesis::Client;
use pelton_tests::site::{POLLING, Site, pelton};
use pelton_tests::{Program, Running, Signal, kinesis, wait};
use serde_json::Value;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
    Properties: {Name: orders, ShardCount: 2}
  Greeter:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda}
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: greeter
      Events:
        Orders:
          Type: Kinesis
          Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}
";

const SOURCE: &str = include_str!("greeter/src/main.rs");

/// The template, and a copy of the function's crate.
pub(crate) fn site() -> Site {
    let site = Site::without_code(TEMPLATE);
    site.write("greeter/Cargo.toml", include_str!("greeter/Cargo.toml"));
    site.write("greeter/src/main.rs", SOURCE);
    // Whatever the machine's default is, this one is installed.
    site.write("greeter/rust-toolchain.toml", include_str!("../../rust-toolchain.toml"));
    site
}

/// `pelton dev` that would read an idle shard once an hour: what it handles, it was woken for.
fn dev() -> Program {
    with_cargo(dev_without_cargo())
}

/// The same for functions that nobody builds.
pub(crate) fn dev_without_cargo() -> Program {
    let ports = ["--listen", "127.0.0.1:0", "--stream-listen", "127.0.0.1:0", "--poll-interval", "3600"];
    pelton(["dev", "--log-format", "json"]).args(ports)
}

/// Cargo needs its home, and nothing from the network.
pub(crate) fn with_cargo(program: Program) -> Program {
    let program = match std::env::var_os("HOME") {
        Some(home) => program.env("HOME", home),
        None => program.without_env("HOME"),
    };
    program.env("CARGO_NET_OFFLINE", "true")
}

/// A client of the stream that runs inside.
pub(crate) async fn client(running: &Running) -> Client {
    let line = running.wait_for_line("the embedded stream listens").await;
    let line: Value = serde_json::from_str(&line).expect("a line is JSON");
    kinesis::client(&format!("http://{}", line["address"].as_str().expect("the line names the address")))
}

fn replace_source(site: &Site, by: &str) {
    site.write("greeter/src/main.rs", by);
}

/// Ctrl-C ends it, with nothing left over, and every line of its log was JSON.
pub(crate) async fn ends_well(mut running: Running) {
    running.signal(Signal::INT);
    let exit = running.wait_for_exit().await;
    exit.assert_code(0).assert_printed("everything in flight is settled");
    running.assert_no_survivors().await;
    for line in exit.printed.stderr() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line.is_object()), "not JSON: {line}");
    }
}

#[tokio::test]
async fn it_builds_the_functions_creates_the_streams_handles_a_put_at_once_and_uses_changed_code() {
    let site = site();
    let running = dev().start(&site.folder);
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    kinesis::put(&client, "orders", "a", b"1").await;
    running.wait_for_line("version one was invoked").await;

    replace_source(&site, &SOURCE.replace("version one", "version two"));
    running.wait_for_line("built: the next batch runs the new code").await;
    kinesis::put(&client, "orders", "a", b"2").await;
    running.wait_for_line("version two was invoked").await;

    replace_source(&site, "fn main() { this does not compile }");
    running.wait_for_line("keeping the old code").await;
    let greeting = "version two was invoked";
    assert_eq!(count(&running, greeting), 1);
    kinesis::put(&client, "orders", "a", b"3").await;
    wait::until("the old code is invoked", async || (count(&running, greeting) == 2).then_some(())).await;

    ends_well(running).await;
}

#[tokio::test]
async fn code_that_does_not_compile_at_start_is_waited_for() {
    let site = site();
    replace_source(&site, "fn main() { undefined }");
    let running = dev().start(&site.folder);
    running.wait_for_line("cannot find value `undefined`").await;
    running.wait_for_line("its batches wait for a change of the code that compiles").await;
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    kinesis::put(&client, "orders", "a", b"1").await;
    replace_source(&site, SOURCE);
    running.wait_for_line("version one was invoked").await;
    ends_well(running).await;
}

#[tokio::test]
async fn a_file_named_bootstrap_does_not_stand_in_for_code_that_does_not_compile() {
    let site = site();
    replace_source(&site, "fn main() { undefined }");
    pelton_tests::install_handler(&pelton_tests::binary("misbehaving_handler"), &site.path().join("greeter"));
    let running = dev().start(&site.folder);
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    kinesis::put(&client, "orders", "a", b"1").await;
    running.wait_for_line("its code does not compile").await;
    replace_source(&site, SOURCE);
    running.wait_for_line("version one was invoked").await;
    let journal = pelton_tests::journal::Journal::of(&site.path().join("greeter"));
    assert!(journal.began().is_empty(), "{}", running.printed());
    ends_well(running).await;
}

#[tokio::test]
async fn the_old_code_goes_on_if_the_template_changes_while_the_function_does_not_compile() {
    let site = site();
    let running = dev().start(&site.folder);
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    kinesis::put(&client, "orders", "a", b"1").await;
    running.wait_for_line("version one was invoked").await;
    replace_source(&site, "fn main() { this does not compile }");
    running.wait_for_line("keeping the old code").await;
    site.write(
        "template.yaml",
        &TEMPLATE.replace("CodeUri: greeter", "CodeUri: greeter\n      MemorySize: 256"),
    );
    running.wait_for_line("function Greeter: MemorySize").await;
    wait::until("the next poller polls", async || (count(&running, POLLING) == 2).then_some(())).await;
    kinesis::put(&client, "orders", "a", b"2").await;
    let greeting = "version one was invoked";
    wait::until("the old code is invoked", async || (count(&running, greeting) == 2).then_some(())).await;
    replace_source(&site, &SOURCE.replace("version one", "version two"));
    running.wait_for_line("built: the next batch runs the new code").await;
    kinesis::put(&client, "orders", "a", b"3").await;
    running.wait_for_line("version two was invoked").await;
    ends_well(running).await;
}

/// Lines of the log with this part.
fn count(running: &Running, part: &str) -> usize {
    running.printed().stderr().iter().filter(|line| line.contains(part)).count()
}

#[tokio::test]
async fn ctrl_c_while_it_builds_leaves_nothing() {
    let site = site();
    let endless =
        "fn main() { std::fs::write(\"building\", \"yes\\n\").unwrap(); loop { std::thread::park() } }";
    site.write("greeter/build.rs", endless);
    let mut running = dev().start(&site.folder);
    wait::for_file(&site.path().join("greeter/building")).await;
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0);
    running.assert_no_survivors().await;
    assert!(!site.data_dir().join("checkpoints.db").exists());
}
