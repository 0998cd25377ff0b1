//! Templates as people write them, and beside each (`*.expected`) what `pelton validate --json` says of it: its problems as
//! a person reads them, then what would run.
//!
//! After a change that is meant, `PELTON_UPDATE_EXPECTED=1` writes what is said now; look at the difference.

use pelton_core::Timestamp;
use pelton_template::diagnostics::Colour;
use pelton_template::source::Source;
use pelton_template::{
    GivenParameter, KafkaOptions, LoadOptions, Loaded, ParameterOrigin, Unsupported, description, load,
    load_source, summary,
};
use std::path::{Path, PathBuf};

fn options() -> LoadOptions {
    LoadOptions {
        account: Some("123456789012".to_owned()),
        ..LoadOptions::new("eu-west-1", Timestamp::from_millis(1_800_000_000_000))
    }
}

fn with_parameters(parameters: &[(&str, &str)]) -> LoadOptions {
    let given = |(name, value): &(&str, &str)| GivenParameter {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
        origin: ParameterOrigin::CommandLine,
    };
    LoadOptions { parameters: parameters.iter().map(given).collect(), ..options() }
}

/// What is said of a template.
fn said(loaded: &Loaded) -> String {
    let mut said = loaded.diagnostics.render(Colour::Never);
    if loaded.application.is_some() {
        if !said.is_empty() {
            said.push('\n');
        }
        // Paths of files are those of this machine: relative ones start at the template's folder.
        said.push_str(&description(loaded).replace(&folder().display().to_string(), "templates"));
    }
    said
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")
}

/// Compares with `templates/EXPECTED.expected`; answers what differs.
fn difference(file: &str, expected: &str, actual: &str) -> Option<String> {
    let path = folder().join(format!("{expected}.expected"));
    if std::env::var_os("PELTON_UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, actual).expect("the expected text can be written");
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    (actual != expected).then(|| format!("{} is not what is said of {file} now:\n\n{actual}", path.display()))
}

/// Loads `templates/FILE` and compares what comes of it with `templates/EXPECTED.expected`.
#[track_caller]
fn check(file: &str, expected: &str, options: &LoadOptions) {
    let actual = said(&load(&Path::new("templates").join(file), options));
    if let Some(difference) = difference(file, expected, &actual) {
        panic!("{difference}");
    }
}

/// The templates of the folder, without their ends.
fn templates() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder()).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let is_template = |path: &PathBuf| path.extension().is_some_and(|end| end == "yaml" || end == "json");
    let mut paths: Vec<PathBuf> = paths.filter(is_template).collect();
    paths.sort();
    paths
}

