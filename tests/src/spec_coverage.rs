//! Which test proves which sentence of the specification.
//!
//! In: the lists of `tests/spec-coverage` (a sentence in our words, its section, the tests that prove it), and the sources of
//! the tests. Out: the gaps, and the list of pairs. The specification itself is not part of the project.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Every sentence that is to be proven.
#[derive(Debug, Default)]
pub struct Coverage {
    sentences: Vec<Sentence>,
    gaps: Vec<String>,
}

/// One sentence.
#[derive(Debug)]
struct Sentence {
    section: String,
    tag: Tag,
    says: String,
    proof: Proof,
}

/// How sure the specification is of a sentence.
#[derive(Clone, Copy, Debug, Deserialize)]
enum Tag {
    /// The model of the API says it.
    A,
    /// AWS documents it.
    D,
    /// It was observed on AWS.
    O,
    /// Both.
    DO,
    /// AWS's own tools do it.
    C,
    /// AWS says nothing: what we decided.
    R,
}

#[derive(Debug)]
enum Proof {
    /// `path::name` of each test.
    Tests(Vec<String>),
    /// Why nothing proves it.
    Left(String),
}

/// A list as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    /// Short names of the files that hold the tests.
    files: BTreeMap<String, PathBuf>,
    sentence: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    section: String,
    tag: Tag,
    says: String,
    #[serde(default)]
    tests: Vec<String>,
    left: Option<String>,
}

impl Coverage {
    /// Reads the lists in `folder`, and looks for the tests that they name in the files below `root`.
    ///
    /// # Errors
    ///
    /// If the lists cannot be read or are no TOML of the right form. A test that is not there is a gap, not an error.
    pub fn read(root: &Path, folder: &Path) -> io::Result<Self> {
        let mut lists: Vec<PathBuf> =
            fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
        lists.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        lists.sort();
        let mut coverage = Self::default();
        for path in lists {
            let broken = |error| io::Error::new(io::ErrorKind::InvalidData, format!("{path:?}: {error}"));
            coverage.add(toml::from_str(&fs::read_to_string(&path)?).map_err(broken)?, root);
        }
        Ok(coverage)
    }

    fn add(&mut self, list: List, root: &Path) {
        let tests: BTreeMap<&str, BTreeSet<String>> =
            list.files.iter().map(|(short, path)| (short.as_str(), tests_in(&root.join(path)))).collect();
        for Entry { section, tag, says, tests: named, left } in list.sentence {
            let full_name = |test: &String| {
                let (file, name) = test.split_once("::").unwrap_or(("", test));
                let is_there = tests.get(file).is_some_and(|tests| tests.contains(name));
                let path = list.files.get(file).map_or(file.into(), |path| path.to_string_lossy());
                let full = format!("{path}::{name}");
                if is_there { Ok(full) } else { Err(format!("{section} {says}: there is no test {full}")) }
            };
            let (found, missing): (Vec<_>, Vec<_>) = named.iter().map(full_name).partition(Result::is_ok);
            self.gaps.extend(missing.into_iter().filter_map(Result::err));
            let proof = match left {
                Some(reason) => Proof::Left(reason),
                None => Proof::Tests(found.into_iter().flatten().collect()),
            };
            if matches!(&proof, Proof::Tests(tests) if tests.is_empty()) {
                self.gaps.push(format!("{section} {says}: no test proves it"));
            }
            self.sentences.push(Sentence { section, tag, says, proof });
        }
    }

    /// What is wrong, one line each: sentences without a test, and tests that are not there.
    #[must_use]
    pub fn gaps(&self) -> &[String] {
        &self.gaps
    }

