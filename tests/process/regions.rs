//! Which region counts, and what is refused as one.

use pelton_tests::site::{Site, assert_refused, pelton};
use pelton_tests::{Exit, Program};
use serde_json::Value;

const TEMPLATE: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: orders, ShardCount: 1}}
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Events:
        Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}
";

/// A site whose profiles are `here`, with a region, and `wrong`, with what is no region.
fn site() -> Site {
    let site = Site::new(TEMPLATE);
    site.write("config", "[profile here]\nregion = eu-north-1\n[profile wrong]\nregion = eu north\n");
    site
}

fn with_profile(site: &Site, profile: &str, program: Program) -> Program {
    program.env("AWS_CONFIG_FILE", site.path().join("config")).env("AWS_PROFILE", profile)
}

/// The region of the stream's ARN.
fn region_of(exit: &Exit) -> String {
    let json: Value =
        serde_json::from_str(&exit.assert_code(0).printed.stdout().concat()).expect("it is JSON");
    let arn = json["EventSourceMappings"][0]["EventSourceArn"].as_str().expect("an ARN is a text");
    arn.split(':').nth(3).expect("an ARN has a region").to_owned()
}

#[tokio::test]
async fn the_region_of_the_profile_counts_where_nothing_nearer_names_one() {
    let site = site();
    let validate = || with_profile(&site, "here", pelton(["validate", "--json"]));
    assert_eq!(region_of(&validate().run(&site.folder).await), "eu-north-1");
    let environment = validate().env("AWS_DEFAULT_REGION", "eu-west-2");
    assert_eq!(region_of(&environment.run(&site.folder).await), "eu-west-2");
    site.write("samconfig.toml", "version = 0.1\n[default.deploy.parameters]\nregion = \"eu-west-1\"\n");
    let environment = validate().env("AWS_DEFAULT_REGION", "eu-west-2");
    assert_eq!(region_of(&environment.run(&site.folder).await), "eu-west-1");
    let given = validate().args(["--region", "ap-south-1"]);
    assert_eq!(region_of(&given.run(&site.folder).await), "ap-south-1");
}

#[tokio::test]
async fn a_profile_whose_region_cannot_be_one_is_refused() {
    let site = site();
    for command in ["validate", "dev", "stream"] {
        let program = with_profile(&site, "wrong", pelton([command]));
        assert_refused(&site, &program.run(&site.folder).await, &["`eu north`", "--region"]);
    }
}

#[tokio::test]
async fn every_command_refuses_an_option_that_cannot_be_a_region() {
    let site = site();
    let commands: [&[&str]; 9] = [
        &["validate"],
        &["run"],
        &["dev"],
        &["stream"],
        &["put", "orders", "1"],
        &["get", "orders"],
        &["rewind", "KeeperOrders", "--to", "latest"],
        &["filter", "--mapping", "KeeperOrders"],
        &["invoke", "Keeper", "--event", "event.json"],
    ];
    for command in commands {
        let exit = pelton(command).args(["--region", "eu central"]).run(&site.folder).await;
        assert_refused(&site, &exit, &["'eu central' for '--region <REGION>'"]);
    }
}
