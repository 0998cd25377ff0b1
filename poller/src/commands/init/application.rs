//! The files of a new application.
//!
//! In: its name and language. Out: paths and texts. Writes nothing.

use super::name::Name;
use clap::ValueEnum;

/// What the handler is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Needs cargo
    Rust,
    /// Needs Python 3
    Python,
}

/// A file of a new application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File {
    /// Its place in the folder of the application.
    pub(super) path: &'static str,
    pub(super) text: String,
    pub(super) is_executable: bool,
}

/// What each record of a new application looks like.
const SAMPLE: &str = r#"{"amount":1999}"#;

const TEMPLATE: &str = include_str!("template.yaml");
const COMMON: [(&str, &str); 2] =
    [(".gitignore", include_str!("gitignore")), ("events/record.json", include_str!("event.json"))];

const RUST_CODE: &str = include_str!("rust/code.yaml");
const RUST: [(&str, &str); 4] = [
    ("README.md", include_str!("rust/readme.md")),
    ("Cargo.toml", include_str!("rust/workspace.toml")),
    ("function/Cargo.toml", include_str!("rust/package.toml")),
    ("function/src/main.rs", include_str!("rust/main.rs")),
];

const PYTHON_CODE: &str = include_str!("python/code.yaml");
const PYTHON: [(&str, &str); 4] = [
    ("README.md", include_str!("python/readme.md")),
    ("function/app.py", include_str!("python/app.py")),
    (BOOTSTRAP, include_str!("python/bootstrap")),
    ("test_app.py", include_str!("python/test_app.py")),
];

/// The only file that is run as a program.
const BOOTSTRAP: &str = "function/bootstrap";

/// Every file of a new application.
pub(super) fn files(name: &Name, language: Language) -> Vec<File> {
    let (code, own): (&str, &[(&'static str, &str)]) = match language {
        Language::Rust => (RUST_CODE, &RUST),
        Language::Python => (PYTHON_CODE, &PYTHON),
    };
    let template = ("template.yaml", TEMPLATE.replace("{{code}}\n", code));
    let others = COMMON.iter().chain(own).map(|&(path, text)| (path, text.to_owned()));
    let fill = |(path, text): (&'static str, String)| File {
        path,
        text: text
            .replace("{{name}}", name.as_str())
            .replace("{{Name}}", &name.logical_id())
            .replace("{{put}}", &put(name)),
        is_executable: path == BOOTSTRAP,
    };
    [template].into_iter().chain(others).map(fill).collect()
}

/// The command that puts a record into the stream of the application while `pelton dev` runs it.
pub(super) fn put(name: &Name) -> String {
    format!("pelton put {name} --key a '{SAMPLE}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_fill_in() {
        for language in [Language::Rust, Language::Python] {
            for file in files(&"my-orders".parse().unwrap(), language) {
                assert!(!file.text.contains("{{"), "{}", file.path);
            }
        }
    }

    #[test]
    fn the_event_holds_the_sample() {
        use base64::Engine as _;
        let data = base64::prelude::BASE64_STANDARD.encode(SAMPLE);
        assert!(COMMON.iter().any(|(_, text)| text.contains(&format!("\"data\": \"{data}\""))), "{data}");
    }

    #[test]
    fn the_readme_has_five_lines() {
        for language in [Language::Rust, Language::Python] {
            let files = files(&"orders".parse().unwrap(), language);
            let readme = files.iter().find(|file| file.path == "README.md").unwrap();
            assert_eq!(readme.text.lines().count(), 5, "{}", readme.text);
        }
    }
}
