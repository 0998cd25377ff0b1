//! What `sam build` left in `.aws-sam`, and whether it made it of this function.
//!
//! In: a function, and the folder that `.aws-sam` may be in. Out: the folder of its code, or why what is there does not count: one
//! folder may hold several templates, and a template changes, while there is one build folder. Reads, never builds.

use pelton_model::{BuildMethod, Function};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

const FOLDER: &str = ".aws-sam";

/// Beside the built functions; `sam build` writes it once all are built.
const BUILT_TEMPLATE: &str = "template.yaml";

/// In [`FOLDER`]; `sam build` notes in it what it builds for which functions.
const NOTE: &str = "build.toml";

/// What there is of a function.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SamBuild {
    /// It was never built.
    None,
    /// `sam build` made this folder of it.
    Of(PathBuf),
    /// There is a folder of its name that was made of something else, or by somebody else.
    Foreign {
        folder: PathBuf,
        /// How that can be told.
        reason: String,
    },
}

/// [`NOTE`], as far as it matters here.
#[derive(Deserialize)]
struct Note {
    #[serde(default)]
    function_build_definitions: BTreeMap<String, Definition>,
}

#[derive(Deserialize)]
struct Definition {
    /// A folder; absent for images.
    codeuri: Option<PathBuf>,
    runtime: Option<String>,
    /// Logical ids.
    functions: Vec<String>,
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    build_method: Option<String>,
    #[serde(default)]
    build_properties: BuildProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BuildProperties {
    binary: Option<String>,
}

impl SamBuild {
    /// The files that decide what [`SamBuild::find`] finds, whether they are there or not.
    pub(super) fn places(function: &Function, root: &Path) -> [PathBuf; 3] {
        let (folder, build) = (root.join(FOLDER), root.join(FOLDER).join("build"));
        [
            folder.join(NOTE),
            build.join(BUILT_TEMPLATE),
            build.join(&function.logical_id).join(super::code::BOOTSTRAP),
        ]
    }

    /// What `.aws-sam` in `root` has of `function`.
    pub(super) fn find(function: &Function, root: &Path) -> Self {
        let folder = root.join(FOLDER).join("build").join(&function.logical_id);
        // A template that `sam build` made names what it built as CodeUri: no more need be known of it.
        if !folder.is_dir() || is_same_folder(&folder, &function.code_uri) {
            return Self::None;
        }
        match foreign(function, root) {
            None => Self::Of(folder),
            Some(reason) => Self::Foreign { folder, reason },
        }
    }
}

/// Why the folder was not made of this function; `None` if it was.
fn foreign(function: &Function, root: &Path) -> Option<String> {
    let note_path = root.join(FOLDER).join(NOTE);
    let note = match std::fs::read_to_string(&note_path) {
        Ok(note) => note,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Some(format!("there is no {FOLDER}/{NOTE}, in which `sam build` notes what it built"));
        }
        Err(error) => return Some(format!("{FOLDER}/{NOTE} cannot be read: {error}")),
    };
    let Ok(note) = toml::from_str::<Note>(&note) else {
        return Some(format!("{FOLDER}/{NOTE} is not what `sam build` writes"));
    };
    if !root.join(FOLDER).join("build").join(BUILT_TEMPLATE).is_file() {
        return Some("the last `sam build` did not finish".to_owned());
    }
    let mut definitions = note.function_build_definitions.into_values();
    let Some(definition) = definitions.find(|definition| definition.functions.contains(&function.logical_id))
    else {
        return Some(
            "`sam build` made it of another template: its note does not name the function".to_owned(),
        );
    };
    definition.difference(function, root)
}

impl Definition {
    /// What was built otherwise than this function is to be.
    fn difference(self, function: &Function, root: &Path) -> Option<String> {
        let Some(code_uri) = self.codeuri else { return Some("`sam build` made an image of it".to_owned()) };
        if !is_same_folder(&root.join(&code_uri), &function.code_uri) {
            return Some(format!("`sam build` made it of the CodeUri {}", code_uri.display()));
        }
        if let Some(runtime) = self.runtime.filter(|runtime| Some(runtime) != function.runtime.as_ref()) {
            return Some(format!("`sam build` made it for the Runtime {runtime}"));
        }
        let is_cargo = self.metadata.build_method.as_deref() == Some("rust-cargolambda");
        let built_by = is_cargo
            .then_some(BuildMethod::RustCargoLambda { binary: self.metadata.build_properties.binary });
        (built_by != function.build).then(|| "`sam build` made it with another Metadata".to_owned())
    }
}

