//! No template, however broken, makes the reader panic or go on for ever.

use super::diagnostics::Colour;
use super::source::Source;
use super::testing::options;
use super::{LoadOptions, Unsupported, description, load_source, summary};
use std::path::Path;

/// A bit of everything.
const SAMPLE: &str = r#"AWSTemplateFormatVersion: '2010-09-09'
Transform: [AWS::Serverless-2016-10-31]
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod], AllowedPattern: '[a-z]+'}
  Sizes: {Type: List<Number>, Default: '1,2'}
Mappings: {M: {dev: {n: 5}}}
Conditions:
  Prod: !And [!Equals [!Ref Stage, prod], !Not [!Equals [a, 'b']]]
Globals: {Function: {Timeout: 9, Environment: {Variables: {AB: &x "\u00e9"}}}}
Resources:
  S: {Type: AWS::Kinesis::Stream, Properties: {Name: !Sub 's-${Stage}-${!x}é', ShardCount: !FindInMap [M, dev, n]}}
  F:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda}
    Properties:
      <<: {Handler: bootstrap, Runtime: provided.al2023}
      Environment:
        Variables:
          CC: !Join [',', !Split ['-', !Select [0, [a-b]]]]
          DD: |
            two
            lines
          EE: *x
      Events:
        E:
          Type: Kinesis
          Properties: {Stream: !GetAtt S.Arn, StartingPosition: AT_TIMESTAMP, StartingPositionTimestamp: 1.5}
        A: {Type: Api}
  M:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref F, EventSourceArn: "arn:aws:kinesis:r:123456789012:stream/x", BatchSize: !If [Prod, 1, 2], StartingPosition: LATEST}
"#;

/// Reads and shows whatever comes of it.
fn survive(text: String) {
    for unsupported in [Unsupported::Refuse, Unsupported::Warn] {
        let source = Source::new(Path::new("template.yaml"), text.clone());
        let loaded = load_source(source, &LoadOptions { unsupported, ..options() });
        assert_eq!(loaded.application.is_none(), loaded.diagnostics.has_errors());
        assert_eq!(loaded.diagnostics.render(Colour::Never).is_empty(), loaded.diagnostics.is_empty());
        assert!(description(&loaded).ends_with("}\n"));
        assert_eq!(summary(&loaded).ends_with('\n'), loaded.application.is_some());
    }
}

#[test]
fn every_truncation_is_survived() {
    for end in SAMPLE.char_indices().map(|(at, _)| at) {
        survive(SAMPLE[..end].to_owned());
    }
}

#[test]
fn every_missing_line_is_survived() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    for missing in 0..lines.len() {
        survive([&lines[..missing], &lines[missing + 1..]].concat().join("\n"));
    }
}

#[test]
fn flipped_bytes_are_survived() {
    let mut random = fastrand::Rng::with_seed(7);
    let alphabet = b"{}[]:,-!&*|>'\"#%@ \n\tRFnA0$~\\\0";
    for _ in 0..1500 {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            bytes[at] = match random.usize(..3) {
                0 => bytes[at] ^ (1 << random.usize(..8)),
                1 => alphabet[random.usize(..alphabet.len())],
                _ => bytes[random.usize(..bytes.len())],
            };
        }
        survive(String::from_utf8_lossy(&bytes).into_owned());
    }
}

#[test]
fn spliced_lines_are_survived() {
    let mut random = fastrand::Rng::with_seed(11);
    let lines: Vec<&str> = SAMPLE.lines().collect();
    for _ in 0..500 {
        let mut spliced = lines.clone();
        for _ in 0..random.usize(1..5) {
            let line = lines[random.usize(..lines.len())];
            spliced.insert(random.usize(..spliced.len()), line);
        }
        survive(spliced.join("\n"));
    }
}

#[test]
fn many_problems_are_counted_and_not_all_shown() {
    let mut text = "Resources:\n".to_owned();
    for index in 0..400 {
        text.push_str(&format!(
            "  R_{index}: {{Type: AWS::Kinesis::Stream, Properties: {{ShardCount: 1}}}}\n"
        ));
    }
    let source = Source::new(Path::new("template.yaml"), text);
    let shown = load_source(source, &options()).diagnostics.render(Colour::Never);
    assert!(shown.ends_with("template.yaml: 100 errors, and 300 more that are not shown\n"), "{shown}");
}
