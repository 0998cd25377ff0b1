//! `samconfig.toml` beside the template.

use crate::dev::{client, dev_without_cargo, ends_well};
use pelton_tests::site::{POLLING, Site, assert_refused, run_to_end};
use pelton_tests::{pelton, wait};
use serde_json::Value;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {Type: String, Default: dev}
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: !Sub 'orders-${Stage}', ShardCount: 1}}
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Environment: {Variables: {STACK: !Ref AWS::StackName}}
      Events:
        Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}
";

const SAMCONFIG: &str = "version = 0.1
[default.deploy.parameters]
stack_name = \"shop\"
region = \"eu-west-1\"
parameter_overrides = \"Stage=\\\"prod\\\" Unknown=1\"
[test.deploy.parameters]
parameter_overrides = [\"Stage=test\"]
";

/// The ARN of the stream, the name of the stack, and what was printed beside.
async fn validated(site: &Site, arguments: &[&str]) -> (String, String, String) {
    let exit = pelton(["validate", "--json"]).args(arguments).run(&site.folder).await;
    exit.assert_code(0);
    let json: Value = serde_json::from_str(&exit.printed.stdout().join("\n")).expect("it is JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (
        text(&json["EventSourceMappings"][0]["EventSourceArn"]),
        text(&json["Functions"][0]["Environment"]["Variables"]["STACK"]),
        exit.printed.stderr().join("\n"),
    )
}

#[tokio::test]
async fn it_gives_what_the_command_line_does_not_and_that_is_said_once() {
    let site = Site::new(TEMPLATE);
    site.write("samconfig.toml", SAMCONFIG);
    let (arn, stack, printed) = validated(&site, &[]).await;
    assert_eq!(arn, "arn:aws:kinesis:eu-west-1:000000000000:stream/orders-prod");
    assert_eq!(stack, "shop");
    assert_eq!(printed.matches("stack_name=").count(), 1, "{printed}");
    assert!(printed.contains("overrides parameters that the template does not have: `Unknown`"), "{printed}");

    let flags = [
        "--region",
        "us-west-2",
        "--parameter",
        "Stage=mine",
        "--stack-name",
        "s",
        "--account-id",
        "111111111111",
    ];
    let (arn, stack, _) = validated(&site, &flags).await;
    assert_eq!(arn, "arn:aws:kinesis:us-west-2:111111111111:stream/orders-mine");
    assert_eq!(stack, "s");

    let (arn, stack, _) = validated(&site, &["--config-env", "test"]).await;
    assert_eq!(arn, "arn:aws:kinesis:us-east-1:000000000000:stream/orders-test");
    assert_eq!(stack, "pelton");
}

#[tokio::test]
async fn one_that_cannot_be_read_is_refused_with_its_line() {
    let site = Site::new(TEMPLATE);
    site.write("samconfig.toml", "version = 0.1\n[default.deploy.parameters]\nregion = eu-west-1\n");
    for command in ["validate", "run", "dev", "stream"] {
        let exit = pelton([command]).run(&site.folder).await;
        assert_refused(&site, &exit, &["samconfig.toml:3: "]);
    }
    site.write("samconfig.toml", SAMCONFIG);
    let exit = pelton(["run", "--config-env", "tst"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["samconfig.toml has no environment `tst`: did you mean `test`?"]);
}

/// The streams that the mappings of the running poller read.
async fn streams(site: &Site) -> Option<Value> {
    let exit = run_to_end(pelton(["status", "--json", "--data-dir"]).args([site.data_dir()])).await;
    let status: Value = serde_json::from_str(&exit.printed.stdout().concat()).ok()?;
    Some(status["mappings"][0]["stream"].clone())
}

#[tokio::test]
async fn dev_runs_in_its_region_and_follows_its_parameters() {
    let site = Site::new(TEMPLATE);
    site.write("samconfig.toml", SAMCONFIG);
    let running = dev_without_cargo().start(&site.folder);
    running.wait_for_line(POLLING).await;
    let of_stage = |stage: &str| format!("arn:aws:kinesis:eu-west-1:000000000000:stream/orders-{stage}");
    assert_eq!(streams(&site).await, Some(of_stage("prod").into()));

    site.write("samconfig.toml", &SAMCONFIG.replace("prod", "next"));
    wait::until("the mapping reads the stream of the new parameter", async || {
        (streams(&site).await == Some(of_stage("next").into())).then_some(())
    })
    .await;
    let described = client(&running).await.describe_stream_summary().stream_name("orders-next").send().await;
    let described = described.expect("the stream was created");
    let arn = described.stream_description_summary().expect("the answer is a summary").stream_arn();
    assert_eq!(arn, of_stage("next"));
    ends_well(running).await;
}
