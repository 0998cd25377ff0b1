use crate::testing::{check_problem, lines, load, load_with, options, template};
use crate::{LoadOptions, Loaded};
use pelton_model::Table;
use serde_json::json;

const STREAM: &str = "StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}";

/// A function with an event of type DynamoDB, beside these resources.
fn event(stream: &str, resources: &str) -> String {
    template("", "", resources)
        .replace("Type: Kinesis\n", "Type: DynamoDB\n")
        .replace("!GetAtt Orders.Arn", stream)
}

/// The same of `!GetAtt Users.StreamArn`, and a table `Users` with these properties.
fn loaded(properties: &str) -> Loaded {
    load(&event(
        "!GetAtt Users.StreamArn",
        &format!("  Users: {{Type: AWS::DynamoDB::Table, Properties: {{{properties}}}}}"),
    ))
}

#[track_caller]
fn source_of(loaded: &Loaded) -> String {
    check_problem(loaded, "");
    loaded.application.as_ref().expect("there is no problem").mappings[0].source.to_string()
}

#[track_caller]
fn table_of(loaded: Loaded) -> Table {
    check_problem(&loaded, "");
    loaded.application.expect("there is no problem").tables.remove("Users").expect("a mapping reads it")
}

fn arn(name: &str) -> String {
    format!("arn:aws:dynamodb:eu-west-1:123456789012:table/{name}/stream/*")
}

#[test]
fn the_stream_of_a_table_is_found_by_the_name_of_the_table() {
    assert_eq!(source_of(&loaded(&format!("TableName: users, {STREAM}"))), arn("users"));
    assert_eq!(
        source_of(&loaded(&format!("TableName: !Sub '${{AWS::Region}}-u', {STREAM}"))),
        arn("eu-west-1-u")
    );
    let global = "  Users: {Type: AWS::DynamoDB::GlobalTable, Properties: {TableName: g.x, StreamSpecification: {StreamViewType: KEYS_ONLY}}}";
    assert_eq!(source_of(&load(&event("!GetAtt Users.StreamArn", global))), arn("g.x"));
}

#[test]
fn a_table_without_a_name_is_named_by_its_logical_id_and_by_its_stack_if_that_is_too_short() {
    assert_eq!(source_of(&loaded(STREAM)), arn("Users"));
    let short = format!("  T: {{Type: AWS::DynamoDB::Table, Properties: {{{STREAM}}}}}");
    assert_eq!(source_of(&load(&event("!GetAtt T.StreamArn", &short))), arn("pelton-T"));
}

#[test]
fn the_stream_of_a_table_is_named_in_every_way_that_aws_takes() {
    let table = format!(
        "  Users: {{Type: AWS::DynamoDB::Table, Properties: {{{STREAM}}}}}
Conditions: {{Here: !Equals [a, a]}}"
    );
    for stream in [
        "{Fn::GetAtt: [Users, StreamArn]}",
        "!Sub '${Users.StreamArn}'",
        "!If [Here, !GetAtt Users.StreamArn, !GetAtt Orders.Arn]",
        "!Join ['', [!GetAtt Users.StreamArn]]",
    ] {
        assert_eq!(source_of(&load(&event(stream, &table))), arn("Users"), "{stream}");
    }
    let mapping = "  OfTable: {Type: AWS::Lambda::EventSourceMapping, Properties: {FunctionName: !Ref Ledger, \
        EventSourceArn: !GetAtt Users.StreamArn, StartingPosition: LATEST}}";
    let loaded = load(&template("", "", &format!("{mapping}\n{table}")));
    check_problem(&loaded, "");
    let mappings = loaded.application.expect("there is no problem").mappings;
    assert_eq!(mappings[1].source.to_string(), arn("Users"));
}

#[test]
fn a_table_without_a_stream_is_an_error_that_says_what_to_write() {
    let expected = "error missing: the table `Users` has no `StreamSpecification` | reads from a stream | \
        add `StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}` to the properties of `Users`";
    check_problem(&loaded("TableName: users"), expected);
    check_problem(&loaded("StreamSpecification: !Ref AWS::NoValue"), expected);
    check_problem(
        &loaded("StreamSpecification: {}"),
        "the `StreamSpecification` of `Users` has no `StreamViewType` | needs one of",
    );
    check_problem(
        &loaded("StreamSpecification: {StreamViewType: ALL}"),
        "`StreamViewType` is `ALL` | must be one of",
    );
}

#[test]
fn a_simple_table_of_sam_has_no_stream() {
    check_problem(
        &load(&event("!GetAtt Users.StreamArn", "  Users: {Type: AWS::Serverless::SimpleTable}")),
        "error missing: the table `Users` has no stream, as no `AWS::Serverless::SimpleTable` has one | reads from a stream | \
         make `Users` an `AWS::DynamoDB::Table` with `StreamSpecification",
    );
}

