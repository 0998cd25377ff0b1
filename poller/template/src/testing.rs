//! What the tests of the template share: small templates, and problems as one line each.

use super::diagnostics::{Diagnostic, Diagnostics};
use super::source::Source;
use super::{LoadOptions, Loaded, load_source};
use pelton_core::Timestamp;
use std::path::Path;

pub(super) fn options() -> LoadOptions {
    LoadOptions {
        account: Some("123456789012".to_owned()),
        ..LoadOptions::new("eu-west-1", Timestamp::from_millis(1_800_000_000_000))
    }
}

pub(super) fn load_with(text: &str, options: &LoadOptions) -> Loaded {
    load_source(Source::new(Path::new("/app/template.yaml"), text.to_owned()), options)
}

pub(super) fn load(text: &str) -> Loaded {
    load_with(text, &options())
}

/// A function `Ledger` with some more properties (indented by six), its event `Orders` with some more properties
/// (indented by twelve), and more sections.
pub(super) fn template(function: &str, event: &str, sections: &str) -> String {
    format!(
        "Transform: AWS::Serverless-2016-10-31
Resources:
  Orders: {{Type: AWS::Kinesis::Stream, Properties: {{ShardCount: 2}}}}
  Ledger:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bootstrap
      Runtime: provided.al2023
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: !GetAtt Orders.Arn
            StartingPosition: LATEST
            {event}
      {function}
{sections}
"
    )
}

/// A problem as `error missing: message | label | help`.
pub(super) fn line(diagnostic: &Diagnostic) -> String {
    let Diagnostic { severity, code, message, label, help, .. } = diagnostic;
    let severity = format!("{severity:?}").to_lowercase();
    let label = label.as_ref().map_or("", |label| label.text.as_str());
    format!("{severity} {code}: {message} | {label} | {}", help.as_deref().unwrap_or_default())
}

pub(super) fn lines(diagnostics: &Diagnostics) -> Vec<String> {
    diagnostics.iter().map(line).collect()
}

/// Exactly one problem comes of the template, and its line contains the text; no text: no problem.
#[track_caller]
pub(super) fn check_problem(loaded: &Loaded, expected: &str) {
    let lines = lines(&loaded.diagnostics);
    if expected.is_empty() {
        assert!(lines.is_empty(), "{lines:#?}");
        assert!(loaded.application.is_some());
        return;
    }
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(expected), "{}\ndoes not contain\n{expected}", lines[0]);
}
