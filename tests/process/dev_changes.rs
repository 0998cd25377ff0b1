//! `pelton dev`, while what it runs changes: a `bootstrap` that others build, and the template.

use crate::dev::{client, dev_without_cargo, ends_well};
use aws_sdk_kinesis::Client;
use pelton_tests::journal::data;
use pelton_tests::site::{POLLING, Site, until};
use pelton_tests::{Running, Signal, binary, http, kinesis, wait};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// A stream of its own, and a function that nobody builds.
fn template(function: &str, mapping: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Orders:
    Type: AWS::Kinesis::Stream
    Properties: {{Name: orders, ShardCount: 1}}
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Timeout: 60
      {function}
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: TRIM_HORIZON
            BatchSize: 1
            {mapping}
"
    )
}

/// Puts a `bootstrap` in the place of the former: the handler that keeps a journal, which first says its version.
fn install(site: &Site, version: &str) {
    let handler = binary("misbehaving_handler");
    let script =
        format!("#!/bin/sh\necho \"version {version}, greeting $GREETING\"\nexec {}\n", handler.display());
    let (unfinished, bootstrap) = (site.function().join("unfinished"), site.function().join("bootstrap"));
    let installed = fs::create_dir_all(site.function())
        .and_then(|()| fs::write(&unfinished, script))
        .and_then(|()| fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o755)))
        .and_then(|()| fs::rename(&unfinished, bootstrap));
    installed.expect("the folder is writable");
}

async fn start(site: &Site) -> (Running, Client) {
    start_with(site, &[]).await
}

async fn start_with(site: &Site, arguments: &[&str]) -> (Running, Client) {
    let running = dev_without_cargo().args(arguments).start(&site.folder);
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    (running, client)
}

/// Puts a record and waits until it is done with.
async fn handles(site: &Site, running: &Running, client: &Client, record: &str) {
    kinesis::put(client, "orders", "a", record.as_bytes()).await;
    let journal = site.journal();
    until(running, record, || data(&journal.ended()).contains(&record)).await;
}

/// Puts a record and waits until the function has it in its hands, and keeps it there.
async fn holds(site: &Site, running: &Running, client: &Client, record: &str) {
    site.behave("hold");
    kinesis::put(client, "orders", "a", record.as_bytes()).await;
    let journal = site.journal();
    until(running, record, || data(&journal.began()).contains(&record)).await;
}

#[tokio::test]
async fn a_bootstrap_that_was_replaced_runs_from_the_next_invocation_on() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    handles(&site, &running, &client, "0").await;
    running.wait_for_line("version one").await;

    holds(&site, &running, &client, "1").await;
    install(&site, "two");
    running.wait_for_line("the code was replaced: the next batch runs the new code").await;
    site.behave("succeed");
    handles(&site, &running, &client, "2").await;
    running.wait_for_line("version two").await;

    fs::set_permissions(site.function().join("bootstrap"), fs::Permissions::from_mode(0o644)).unwrap();
    running.wait_for_line(r#""level":"ERROR""#).await;
    handles(&site, &running, &client, "3").await;
    assert_eq!(data(&site.journal().began()), ["0", "1", "2", "3"], "each once: what was in flight finished");
    ends_well(running).await;
}

#[tokio::test]
async fn code_that_sam_built_takes_the_place_of_a_bootstrap_in_code_uri() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    handles(&site, &running, &client, "0").await;
    let built = site.path().join(".aws-sam/build/Keeper");
    site.write(
        ".aws-sam/build.toml",
        "[function_build_definitions.1]\ncodeuri = \"function\"\nruntime = \"provided.al2023\"\nfunctions = [\"Keeper\"]\n",
    );
    site.write(".aws-sam/build/template.yaml", &template("", ""));
    install(&site, "two");
    // It is in its place at once, as `sam build` leaves it.
    fs::rename(site.function(), &built).unwrap();
    running.wait_for_line("the code was replaced").await;
    kinesis::put(&client, "orders", "a", b"1").await;
    running.wait_for_line("version two").await;
    ends_well(running).await;
}

