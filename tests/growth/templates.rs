//! Templates of up to 1 MB, which is what AWS takes.

use super::check;
use pelton_core::Timestamp;
use pelton_template::diagnostics::Colour;
use pelton_template::source::Source;
use pelton_template::{FunctionsRun, LoadOptions, description, load_source, summary};
use std::path::Path;

/// Reads it, and shows what comes of it or what is wrong.
fn load(text: &str) {
    let options = LoadOptions {
        functions: FunctionsRun::Elsewhere,
        ..LoadOptions::new("us-east-1", Timestamp::from_millis(1_800_000_000_000))
    };
    let loaded = load_source(Source::new(Path::new("/template.yaml"), text.to_owned()), &options);
    let shown = [loaded.diagnostics.render(Colour::Never), description(&loaded), summary(&loaded)];
    assert!(shown.iter().any(|text| !text.is_empty()));
}

/// A template of so many `parts` between its beginning and its end.
#[track_caller]
fn check_template(size: usize, begin: &str, part: impl Fn(usize) -> String, end: &str) {
    let template = |size: usize| format!("{begin}{}{end}", (0..size).map(&part).collect::<String>());
    check(size, template, |text| load(text));
}

const FUNCTION: &str = "
Transform: AWS::Serverless-2016-10-31
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: code
      Environment: {Variables: {AB: x}}
";

fn mapping(number: usize) -> String {
    format!(
        "  M{number}:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref F
      EventSourceArn: arn:aws:kinesis:us-east-1:123456789012:stream/s{number}
      StartingPosition: LATEST
"
    )
}

#[test]
fn templates_of_many_mappings() {
    check_template(100, FUNCTION, mapping, "");
}

#[test]
fn templates_of_many_functions_and_streams() {
    let part = |number: usize| {
        format!(
            "  F{number}: {{Type: AWS::Serverless::Function, Properties: {{Runtime: provided.al2023, Handler: b, CodeUri: c,
    Events: {{E: {{Type: Kinesis, Properties: {{Stream: !GetAtt S{number}.Arn, StartingPosition: LATEST}}}}}}}}}}
  S{number}: {{Type: AWS::Kinesis::Stream, Properties: {{ShardCount: 1}}}}
"
        )
    };
    check_template(50, FUNCTION, part, "");
}

#[test]
fn templates_of_many_resources_that_pelton_does_not_know() {
    let part =
        |number: usize| format!("  Q{number}: {{Type: AWS::SQS::Queue, Properties: {{A: [1, {{b: c}}]}}}}\n");
    check_template(100, FUNCTION, part, &mapping(0));
}

#[test]
fn templates_of_many_problems() {
    check_template(
        100,
        "Resources:\n",
        |number| format!("  R_{number}: {{Typ: AWS::Lambda::Functoin}}\n"),
        "",
    );
}

#[test]
fn templates_of_many_misspelt_references() {
    let part = |number: usize| mapping(number).replace("!Ref F", "!Ref Fu");
    check_template(100, FUNCTION, part, "");
}

#[test]
fn templates_of_parameters() {
    let part =
        |number: usize| format!("  P{number}: {{Type: String, Default: x, AllowedPattern: '[a-z]+'}}\n");
    check_template(100, "Parameters:\n", part, "Resources: {}\n");
}

/// A parameter that is a list of so many `a`, and what it allows.
fn list(size: usize, constraint: &str) -> String {
    let default = "a,".repeat(size);
    format!(
        "Parameters:\n  P: {{Type: CommaDelimitedList, Default: '{default}a', {constraint}}}\nResources: {{}}\n"
    )
}

#[test]
fn templates_of_a_long_list_and_a_long_pattern() {
    let template = |size: usize| list(size, &format!("AllowedPattern: '{}|a'", "b".repeat(size)));
    check(250, template, |text| load(text));
}

/// The list, and many values that it allows, of which this one is the last.
fn list_of_allowed_values(size: usize, last: &str) -> String {
    let values: String = (0..size * 4).map(|number| format!("b{number}, ")).collect();
    list(size, &format!("AllowedValues: [{values} {last}]"))
}

