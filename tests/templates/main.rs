//! Templates as people write them, and what `pelton validate` says of each: the text beside it (`*.expected`).
//!
//! After a change that is meant, `PELTON_UPDATE_EXPECTED=1` writes what is said now; look at the difference.

use pelton::template::diagnostics::Colour;
use pelton::template::{LoadOptions, Unsupported, load, summary};
use pelton_core::Timestamp;
use std::path::Path;

/// Loads `templates/FILE` and compares what comes of it with `templates/EXPECTED.expected`.
#[track_caller]
fn check(file: &str, expected: &str, parameters: &[(&str, &str)], unsupported: Unsupported) {
    let options = LoadOptions {
        parameters: parameters.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        region: "eu-west-1".to_owned(),
        account: "123456789012".to_owned(),
        unsupported,
        now: Timestamp::from_millis(1_800_000_000_000),
    };
    let loaded = load(&Path::new("templates").join(file), &options);
    let mut actual = loaded.diagnostics.render(Colour::Never);
    if let Some(application) = &loaded.application {
        if !actual.is_empty() {
            actual.push('\n');
        }
        actual.push_str(&summary(application));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates").join(format!("{expected}.expected"));
    if std::env::var_os("PELTON_UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &actual).expect("the expected text can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(actual == expected, "{} is not what is said of {file} now:\n\n{actual}", path.display());
}

#[track_caller]
fn check_plain(file: &str) {
    let expected = file.split('.').next().unwrap_or(file);
    check(file, expected, &[], Unsupported::Refuse);
}

#[test]
fn a_template_is_read_in_every_spelling() {
    check_plain("orders.yaml");
    check_plain("cloudformation.yaml");
    check_plain("globals.yaml");
    check_plain("anchors.yaml");
    check_plain("beside.yaml");
    check_plain("no-mapping.yaml");
}

#[test]
fn json_is_read_with_tabs_on_one_line_and_as_cdk_writes_it() {
    check_plain("tabs.json");
    check_plain("minified.json");
    check("cdk.json", "cdk", &[], Unsupported::Refuse);
}

#[test]
fn a_template_depends_on_its_parameters() {
    check("stages.yaml", "stages-prod", &[("Stage", "prod"), ("Shards", "8")], Unsupported::Refuse);
    check("stages.yaml", "stages-dev", &[("Stage", "dev")], Unsupported::Refuse);
    check("stages.yaml", "stages-missing", &[], Unsupported::Refuse);
    let wrong = [("Stage", "staging"), ("Shards", "65"), ("Sharts", "1")];
    check("stages.yaml", "stages-wrong", &wrong, Unsupported::Refuse);
}

#[test]
fn what_is_no_template_is_shown_where_it_breaks() {
    check_plain("not-yaml.yaml");
    check_plain("not-json.json");
    check("missing.yaml", "missing", &[], Unsupported::Refuse);
}

#[test]
fn every_problem_is_shown_at_once() {
    check_plain("circle.yaml");
    check_plain("near-misses.yaml");
    check_plain("out-of-range.yaml");
    check_plain("doubles.yaml");
}

#[test]
fn what_is_not_honoured_is_refused_or_warned_of() {
    check("not-honoured.yaml", "not-honoured", &[], Unsupported::Refuse);
    check("not-honoured.yaml", "not-honoured-allowed", &[], Unsupported::Warn);
}
