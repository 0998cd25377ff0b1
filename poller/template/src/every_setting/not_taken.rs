//! Settings that AWS takes with other event sources only, and those that change nothing here.

use crate::read::event_source_kind::settings_of_others;
use crate::testing::{check_problem, lines, load, template};

#[track_caller]
fn check(setting: &str, expected: &str) {
    check_problem(&load(&template("", setting, "")), expected);
}

/// It encrypts the filters that AWS keeps; Pelton reads them from the template.
#[test]
fn a_key_that_encrypts_the_filters_changes_nothing_here() {
    check("KmsKeyArn: arn:aws:kms:x", "");
    check("KmsKeyArn: !ImportValue key", "");
}

#[test]
fn settings_of_other_sources_are_refused() {
    check("Topics: !Ref AWS::NoValue", "");
    for name in settings_of_others() {
        check(&format!("{name}: [x]"), &format!("a Kinesis stream does not support `{name}`"));
    }
}

#[test]
fn a_setting_that_is_given_under_two_names_is_refused_at_both() {
    let both = "SourceAccessConfigurations: [x]\n            SecretsManagerKmsKeyId: x";
    let lines = lines(&load(&template("", both, "")).diagnostics);
    assert_eq!(lines.len(), 2, "{lines:#?}");
    for name in ["SourceAccessConfigurations", "SecretsManagerKmsKeyId"] {
        let expected = format!("a Kinesis stream does not support `{name}`");
        assert!(lines.iter().any(|line| line.contains(&expected)), "{lines:#?}");
    }
}

#[test]
fn every_problem_is_reported_at_once() {
    let event = "BatchSize: 0\n            ParallelizationFactor: 20\n            Topics: [a]";
    let loaded = load(&template("Timeout: 0", event, ""));
    assert_eq!(lines(&loaded.diagnostics).len(), 4);
}