#[test]
fn a_table_that_does_not_exist_or_whose_name_only_aws_knows_is_told() {
    check_problem(
        &load(&event(
            "!GetAtt Users.StreamArn",
            &format!(
                "  Users: {{Type: AWS::DynamoDB::Table, Condition: No, Properties: {{{STREAM}}}}}
Conditions: {{No: !Equals [a, b]}}"
            ),
        )),
        "the resource `Users` does not exist",
    );
    check_problem(
        &loaded(&format!("TableName: !ImportValue x, {STREAM}")),
        "cannot tell the event source of the mapping `LedgerOrders` | only AWS knows this value",
    );
    check_problem(&loaded(&format!("TableName: 'a b', {STREAM}")), "which is not the ARN of a stream");
}

#[test]
fn what_is_no_stream_of_a_table_is_refused_with_what_was_meant() {
    let table = format!("  Users: {{Type: AWS::DynamoDB::Table, Properties: {{{STREAM}}}}}");
    for stream in ["!Ref Users", "!GetAtt Users.Arn"] {
        check_problem(&load(&event(stream, &table)), "did you mean `!GetAtt Users.StreamArn`?");
    }
    let literal = arn("users");
    check_problem(&load(&event(&format!("'{literal}'"), "")), "which is not the ARN of a stream");
}

#[test]
fn the_label_of_a_stream_stays_unknown_wherever_nothing_is_read() {
    let function = "Environment: {Variables: {STREAM: !GetAtt Users.StreamArn}}";
    let table = format!("  Users: {{Type: AWS::DynamoDB::Table, Properties: {{{STREAM}}}}}");
    check_problem(
        &load(&template(function, "", &table)),
        "cannot resolve `StreamArn` of `Users` | only AWS knows",
    );
}

#[test]
fn a_table_has_what_it_takes_to_create_it_and_needs_it_only_then() {
    let schema = "KeySchema: [{AttributeName: id, KeyType: HASH}], AttributeDefinitions: [{AttributeName: id, AttributeType: S}]";
    let index = "GlobalSecondaryIndexes: [{IndexName: by-id, KeySchema: [{AttributeName: id, KeyType: HASH}], \
        Projection: {ProjectionType: ALL}, ProvisionedThroughput: {ReadCapacityUnits: 1}}]";
    let table = table_of(loaded(&format!("{schema}, {index}, {STREAM}, BillingMode: PROVISIONED")));
    assert_eq!((table.name.as_str(), table.stream_view_type), ("Users", "NEW_AND_OLD_IMAGES"));
    let keys = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    let projection = json!({"ProjectionType": "ALL"});
    let expected = json!({
        "KeySchema": keys,
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{"IndexName": "by-id", "KeySchema": keys, "Projection": projection}],
    });
    assert_eq!(table.schema.map(serde_json::Value::Object), Some(expected));
    assert_eq!(table_of(loaded(STREAM)).schema, None);
}

#[test]
fn a_table_that_no_mapping_reads_may_be_anything() {
    let loaded = load(&template(
        "",
        "",
        "  Users: {Type: AWS::DynamoDB::Table, Properties: {StreamSpecification: [x]}}",
    ));
    check_problem(&loaded, "");
    assert!(loaded.application.expect("there is no problem").tables.is_empty());
}

#[test]
fn two_tables_of_one_name_and_two_mappings_of_one_table_are_refused() {
    let table = format!("{{Type: AWS::DynamoDB::Table, Properties: {{TableName: users, {STREAM}}}}}");
    let mapping = |table: &str, function: &str| {
        format!(
            "  Of{table}{function}: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{FunctionName: !Ref {function}, \
             EventSourceArn: !GetAtt {table}.StreamArn, StartingPosition: LATEST}}}}"
        )
    };
    let other = "  Other: {Type: AWS::Serverless::Function, Properties: {Handler: bootstrap, Runtime: provided.al2023}}";
    let (one, two) = (mapping("One", "Ledger"), mapping("Two", "Other"));
    let loaded = load_with(
        &template("", "", &format!("  One: {table}\n  Two: {table}\n{other}\n{one}\n{two}")),
        &LoadOptions { stack_name: "shop".to_owned(), ..options() },
    );
    check_problem(&loaded, "two tables are named `users`");
    let again = mapping("One", "Ledger").replace("OfOneLedger", "Again");
    let loaded = load(&template("", "", &format!("  One: {table}\n{one}\n{again}")));
    let lines = lines(&loaded.diagnostics);
    assert!(
        lines
            .iter()
            .any(|line| line
                .contains("a mapping of the stream `users` to the function `Ledger` already exists")),
        "{lines:#?}"
    );
}
