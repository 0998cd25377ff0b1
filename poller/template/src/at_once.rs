//! Every problem of a template is told in one go, each once: none hides another.

use super::testing::{check_problem, lines, load, load_with, options, template};
use super::{GivenParameter, LoadOptions, Loaded, ParameterOrigin, Unsupported};

/// Exactly these problems come of the template, in any order.
#[track_caller]
fn check(loaded: &Loaded, expected: &[&str]) {
    let lines = lines(&loaded.diagnostics);
    for expected in expected {
        let count = lines.iter().filter(|line| line.contains(expected)).count();
        assert_eq!(count, 1, "{expected}\n{lines:#?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
}

#[track_caller]
fn check_stream(properties: &str, expected: &[&str]) {
    let resource = format!("  S: {{Type: AWS::Kinesis::Stream, Properties: {{{properties}}}}}");
    check(&load(&format!("Resources:\n{resource}\n")), expected);
}

#[track_caller]
fn check_function(function: &str, expected: &[&str]) {
    check(&load(&template(function, "", "")), expected);
}

#[track_caller]
fn check_event(event: &str, expected: &[&str]) {
    check(&load(&template("", event, "")), expected);
}

#[track_caller]
fn check_value(expression: &str, expected: &[&str]) {
    check_function(&format!("Environment: {{Variables: {{VALUE: {expression}}}}}"), expected);
}

#[test]
fn each_setting_of_a_stream_is_checked() {
    check_stream(
        "ShardCount: 0, RetentionPeriodHours: 1, MaxRecordSizeInKiB: 5, Name: 'a b', Nmae: x, StreamModeDetails: {Mod: x, StreamMode: y}",
        &[
            "`ShardCount` is",
            "`RetentionPeriodHours` is",
            "`MaxRecordSizeInKiB` is",
            "`Name` is",
            "`Nmae`",
            "`Mod`",
            "`StreamMode` is",
        ],
    );
    check_stream("Nmae: x, ShardCount: !Ref Nope", &["`Nmae`", "`Nope`"]);
    check_stream(
        "StreamModeDetails: {StreamMode: ON_DEMAND}, ShardCount: 0",
        &["`ShardCount` is", "has no `ShardCount`"],
    );
    check_stream("ShardCount: two", &["`ShardCount` is"]);
}

#[test]
fn a_condition_that_is_not_there_hides_nothing() {
    check(
        &load(&template("Timeout: 0", "BatchSize: 0", "").replace(
            "    Properties:\n      Handler",
            "    Condition: Nope\n    Properties:\n      Handler",
        )),
        &["no condition `Nope`", "`Timeout` is", "`BatchSize` is"],
    );
    let mapping = "  M:
    Type: AWS::Lambda::EventSourceMapping
    Condition: Nope
    Properties: {FunctionName: !Ref Legder, EventSourceArn: !GetAtt Orders.Arn, BatchSize: 0, Wrong: 1}
  S: {Type: AWS::Kinesis::Stream, Condition: Nope2, Properties: {ShardCount: 0}}";
    check(
        &load(&template("", "", mapping)),
        &[
            "no condition `Nope`",
            "`Legder`",
            "`BatchSize` is",
            "`Wrong`",
            "has no `StartingPosition`",
            "no condition `Nope2`",
            "`ShardCount` is",
        ],
    );
}

#[test]
fn each_property_of_a_function_is_checked() {
    check_function(
        "FunctionName: !Ref Nope\n      Timeout: 0\n      MemorySize: 0\n      CodeUri: [a]\n      Wrong: 1\n      Environment: {Variable: {}, Variables: {AA: !Ref No1, B-B: x, CC: !Ref No2}}",
        &[
            "`Nope`",
            "`Timeout` is",
            "`MemorySize` is",
            "`CodeUri` is",
            "`Wrong`",
            "`Variable`",
            "`No1`",
            "`B-B`",
            "`No2`",
        ],
    );
}

#[test]
fn each_part_of_a_setting_is_checked() {
    check_event(
        "FilterCriteria: {Filter: [], Other: [], Filters: [{Pattern: !Ref Nope}]}",
        &["`Filter`", "`Other`", "`Nope`"],
    );
    check_event(
        "DestinationConfig: {OnSuccess: {}, OnSucess: {}, OnFailure: {Destinaton: x}}",
        &["`OnSuccess`", "`OnSucess`", "`Destinaton`"],
    );
    check_event(
        "FunctionResponseTypes: [a, b]",
        &["`FunctionResponseTypes` is `a`", "`FunctionResponseTypes` is `b`"],
    );
    check_event("Typ: 1\n          Tpye: 2", &["`Typ`", "`Tpye`"]);
}

#[test]
fn each_argument_of_a_function_is_evaluated() {
    check_value("!Sub '${No1}-${No2.Arn}'", &["`No1`", "`No2`"]);
    check_value("!Sub ['${A}${B}', {A: !Ref No1, B: !Ref No2}]", &["`No1`", "`No2`"]);
    check_value("!Join [!Ref No1, [!Ref No2, a, !Ref No3]]", &["`No1`", "`No2`", "`No3`"]);
    check_value("!Select [!Ref No1, [!Ref No2]]", &["`No1`", "`No2`"]);
    check_value("!Split [!Ref No1, !Ref No2]", &["`No1`", "`No2`"]);
    check_value("!FindInMap [!Ref No1, !Ref No2, !Ref No3]", &["`No1`", "`No2`", "`No3`"]);
    check_value("!ToJsonString {a: !Ref No1, b: !Ref No2}", &["`No1`", "`No2`", "needs the transform"]);
}

#[test]
fn each_operand_of_a_condition_is_evaluated() {
    let sections =
        "Conditions:\n  C: !And [!Equals [!Ref No1, !Ref No2], !Condition No3, !Not [!Condition No4]]";
    let function = "Environment: {Variables: {VALUE: !If [C, a, b]}}";
    check(&load(&template(function, "", sections)), &["`No1`", "`No2`", "`No3`", "`No4`"]);
}

#[test]
fn each_item_of_a_parameter_is_checked() {
    let (name, value) = ("P".to_owned(), "x,1,y".to_owned());
    let parameters = vec![GivenParameter { name, value, origin: ParameterOrigin::CommandLine }];
    let text = template("", "", "Parameters: {P: {Type: List<Number>}}");
    check(&load_with(&text, &LoadOptions { parameters, ..options() }), &["`P` is `x`", "`P` is `y`"]);
}

#[test]
fn a_resource_that_is_none_matters_only_to_what_refers_to_it() {
    for (broken, problem) in [
        ("Broken: {Properties: {A: b}}", "the resource `Broken` has no `Type`"),
        ("Broken: [a]", "the resource `Broken` is a list"),
        ("Broken:", "the resource `Broken` is empty"),
        ("Broken: {Type: [a]}", "`Type` is a list"),
    ] {
        let loaded = load(&template("", "", &format!("  {broken}")));
        check_problem(&loaded, problem);
        assert!(loaded.application.is_some(), "{broken}");
        let needed = "Environment: {Variables: {VALUE: !Ref Broken}}";
        let loaded = load(&template(needed, "", &format!("  {broken}")));
        check_problem(&loaded, problem);
        assert!(loaded.application.is_none(), "{broken}");
    }
}

#[test]
fn a_section_with_nothing_behind_its_name_is_as_if_it_were_not_there() {
    for section in ["Parameters", "Mappings", "Conditions", "Globals", "Outputs"] {
        check_problem(&load(&template("", "", &format!("{section}:"))), "");
    }
    let transforms = template("", "", "").replace("Transform: AWS", "Fn::Transform:\nTransform: AWS");
    check_problem(&load(&transforms), "");
    check_problem(&load("Resources:"), "`Resources` is empty");
}

#[test]
fn what_refers_to_something_wrong_is_not_told_again() {
    // Each of these is needed in several places.
    let broken = |resource: &str| {
        template("", "", "")
            .replace("Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 2}}", resource)
    };
    check(&load(&broken("Orders: {Properties: {ShardCount: 1}}")), &["has no `Type`"]);
    check(&load(&broken("Orders: [a]")), &["the resource `Orders` is a list"]);
    check(
        &load(&broken("Orders: {Type: AWS::Kinesis::Strem, Properties: {ShardCount: 2}}")),
        &["AWS::Kinesis::Strem"],
    );
    check(
        &load(&broken("Orders: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 2, Name: !Ref Nope}}")),
        &["`Nope`"],
    );
    check(
        &load(&broken("'Fn::ForEach::Loop': [N, [Orders], {'${N}': {Type: AWS::Kinesis::Stream}}]")),
        &["Fn::ForEach::Loop"],
    );
}

#[test]
fn a_function_that_is_left_out_takes_nothing_with_it() {
    let function = "Environment: {Variables: {AA: kept, Fn::ForEach::L: [N, [a], {}]}}";
    let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
    let loaded = load_with(&template(function, "", ""), &allowing);
    check(&loaded, &["warning unsupported: `Fn::ForEach::L`"]);
    let application = loaded.application.expect("a warning is no error");
    assert_eq!(application.functions["Ledger"].environment["AA"], "kept");
}