#[test]
fn each_template_comes_to_what_stands_beside_it() {
    let mut differences = Vec::new();
    for path in templates() {
        let file = path.file_name().and_then(|name| name.to_str()).expect("names are ASCII");
        let name = path.file_stem().and_then(|name| name.to_str()).expect("names are ASCII");
        let actual = said(&load(&Path::new("templates").join(file), &options()));
        differences.extend(difference(file, name, &actual));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

#[test]
fn line_ends_and_byte_order_marks_of_windows_change_nothing() {
    for path in templates() {
        let text = std::fs::read_to_string(&path).expect("the template can be read");
        let read = |text: String| load_source(Source::new(Path::new("templates/t"), text), &options());
        let expected = read(text.clone());
        let of_windows = read(format!("\u{feff}{}", text.replace('\n', "\r\n")));
        assert_eq!(of_windows.application, expected.application, "{}", path.display());
        let shown = of_windows.diagnostics.render(Colour::Never);
        assert!(!shown.contains('␍'), "{shown}");
        let lines = |loaded: &Loaded| -> Vec<Option<usize>> {
            let diagnostics = &loaded.diagnostics;
            diagnostics.iter().map(|item| diagnostics.position(item).map(|position| position.line)).collect()
        };
        assert_eq!(lines(&of_windows), lines(&expected), "{}", path.display());
    }
}

/// Cut off anywhere, or with a line left out, it is read or refused: nothing panics.
#[test]
fn pieces_of_templates_are_survived() {
    let survive = |text: String| {
        let loaded = load_source(Source::new(Path::new("templates/piece"), text), &options());
        assert_eq!(loaded.application.is_none(), loaded.diagnostics.has_errors());
        assert_eq!(loaded.diagnostics.render(Colour::Never).is_empty(), loaded.diagnostics.is_empty());
    };
    for path in templates() {
        let text = std::fs::read_to_string(&path).expect("the template can be read");
        for (end, _) in text.char_indices().step_by(41) {
            survive(text[..end].to_owned());
        }
        let lines: Vec<&str> = text.lines().collect();
        for missing in (0..lines.len()).step_by(3) {
            survive([&lines[..missing], &lines[missing + 1..]].concat().join("\n"));
        }
    }
}

#[test]
fn a_template_depends_on_its_parameters() {
    check("stages.yaml", "stages-prod", &with_parameters(&[("Stage", "prod"), ("Shards", "8")]));
    check("stages.yaml", "stages-dev", &with_parameters(&[("Stage", "dev")]));
    let wrong = [("Stage", "staging"), ("Shards", "65"), ("Sharts", "1")];
    check("stages.yaml", "stages-wrong", &with_parameters(&wrong));
    check("conditions.yaml", "conditions-production", &with_parameters(&[("Environment", "production")]));
}

#[test]
fn a_template_depends_on_the_region() {
    let options = LoadOptions { region: "us-east-1".to_owned(), ..with_parameters(&[("Team", "gates")]) };
    check("conditions.yaml", "conditions-elsewhere", &options);
}

#[test]
fn what_is_not_honoured_is_warned_of_if_that_is_asked_for() {
    let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
    check("not-honoured.yaml", "not-honoured-allowed", &allowing);
    check("for-each.yaml", "for-each-allowed", &allowing);
    check("cannot-run-here.yaml", "cannot-run-here-allowed", &allowing);
    check("macros.yaml", "macros-allowed", &allowing);
    check("other-sources.yaml", "other-sources-allowed", &allowing);
}

#[test]
fn brokers_and_lanes_of_kafka_come_from_the_command_line_too() {
    let servers =
        |id: &str, servers: &str| (id.to_owned(), servers.parse().expect("they are bootstrap servers"));
    let kafka = KafkaOptions {
        bootstrap_servers: vec![
            servers("Cluster", "127.0.0.1:9092"),
            servers("LedgerOrders", "127.0.0.1:9094"),
        ],
        parallelization_factors: vec![("LedgerOrders".to_owned(), 4)],
    };
    check("kafka.yaml", "kafka-elsewhere", &LoadOptions { kafka, ..options() });
}

/// The sample has no mapping of Kafka without a cluster, so that it can be deployed anywhere.
#[test]
fn the_sample_has_a_mapping_of_kafka_only_where_its_brokers_are_named() {
    check("../../samplesam.yaml", "sample", &options());
    let servers = ("KafkaBootstrapServers", "127.0.0.1:9092,127.0.0.1:9093");
    check("../../samplesam.yaml", "sample-kafka", &with_parameters(&[servers]));
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-AbCdEf";
    check(
        "../../samplesam.yaml",
        "sample-kafka-secret",
        &with_parameters(&[servers, ("KafkaSecret", secret)]),
    );
}

#[test]
fn a_file_that_is_not_there_is_said() {
    check("missing.yaml", "missing", &options());
}

#[test]
fn what_would_run_is_shown_as_tables() {
    check_tables("many-readers");
    check_tables("mapping-settings");
    check_tables("kafka");
}

/// What `pelton validate` shows a person of `templates/NAME.yaml` is `templates/NAME-tables.expected`.
#[track_caller]
fn check_tables(name: &str) {
    let file = format!("{name}.yaml");
    let loaded = load(&Path::new("templates").join(&file), &options());
    // Paths of files are those of this machine: relative ones start at the template's folder.
    let tables = summary(&loaded).replace(&folder().display().to_string(), "templates");
    if let Some(difference) = difference(&file, &format!("{name}-tables"), &tables) {
        panic!("{difference}");
    }
}
