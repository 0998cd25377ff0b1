//! Holds our reader against PyYAML, with which AWS's tools read templates: both read the same generated documents, and must come to
//! the same tree, with each value at the same place.
//!
//! Each document is made from a seed of its own; a difference prints it. `tests/tool pyyaml 6.0.4 python` makes PyYAML ready.
//!
//! `PELTON_YAML_DOCUMENTS` says how many documents (5,000), `PELTON_YAML_SEED` the first one's seed. `PELTON_YAML_FOLDER` names a
//! folder of which every file is read instead.

mod documents;

use super::super::diagnostics::Diagnostics;
use super::super::node::{Entry, Node, Value};
use super::super::source::Source;
use super::Diagnostic;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Bytes that are sent before their answers are read: more than the pipe to the process holds would stop both.
const BATCH_BYTES: usize = 32_000;

/// Differences that are shown before the test gives up.
const SHOWN_MAX: usize = 10;

/// What we read though PyYAML refuses it: ARCHITECTURE.md says why. Each is a part of PyYAML's reason.
const KNOWN_LENIENCE: [&str; 6] = [
    "found character '\\t' that cannot start any token",
    "but found '\\t'",
    // `[a?b]`
    "but got '?'",
    "duplicate anchor",
    "merge",
    "constructor",
];

/// What we refuse though PyYAML reads it: a flow map with `// …` between its values, which is meant to be JSON.
const KNOWN_REFUSAL: &str = "JSON has no comments";

/// PyYAML in a process of its own.
struct Judge {
    process: Child,
    documents: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .expect("the package is in the repository");
        let python = root.join("target/tools/pyyaml-6.0.4/bin/python");
        let mut process = Command::new(&python)
            .arg(root.join("tests/differential/pyyaml_judge.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; run `tests/tool pyyaml 6.0.4 python`", python.display())
            });
        let documents = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, documents, answers }
    }

    fn send(&mut self, document: &str) {
        let line = Json::from(document).to_string();
        let pipe = self.documents.as_mut().expect("it is open until the end");
        writeln!(pipe, "{line}").expect("PyYAML reads");
    }

    fn answer(&mut self) -> Json {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("PyYAML answers");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        drop(self.documents.take());
        drop(self.process.wait());
    }
}

/// What we read, in the form of the judge.
fn ours(text: &str) -> Json {
    let source = Source::new(Path::new("template.yaml"), text.to_owned());
    let mut diagnostics = Diagnostics::new(source);
    match super::tree(text, &mut diagnostics) {
        Ok(None) => json!({"empty": true}),
        Ok(Some(root)) => json!({"tree": shown(&root, &Indices::of(text))}),
        Err(diagnostic) => refused(&diagnostic),
    }
}

fn refused(diagnostic: &Diagnostic) -> Json {
    let label = diagnostic.label.as_ref().map_or("", |label| &label.text);
    json!({"refused": format!("{}: {label}", diagnostic.message)})
}

/// From bytes to characters, by byte.
struct Indices(Vec<usize>);

impl Indices {
    fn of(text: &str) -> Self {
        let mut indices = vec![0; text.len() + 1];
        let mut count = 0;
        for (byte, character) in text.char_indices() {
            indices[byte] = count;
            count += 1;
            indices[byte + character.len_utf8()] = count;
        }
        Self(indices)
    }
}

fn shown(node: &Node, indices: &Indices) -> Json {
    let start = indices.0[node.span.start];
    match &node.value {
        Value::Null => json!(["n", start]),
        Value::Scalar(scalar) => json!(["s", start, indices.0[node.span.end], scalar.property_text()]),
        Value::Sequence(items) => {
            json!(["l", start, items.iter().map(|item| shown(item, indices)).collect::<Vec<_>>()])
        }
        Value::Mapping(entries) => {
            let sorted: BTreeMap<Vec<char>, &Entry> =
                entries.iter().map(|entry| (entry.key.chars().collect(), entry)).collect();
            let entries = sorted.values().map(|entry| {
                json!([entry.key, indices.0[entry.key_span.start], shown(&entry.value, indices)])
            });
            json!(["m", start, entries.collect::<Vec<_>>()])
        }
    }
}

/// Whether both are the same; of a place that PyYAML does not name, ours is any.
fn is_same(ours: &Json, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Json::Number(_), Json::Null) => true,
        (Json::Array(ours), Json::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (ours, theirs) => ours == theirs,
    }
}

/// How a document was read.
#[derive(Debug, Default)]
struct Seen {
    read: usize,
    refused: usize,
    lenient: usize,
    differences: Vec<String>,
}

impl Seen {
    fn compare(&mut self, name: &str, document: &str, theirs: &Json) {
        let ours = ours(document);
        let is_same = match (ours.get("refused"), theirs.get("refused").and_then(Json::as_str)) {
            (None, None) => {
                self.read += 1;
                let part =
                    |of: &Json| of.get("tree").or_else(|| of.get("empty")).cloned().unwrap_or_default();
                is_same(&part(&ours), &part(theirs))
            }
            (Some(_), Some(_)) => {
                self.refused += 1;
                true
            }
            (None, Some(reason)) => {
                self.lenient += 1;
                KNOWN_LENIENCE.iter().any(|known| reason.contains(known))
            }
            (Some(reason), None) => reason.as_str().is_some_and(|reason| reason.starts_with(KNOWN_REFUSAL)),
        };
        if !is_same {
            self.differences.push(format!("{name}\n{document:?}\n  PyYAML {theirs}\n  we     {ours}"));
        }
        assert!(self.differences.len() < SHOWN_MAX, "{}", self.differences.join("\n"));
    }
}

fn compare_all(documents: &[(String, String)]) -> Seen {
    let mut judge = Judge::start();
    let mut seen = Seen::default();
    let mut rest = documents;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(_, document)| {
            bytes += 2 * document.len();
            bytes <= BATCH_BYTES
        });
        // A document that is larger goes alone: its answer comes only after it was read.
        let (batch, later) = rest.split_at(fits.count().max(1));
        batch.iter().for_each(|(_, document)| judge.send(document));
        for (name, document) in batch {
            let theirs = judge.answer();
            seen.compare(name, document, &theirs);
        }
        rest = later;
    }
    assert!(seen.differences.is_empty(), "{}", seen.differences.join("\n"));
    println!("{seen:?}");
    seen
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("the setting is a number"))
}

#[test]
fn our_reader_reads_as_pyyaml_does() {
    if let Ok(folder) = std::env::var("PELTON_YAML_FOLDER") {
        compare_all(&files(Path::new(&folder)));
        return;
    }
    let count = setting("PELTON_YAML_DOCUMENTS", 5_000);
    let first = setting("PELTON_YAML_SEED", 0);
    let named =
        |seed| (format!("PELTON_YAML_SEED={seed} PELTON_YAML_DOCUMENTS=1"), documents::document(seed));
    let mut read = 0;
    let mut refused = 0;
    for start in (first..first + count).step_by(10_000) {
        let end = (start + 10_000).min(first + count);
        let seen = compare_all(&(start..end).map(named).collect::<Vec<_>>());
        read += seen.read;
        refused += seen.refused;
    }
    let enough = usize::try_from(count / 10).expect("it is small");
    assert!(read >= enough && refused >= enough, "too few of one kind to prove anything: {read}, {refused}");
}

/// Every file below a folder that is text.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut folders: Vec<PathBuf> = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder can be read") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.push((path.display().to_string(), text));
            }
        }
    }
    found
}