#[tokio::test]
async fn a_stream_that_the_template_names_and_does_not_define_is_made() {
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
    let resource = "  Orders:
    Type: AWS::Kinesis::Stream
    Properties: {Name: orders, ShardCount: 1}
";
    let template = template("", "");
    assert!(template.contains(resource));
    let site = Site::without_code(&template.replacen(resource, "", 1).replace("!GetAtt Orders.Arn", arn));
    install(&site, "one");
    let (running, client) = start(&site).await;
    let told = "the template names this stream and does not define it";
    running.wait_for_line(told).await;
    handles(&site, &running, &client, "0").await;
    let text = fs::read_to_string(site.path().join("template.yaml")).unwrap();
    site.write("template.yaml", &text.replace("BatchSize: 1", "BatchSize: 2"));
    running.wait_for_line("mapping KeeperOrders: BatchSize 1 -> 2").await;
    handles(&site, &running, &client, "1").await;
    let printed = running.printed();
    assert_eq!(printed.stderr().iter().filter(|line| line.contains(told)).count(), 1, "{printed}");
    ends_well(running).await;
}

#[tokio::test]
async fn a_template_with_problems_changes_nothing_and_one_without_is_run_instead() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    let address = wait::for_file(&site.data_dir().join("address")).await;
    handles(&site, &running, &client, "0").await;

    site.write("template.yaml", &template("", "MaximumBatchingWindowInSeconds: 301"));
    running.wait_for_line("MaximumBatchingWindowInSeconds").await;
    running.wait_for_line("what runs goes on as the template said before").await;
    handles(&site, &running, &client, "1").await;
    site.write("template.yaml", &(template("", "") + "# a comment\n"));
    running.wait_for_line("the template asks for what runs already").await;

    holds(&site, &running, &client, "2").await;
    let clicks = "        Clicks:
          Type: Kinesis
          Properties: {Stream: !GetAtt Clicks.Arn, StartingPosition: TRIM_HORIZON}
  Clicks:
    Type: AWS::Kinesis::Stream
    Properties: {Name: clicks, ShardCount: 1}
";
    let next = template("Environment: {Variables: {GREETING: hello}}", "") + clicks;
    site.write("template.yaml", &next);
    running.wait_for_line(r#""grace":"#).await;
    running
        .wait_for_line("mapping KeeperClicks added; function Keeper: Environment; stream Clicks added")
        .await;
    site.behave("succeed");
    running.wait_for_line("\"mappings\":2").await;
    handles(&site, &running, &client, "3").await;
    running.wait_for_line("version one, greeting hello").await;
    kinesis::put(&client, "clicks", "a", b"click").await;
    let journal = site.journal();
    until(&running, "the click is done with", || data(&journal.ended()).contains(&"click")).await;
    assert_eq!(data(&journal.began()), ["0", "1", "2", "3", "click"], "each once, the stream has stayed");

    assert_eq!(wait::for_file(&site.data_dir().join("address")).await, address, "the API is where it was");
    wait::until("the totals go on where they were", async || {
        let answer = http::get(&address, "/status").await.ok()?;
        let status: Value = serde_json::from_slice(answer.body()).ok()?;
        (status["mappings"][0]["totals"]["succeeded"] == 4).then_some(())
    })
    .await;
    ends_well(running).await;
}

#[tokio::test]
async fn a_mapping_that_is_added_runs_while_a_batch_of_another_is_in_flight() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    holds(&site, &running, &client, "0").await;
    let other = "  Other:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Events:
        Clicks:
          Type: Kinesis
          Properties: {Stream: !GetAtt Clicks.Arn, StartingPosition: TRIM_HORIZON}
  Clicks:
    Type: AWS::Kinesis::Stream
    Properties: {Name: clicks, ShardCount: 1}
";
    site.write("template.yaml", &(template("", "") + other));
    running.wait_for_line("mapping OtherClicks added").await;
    running.wait_for_line("\"mappings\":2").await;
    kinesis::put(&client, "clicks", "a", b"click").await;
    let journal = site.journal();
    until(&running, "the click is in flight, too", || data(&journal.began()) == ["0", "click"]).await;
    assert_eq!(data(&journal.ended()), Vec::<String>::new(), "neither has ended");
    site.behave("succeed");
    until(&running, "both are done with", || journal.ended().len() == 2).await;
    assert_eq!(journal.began().len(), 2, "each was sent once");
    ends_well(running).await;
}