#[test]
fn templates_of_a_long_list_and_many_allowed_values() {
    check(250, |size| list_of_allowed_values(size, "a"), |text| load(text));
}

#[test]
fn templates_of_a_long_list_of_which_nothing_is_allowed() {
    check(250, |size| list_of_allowed_values(size, "c"), |text| load(text));
}

#[test]
fn templates_of_conditions_that_build_on_each_other() {
    let part = |number: usize| match number {
        0 => "  C0: !Equals [a, b]\n".to_owned(),
        _ => format!("  C{number}: !Not [!Condition C{}]\n", number - 1),
    };
    let end = format!("{FUNCTION}{}", mapping(0).replace("    Prop", "    Condition: C20\n    Prop"));
    check_template(25, "Conditions:\n", part, &end);
}

#[test]
fn templates_of_conditions_that_ask_for_each_other_twice() {
    let part = |number: usize| match number {
        0 => "  C0: !Equals [a, b]\n".to_owned(),
        _ => format!("  C{number}: !Or [!Condition C{0}, !Condition C{0}]\n", number - 1),
    };
    let end = format!("{FUNCTION}{}", mapping(0).replace("    Prop", "    Condition: C20\n    Prop"));
    check_template(25, "Conditions:\n", part, &end);
}

#[test]
fn templates_with_a_long_text() {
    let begin = format!("{FUNCTION}{}    Metadata: {{A: '", mapping(0));
    check_template(20_000, &begin, |_| "abc ".to_owned(), "'}\n");
}

#[test]
fn templates_with_a_substitution_of_many_variables() {
    let begin = FUNCTION.replace("{AB: x}}\n", "{AB: !Sub '");
    check_template(1_000, &begin, |_| "${AWS::Region}".to_owned(), &format!("'}}}}\n{}", mapping(0)));
}

#[test]
fn templates_of_keys_that_stand_twice() {
    let begin = format!("{FUNCTION}{}    Metadata:\n", mapping(0));
    check_template(1_000, &begin, |number| format!("      A{}: x\n", number / 2), "");
}

#[test]
fn templates_with_texts_of_many_lines() {
    let begin = format!("{FUNCTION}{}    Metadata:\n", mapping(0));
    for (open, line, close) in [
        ("'", "a\n", "'"),
        ("\"", "\\u00e9\n", "\""),
        ("|\n", "        a\n", ""),
        (">\n", "        a\n", ""),
        ("", "        a\n", ""),
    ] {
        check_template(2_000, &format!("{begin}      A: {open}"), |_| line.to_owned(), &format!("{close}\n"));
    }
}

#[test]
fn templates_with_a_long_sequence() {
    let begin = format!("{FUNCTION}{}    Metadata: [", mapping(0));
    check_template(2_000, &begin, |number| format!("{number}, "), "]\n");
}

#[test]
fn templates_with_a_long_join() {
    let begin = FUNCTION.replace("{AB: x}}\n", "{AB: !Join [',', [");
    check_template(1_000, &begin, |_| "a, ".to_owned(), &format!("]]}}}}\n{}", mapping(0)));
}

#[test]
fn templates_with_many_anchors() {
    let begin = format!("{FUNCTION}{}    Metadata:\n", mapping(0));
    check_template(
        500,
        &begin,
        |number| format!("      A{number}: &a{number} [x]\n      B{number}: *a{number}\n"),
        "",
    );
}

#[test]
fn templates_with_one_anchor_that_is_asked_for_often() {
    let begin = format!("{FUNCTION}{}    Metadata:\n      X: &x [1, 2, 3]\n", mapping(0));
    check_template(500, &begin, |number| format!("      B{number}: *x\n"), "");
}

#[test]
fn templates_of_nothing_but_brackets_braces_or_blanks() {
    let parts = [
        "[", "{", "]", " ", "\t", "\n", "- ", "? ", ": ", "a: ", "&a ", "*a ", "!Sub ", "!", "|\n", "'",
        "\"", "# ", "a,", "%", "\\",
    ];
    for part in parts {
        check_template(5_000, "", |_| part.to_owned(), "");
    }
}

#[test]
fn templates_on_one_line() {
    check_template(5_000, "{\"Resources\": {", |number| format!("\"R{number}\": {{}},"), "}}");
}
