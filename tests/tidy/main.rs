//! The walls that the compiler does not hold: which module may name which, and how long a file may be.
//!
//! In: the sources, line by line, and the manifests. Out: each line that names what its module must not know, and each file that
//! is too long. Comments may name everything.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PELTON: &str = "poller/src";
const CORE: &str = "poller/core/src";
const TEMPLATE: &str = "poller/template/src";
const ADAPTERS: &[&str] = &["source", "ownership", "lambda", "store", "destination"];

/// In the sources of a package, these modules never name those (but themselves).
const WALLS: &[(&str, &[&str], &[&str])] = &[
    (PELTON, ADAPTERS, ADAPTERS),
    (PELTON, ADAPTERS, &["supervisor", "shard_worker", "poller", "commands", "pelton_template"]),
    (PELTON, &["shard_worker"], ADAPTERS),
    (PELTON, &["shard_worker"], &["supervisor", "poller", "commands", "pelton_template"]),
    (PELTON, &["supervisor"], &["poller", "commands", "pelton_template"]),
    (PELTON, &["poller"], &["commands", "pelton_template"]),
    (CORE, &["batch", "event", "filter", "response", "invocation", "giving_up"], &["shard"]),
    (TEMPLATE, &["problem", "options"], &["text", "evaluate", "read", "show"]),
    (TEMPLATE, &["text"], &["evaluate", "read", "show"]),
    (TEMPLATE, &["evaluate"], &["read", "show"]),
    (TEMPLATE, &["read"], &["show"]),
];

/// What passes through a wall all the same: the file, and the module that it names.
const HOLES: &[(&str, &str)] = &[
    // This test looks at what people see.
    ("poller/template/src/read/functions/tests.rs", "description"),
];

/// The packages that may know some of ours only.
const PACKAGES: &[(&str, &[&str])] = &[
    ("poller/core", &[]),
    ("poller/model", &["pelton-core"]),
    ("poller/template", &["pelton-core", "pelton-model"]),
];

/// A file that is longer holds more than one idea. Tests are not counted.
const LINES_MAX: usize = 420;

/// Files that were longer when this was written, and their length: they may only become shorter.
const LONG: &[(&str, usize)] = &[
    ("poller/core/src/shard.rs", 461),
    ("poller/src/commands/put/mod.rs", 429),
    ("poller/src/shard_worker.rs", 429),
    ("poller/template/src/evaluate/intrinsics.rs", 421),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The Rust files below a folder.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}")) {
        let entry = entry.expect("the folder can be read");
        let path = format!("{folder}/{}", entry.file_name().to_str().expect("our names are UTF-8"));
        if entry.path().is_dir() {
            found.extend(sources(&path));
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
    found
}

fn is_in_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// What the top of a package exports of these modules, as names of its own.
fn exported_of<'t>(top: &'t str, modules: &[&str]) -> Vec<&'t str> {
    let exports = top.split("pub use ").skip(1).filter_map(|export| export.split_once(';'));
    let exports = exports.filter_map(|(export, _)| export.split_once("::"));
    let exports = exports.filter(|(module, _)| modules.contains(module));
    exports
        .flat_map(|(_, names)| names.split(|char| !is_in_name(char)))
        .filter(|name| !name.is_empty())
        .collect()
}

/// What a line names at the top of its package (`crate::store`, or as many `super` as lead there), or of another one. `depth`: how
/// many modules the file lies below the top. Inline modules lie deeper: there the children of a module at the top count, too.
fn named(line: &str, depth: usize) -> Vec<&str> {
    let paths = line.split(|char| !is_in_name(char) && char != ':').filter(|path| path.contains("::"));
    let names = paths.filter_map(move |path| {
        let mut names = path.split("::").skip_while(|name| *name == "super");
        let supers = path.split("::").take_while(|name| *name == "super").count();
        match names.next() {
            Some("crate") => names.next(),
            name => name.filter(|_| supers == 0 || supers >= depth),
        }
    });
    let group = if depth == 1 && line.starts_with("use super::{") { "super::{" } else { "crate::{" };
    let group = line.split_once(group).map_or("", |(_, group)| group);
    names.chain(group.split(", ").filter_map(|name| name.split(|char| !is_in_name(char)).next())).collect()
}

#[test]
fn no_module_names_one_that_it_must_not_know() {
    let mut found = Vec::new();
    for (folder, walled, never) in WALLS {
        let top = text(&format!("{folder}/lib.rs"));
        let exported = exported_of(&top, never);
        let mut seen = BTreeSet::new();
        for path in sources(folder) {
            let modules = path[folder.len() + 1..].trim_end_matches(".rs").trim_end_matches("/mod");
            let modules: Vec<_> = modules.split('/').collect();
            let Some(module) = walled.iter().find(|module| **module == modules[0]) else { continue };
            seen.insert(module);
            for (number, line) in (1..).zip(text(&path).lines()) {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                let is_wrong =
                    |name: &&str| name != module && (never.contains(name) || exported.contains(name));
                // A group of imports that ends on a line to come may name everything.
                let is_open = line.ends_with("crate::{") || modules.len() == 1 && line == "use super::{";
                let names = named(line, modules.len());
                if let Some(name) = names.into_iter().find(is_wrong).or(is_open.then_some("{")) {
                    found.push((path.clone(), name.to_owned(), format!("{path}:{number}: {}", line.trim())));
                }
            }
        }
        assert_eq!(seen.len(), walled.len(), "{folder} has each of {walled:?}: {seen:?}");
    }
    let passes = |hole: &(&str, &str), path: &str, name: &str| *hole == (path, name);
    let wrong = found.iter().filter(|(path, name, _)| !HOLES.iter().any(|hole| passes(hole, path, name)));
    let wrong: Vec<_> = wrong.map(|(_, _, line)| line.as_str()).collect();
    assert!(wrong.is_empty(), "these name what their module must not know:\n{}", wrong.join("\n"));
    for hole in HOLES {
        assert!(
            found.iter().any(|(path, name, _)| passes(hole, path, name)),
            "nothing passes by {hole:?} any more"
        );
    }
}

#[test]
fn no_package_knows_more_of_ours_than_it_may() {
    for (package, known) in PACKAGES {
        let manifest: toml::Table = text(&format!("{package}/Cargo.toml")).parse().expect("it is TOML");
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let dependencies = kinds.iter().filter_map(|kind| manifest.get(*kind)?.as_table());
        for (name, dependency) in dependencies.flatten() {
            let is_of_workspace = dependency.get("workspace").is_some() && dependency.get("path").is_none();
            let is_ours = !is_of_workspace || name.starts_with("pelton");
            assert!(!is_ours || known.contains(&name.as_str()), "{package} must not know {name}");
        }
    }
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let mut wrong = Vec::new();
    let mut long: BTreeSet<_> = LONG.iter().collect();
    for path in ["poller", "functions"].iter().flat_map(|folder| sources(folder)) {
        let is_test = path.split('/').any(|part| ["tests", "tests.rs"].contains(&part));
        let known = LONG.iter().find(|(known, _)| *known == path);
        let lines = text(&path).lines().count();
        let lines_max = known.map_or(LINES_MAX, |(_, lines)| *lines);
        if !is_test && lines > lines_max {
            wrong.push(format!("{path} has {lines} lines, and may have {lines_max}"));
        }
        if let Some(known) = known.filter(|_| lines > LINES_MAX) {
            long.remove(known);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(long.is_empty(), "these are no longer too long: {long:?}");
}