#[tokio::test]
async fn the_record_of_an_event_in_events_can_be_pasted() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let arn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
    // In base64: it's
    let kinesis = serde_json::json!({ "partitionKey": "k 1", "data": "aXQncw==" });
    let event = serde_json::json!({ "Records": [{ "kinesis": kinesis, "eventSourceARN": arn }] });
    site.write("events/orders.json", &event.to_string());
    let (running, _client) = start(&site).await;
    let line = running.wait_for_line("Put a record from another terminal").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    let command = line["message"].as_str().unwrap().lines().last().unwrap().trim();
    assert!(command.ends_with(r"--key 'k 1' 'it'\''s'"), "{command}");
    let words = command.replacen("pelton", &binary("pelton").display().to_string(), 1);
    let put =
        std::process::Command::new("sh").args(["-c", &words]).current_dir(&site.folder).output().unwrap();
    assert!(put.status.success(), "{put:?}");
    let journal = site.journal();
    until(&running, "the record is handled", || data(&journal.ended()).contains(&"it's")).await;
    ends_well(running).await;
}

/// A function of another memory size: a template that asks for something else.
fn other_template() -> String {
    template("MemorySize: 256", "")
}

#[tokio::test]
async fn a_batch_that_outlasts_the_grace_time_is_sent_again_to_what_runs_instead() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start_with(&site, &["--grace", "0.2"]).await;
    holds(&site, &running, &client, "0").await;
    site.write("template.yaml", &other_template());
    running.wait_for_line("are sent again").await;
    site.behave("succeed");
    handles(&site, &running, &client, "1").await;
    assert_eq!(data(&site.journal().began()), ["0", "0", "1"]);
    ends_well(running).await;
}

#[tokio::test]
async fn the_only_mapping_is_paused_and_goes_on_where_it_was() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    handles(&site, &running, &client, "0").await;
    site.write("template.yaml", &template("", "Enabled: false"));
    running.wait_for_line(r#""mappings":0,"shards":0"#).await;
    kinesis::put(&client, "orders", "a", b"1").await;
    site.write("template.yaml", &template("", ""));
    handles(&site, &running, &client, "2").await;
    assert_eq!(data(&site.journal().began()), ["0", "1", "2"]);
    ends_well(running).await;
}

#[tokio::test]
async fn code_that_changes_while_a_changed_template_waits_for_a_batch_runs_afterwards() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    holds(&site, &running, &client, "0").await;
    site.write("template.yaml", &template("", "MaximumRetryAttempts: 7"));
    running.wait_for_line("what it changes waits for batches in flight").await;
    install(&site, "two");
    running.wait_for_line("the code was replaced: the next batch runs the new code").await;
    site.behave("succeed");
    handles(&site, &running, &client, "1").await;
    running.wait_for_line("version two").await;
    ends_well(running).await;
}

#[tokio::test]
async fn ctrl_c_while_it_stops_for_another_template_ends_it_once_the_batch_in_flight_is_done_with() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    holds(&site, &running, &client, "0").await;
    site.write("template.yaml", &other_template());
    running.wait_for_line(r#""grace":"#).await;
    running.signal(Signal::INT);
    running.wait_for_line("\"signal\":\"Ctrl-C\"").await;
    site.behave("succeed");
    let mut running = running;
    running.wait_for_exit().await.assert_code(0).assert_printed("everything in flight is settled");
    running.assert_no_survivors().await;
    assert_eq!(data(&site.journal().ended()), ["0"]);
}

#[tokio::test]
async fn a_template_whose_code_is_missing_changes_nothing() {
    let site = Site::without_code(&template("", ""));
    install(&site, "one");
    let (running, client) = start(&site).await;
    site.write("template.yaml", &template("", "").replace("CodeUri: function", "CodeUri: elsewhere"));
    running.wait_for_line("function Keeper has no").await;
    running.wait_for_line("what runs goes on as the template said before").await;
    handles(&site, &running, &client, "0").await;
    ends_well(running).await;
}
