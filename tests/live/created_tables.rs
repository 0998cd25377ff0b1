//! `pelton dev` creates the tables of a template at the DynamoDB that `infra/up dynamodb` starts, and reads their streams.

use pelton_tests::dynamodb::{ask, endpoint};
use pelton_tests::site::{POLLING, Site, pelton, until};
use pelton_tests::{Signal, binary, install_handler};
use serde_json::json;

#[tokio::test]
async fn dev_creates_a_table_with_its_index_and_hands_over_its_changes() {
    let endpoint = endpoint().await;
    let table = format!("users-{}", uuid::Uuid::new_v4().simple());
    let site = Site::without_code(&format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Users:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: {table}
      BillingMode: PROVISIONED
      ProvisionedThroughput: {{ReadCapacityUnits: 1, WriteCapacityUnits: 1}}
      AttributeDefinitions:
        - {{AttributeName: id, AttributeType: S}}
        - {{AttributeName: city, AttributeType: S}}
      KeySchema: [{{AttributeName: id, KeyType: HASH}}]
      GlobalSecondaryIndexes:
        - IndexName: by-city
          KeySchema: [{{AttributeName: city, KeyType: HASH}}]
          Projection: {{ProjectionType: ALL}}
          ProvisionedThroughput: {{ReadCapacityUnits: 1, WriteCapacityUnits: 1}}
      StreamSpecification: {{StreamViewType: NEW_AND_OLD_IMAGES}}
  Keeper:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: function
      Events:
        Users: {{Type: DynamoDB, Properties: {{Stream: !GetAtt Users.StreamArn, StartingPosition: LATEST}}}}
"
    ));
    install_handler(&binary("misbehaving_handler"), &site.function());
    let dev = || {
        pelton(["dev", "--listen", "127.0.0.1:0", "--stream-listen", "127.0.0.1:0"])
            .env("AWS_ENDPOINT_URL_DYNAMODB", &endpoint)
    };
    let handed_over = |text: &str| {
        let journal = std::fs::read_to_string(site.function().join("journal")).unwrap_or_default();
        journal.contains(text)
    };
    for number in ["41", "42"] {
        let mut running = dev().start(&site.folder);
        running.wait_for_line(POLLING).await;
        let item = json!({"id": {"S": "a"}, "city": {"S": "Bern"}, "number": {"N": number}});
        let put = json!({"TableName": table, "Item": item});
        ask(&endpoint, "DynamoDB_20120810.PutItem", &put).await.unwrap();
        let image = format!(r#""number":{{"N":"{number}"}}"#);
        until(&running, "the change is handed over", || handed_over(&image)).await;
        running.signal(Signal::TERM);
        running.wait_for_exit().await.assert_code(0);
    }
    let query = json!({
        "TableName": table,
        "IndexName": "by-city",
        "KeyConditionExpression": "city = :city",
        "ExpressionAttributeValues": {":city": {"S": "Bern"}},
    });
    let found = ask(&endpoint, "DynamoDB_20120810.Query", &query).await.unwrap();
    assert_eq!(found["Count"], 1, "the index is there: {found}");
}