    /// How many sentences there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sentences.len()
    }

    /// Whether there is nothing to prove.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sentences.is_empty()
    }

    /// The pairs, as a table in Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut shown = String::from("| section | | sentence | proven by |\n|---|---|---|---|\n");
        for Sentence { section, tag, says, proof } in &self.sentences {
            let proof = match proof {
                Proof::Tests(tests) => {
                    tests.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join("<br>")
                }
                Proof::Left(reason) => format!("not here: {reason}"),
            };
            let tag = match tag {
                Tag::A => "A",
                Tag::D => "D",
                Tag::O => "O",
                Tag::DO => "D, O",
                Tag::C => "C",
                Tag::R => "R",
            };
            writeln!(shown, "| {section} | {tag} | {} | {proof} |", says.replace('|', "\\|"))
                .expect("a string takes any text");
        }
        shown
    }
}

/// The names of the tests in a file: functions of Rust that are marked as tests, or whatever a file in another language calls
/// a test. None if there is no such file.
fn tests_in(path: &Path) -> BTreeSet<String> {
    let source = fs::read_to_string(path).unwrap_or_default();
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    if is_rust { rust_tests(&source) } else { other_tests(&source) }
}

fn rust_tests(source: &str) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut is_marked = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_marked = true;
        } else if let Some(name) = line.trim_start_matches("async ").strip_prefix("fn ")
            && std::mem::take(&mut is_marked)
        {
            tests.insert(name.split('(').next().unwrap_or(name).to_owned());
        }
    }
    tests
}

/// `def test_…` of Python, `test("…")` of Node.
fn other_tests(source: &str) -> BTreeSet<String> {
    let name_in = |line: &str| {
        let python = line.strip_prefix("def test_").and_then(|rest| rest.split('(').next());
        let node = line.strip_prefix("test(").and_then(|rest| rest.split(['"', '\'', '`']).nth(1));
        python.map(|name| format!("test_{name}")).or(node.map(str::to_owned))
    };
    source.lines().filter_map(|line| name_in(line.trim_start())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"
        [files]
        one = "one.rs"
        [[sentence]]
        section = "4.1"
        tag = "D"
        says = "a | b"
        tests = ["one::it_is_so"]
        [[sentence]]
        section = "4.2"
        tag = "R"
        says = "later"
        left = "Kafka comes later"
    "#;

    /// The gaps of a list beside one file with these lines.
    fn check(list: &str, source: &str, gaps: &[&str]) -> Coverage {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("one.rs"), source).unwrap();
        fs::write(folder.path().join("list.toml"), list).unwrap();
        let coverage = Coverage::read(folder.path(), folder.path()).unwrap();
        assert_eq!(coverage.gaps(), gaps);
        coverage
    }

    #[test]
    fn a_sentence_with_a_test_that_is_there_is_covered() {
        for source in [
            "#[test]\nfn it_is_so() {",
            "mod a {\n    #[test]\n    #[should_panic]\n    fn it_is_so() {",
            "#[tokio::test(start_paused = true)]\nasync fn it_is_so() {",
        ] {
            let coverage = check(LIST, source, &[]);
            assert_eq!(coverage.len(), 2);
            let list = coverage.markdown();
            assert!(list.contains(r"| 4.1 | D | a \| b | `one.rs::it_is_so` |"), "{list}");
            assert!(list.contains("| 4.2 | R | later | not here: Kafka comes later |"), "{list}");
        }
    }

    #[test]
    fn a_test_that_is_not_there_is_a_gap() {
        let gaps = ["4.1 a | b: there is no test one.rs::it_is_so", "4.1 a | b: no test proves it"];
        for source in ["", "fn it_is_so() {", "#[test]\nfn other() {}\nfn it_is_so() {"] {
            check(LIST, source, &gaps);
        }
    }

    #[test]
    fn a_sentence_without_a_test_is_a_gap() {
        let list = LIST.replace(r#"tests = ["one::it_is_so"]"#, "");
        check(&list, "", &["4.1 a | b: no test proves it"]);
    }

    #[test]
    fn tests_in_other_languages_are_found() {
        let source = "def test_it():\n  test('works', async () => {\n  test(\"too\", x)\ndef other():\n";
        assert_eq!(Vec::from_iter(other_tests(source)), ["test_it", "too", "works"]);
    }
}