/// Whether both are the same folder, by whatever path.
pub(super) fn is_same_folder(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), _) | (_, Err(_)) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// As `sam build` of SAM CLI 1.170 writes it.
    const WRITTEN: &str = r#"# This file is auto generated by SAM CLI build command

[function_build_definitions.72b12069-f40e-42a7-8fd2-8d9fa71fd927]
codeuri = "elsewhere"
runtime = "provided.al2023"
architecture = "x86_64"
handler = "bootstrap"
manifest_hash = ""
packagetype = "Zip"
functions = ["Clicks"]

[function_build_definitions.c02dfcb4-6368-495d-91b4-65411663da2f]
codeuri = "ROOT/orders"
runtime = "provided.al2023"
architecture = "x86_64"
handler = "bootstrap"
manifest_hash = ""
packagetype = "Zip"
functions = ["Other", "Orders"]

[function_build_definitions.c02dfcb4-6368-495d-91b4-65411663da2f.metadata]
BuildMethod = "rust-cargolambda"

[function_build_definitions.c02dfcb4-6368-495d-91b4-65411663da2f.metadata.BuildProperties]
Binary = "orders"

[layer_build_definitions]
"#;

    fn function(root: &Path) -> Function {
        Function {
            logical_id: "Orders".to_owned(),
            name: "orders".to_owned(),
            code_uri: root.join("orders"),
            handler: "bootstrap".to_owned(),
            runtime: Some("provided.al2023".to_owned()),
            build: Some(BuildMethod::RustCargoLambda { binary: Some("orders".to_owned()) }),
            timeout: Duration::from_secs(3),
            memory_size_mb: 128,
            environment: BTreeMap::new(),
            reserved_concurrency: None,
            role_arn: "arn:aws:iam::123456789012:role/orders".to_owned(),
        }
    }

    /// What is found after `sam build` with this note (`None`: without one), and why it does not count.
    fn found(note: Option<&str>, is_finished: bool) -> Option<String> {
        let root = tempfile::tempdir().unwrap();
        let sam = root.path().join(FOLDER);
        std::fs::create_dir_all(sam.join("build").join("Orders")).unwrap();
        std::fs::create_dir(root.path().join("orders")).unwrap();
        if let Some(note) = note {
            let note = note.replace("ROOT", root.path().to_str().unwrap());
            std::fs::write(sam.join(NOTE), note).unwrap();
        }
        if is_finished {
            std::fs::write(sam.join("build").join(BUILT_TEMPLATE), "Resources: {}\n").unwrap();
        }
        match SamBuild::find(&function(root.path()), root.path()) {
            SamBuild::None => panic!("there is a folder"),
            SamBuild::Of(folder) => {
                assert_eq!(folder, sam.join("build").join("Orders"));
                None
            }
            SamBuild::Foreign { reason, .. } => Some(reason),
        }
    }

    #[track_caller]
    fn check_foreign(note: &str, expected: &str) {
        let reason = found(Some(note), true).expect("it does not count");
        assert!(reason.contains(expected), "{reason}");
    }

    #[test]
    fn what_sam_built_of_this_function_counts() {
        assert_eq!(found(Some(WRITTEN), true), None);
        assert_eq!(found(Some(&WRITTEN.replace("ROOT/orders", "ROOT/orders/../orders/")), true), None);
    }

    #[test]
    fn what_sam_built_of_something_else_does_not_count() {
        check_foreign(&WRITTEN.replace("ROOT/orders", "ROOT/elsewhere"), "made it of the CodeUri");
        check_foreign(&WRITTEN.replace("\"Orders\"", "\"Orders2\""), "does not name the function");
        check_foreign(&WRITTEN.replace("\"Orders\"", "\"Child/Orders\""), "does not name the function");
        check_foreign(&WRITTEN.replace("provided.al2023", "provided.al2"), "for the Runtime provided.al2");
        check_foreign(&WRITTEN.replace("rust-cargolambda", "makefile"), "with another Metadata");
        check_foreign(
            &WRITTEN.replace("Binary = \"orders\"", "Binary = \"clicks\""),
            "with another Metadata",
        );
        check_foreign("", "does not name the function");
    }

    #[test]
    fn a_folder_without_the_note_of_sam_build_does_not_count() {
        assert!(found(None, true).expect("it does not count").contains("there is no .aws-sam/build.toml"));
        check_foreign("functions: [Orders]", "is not what `sam build` writes");
    }

    #[test]
    fn a_build_that_did_not_finish_does_not_count() {
        let reason = found(Some(WRITTEN), false).expect("it does not count");
        assert!(reason.contains("did not finish"), "{reason}");
    }

    #[test]
    fn nothing_was_built_where_there_is_no_folder() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(SamBuild::find(&function(root.path()), root.path()), SamBuild::None);
    }
}
