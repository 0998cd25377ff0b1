//! Where a function's code is.
//!
//! In: a function of the template and the template's folder. Out: the executable, or what to do so that there is one.
//! Builds nothing.

use super::executable;
use crate::application::{BuildMethod, Function};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The executable of every `provided.*` function (specification 8.4).
const BOOTSTRAP: &str = "bootstrap";

/// A function's code, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The executable.
    pub bootstrap: PathBuf,
    /// `LAMBDA_TASK_ROOT`, and the working directory of the handler.
    pub folder: PathBuf,
}

/// Why a function has no code that can run.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// Only executables run here.
    #[error(
        "function {function} has the runtime {runtime}: Pelton runs `provided.al2023` and `provided.al2`, \
         for which the code is an executable named `bootstrap`"
    )]
    Runtime {
        /// Logical id.
        function: String,
        /// `Runtime` of the template.
        runtime: String,
    },
    /// Nothing was built.
    #[error("function {function} has no {}: {advice}", .searched.display())]
    Missing {
        /// Logical id.
        function: String,
        /// The last place that was looked at.
        searched: PathBuf,
        /// What to do.
        advice: String,
    },
    /// It is there, but nothing that runs.
    #[error("{} of function {function} is not executable: run `chmod +x {0}`", .bootstrap.display())]
    NotExecutable {
        /// Logical id.
        function: String,
        /// The file.
        bootstrap: PathBuf,
    },
    /// It is there, and may be executed, but this machine cannot do it.
    #[error("{} of function {function} cannot be executed: {defect}", .bootstrap.display())]
    NotAProgram {
        /// Logical id.
        function: String,
        /// The file.
        bootstrap: PathBuf,
        /// What is wrong with it.
        defect: &'static str,
    },
    /// It may be there.
    #[error("{} of function {function} cannot be looked at", .path.display())]
    Unreadable {
        /// Logical id.
        function: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl Code {
    /// The code of `function`: what `sam build` made of it from the template in the folder `root`, or else a
    /// `bootstrap` in CodeUri.
    ///
    /// # Errors
    ///
    /// If there is nothing to run; the error says what to do.
    pub fn find(function: &Function, root: &Path) -> Result<Self, CodeError> {
        if !function.runtime.starts_with("provided") {
            let (function, runtime) = (function.logical_id.clone(), function.runtime.clone());
            return Err(CodeError::Runtime { function, runtime });
        }
        let built = built_folder(function, root);
        if is_built_from(function, root)
            && let Some(code) = Self::in_folder(function, &built)?
        {
            return Ok(code);
        }
        Self::in_folder(function, &function.code_uri)?.ok_or_else(|| CodeError::Missing {
            function: function.logical_id.clone(),
            searched: function.code_uri.join(BOOTSTRAP),
            advice: advice(function),
        })
    }

    /// The files that decide which code [`Code::find`] finds, whether they are there or not.
    #[must_use]
    pub fn places(function: &Function, root: &Path) -> [PathBuf; 3] {
        let built = built_folder(function, root).join(BOOTSTRAP);
        [built_note(root), built, function.code_uri.join(BOOTSTRAP)]
    }

    /// An executable that somebody built from `function`'s code, wherever it lies.
    #[must_use]
    pub fn built(bootstrap: PathBuf, function: &Function) -> Self {
        Self { bootstrap, folder: function.code_uri.clone() }
    }

    fn in_folder(function: &Function, folder: &Path) -> Result<Option<Self>, CodeError> {
        let bootstrap = folder.join(BOOTSTRAP);
        match std::fs::metadata(&bootstrap) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => {
                let function = function.logical_id.clone();
                Err(CodeError::Unreadable { function, path: bootstrap, source })
            }
            Ok(file) if !file.is_file() || file.permissions().mode() & 0o111 == 0 => {
                Err(CodeError::NotExecutable { function: function.logical_id.clone(), bootstrap })
            }
            Ok(_) => match executable::certain_defect(&bootstrap) {
                Some(defect) => {
                    Err(CodeError::NotAProgram { function: function.logical_id.clone(), bootstrap, defect })
                }
                None => Ok(Some(Self { bootstrap, folder: folder.to_path_buf() })),
            },
        }
    }
}

fn advice(function: &Function) -> String {
    match function.build {
        Some(BuildMethod::RustCargoLambda { .. }) => {
            "run `sam build`, or let `pelton dev` build the function".to_owned()
        }
        None => format!(
            "run `sam build`, or put an executable named `{BOOTSTRAP}` into {}",
            function.code_uri.display()
        ),
    }
}

/// Where `sam build` puts what it makes of the function.
fn built_folder(function: &Function, root: &Path) -> PathBuf {
    root.join(".aws-sam").join("build").join(&function.logical_id)
}

/// Where `sam build` notes what it made.
fn built_note(root: &Path) -> PathBuf {
    root.join(".aws-sam").join("build.toml")
}

/// Whether `.aws-sam/build` in `root` was made of this function.
///
/// `sam build` notes in `.aws-sam/build.toml` which CodeUri it built for which functions: a folder with two templates
/// has one build folder. Without the note, the folder's name has to do.
fn is_built_from(function: &Function, root: &Path) -> bool {
    match std::fs::read_to_string(built_note(root)) {
        Ok(note) => built_code_uris(&note, &function.logical_id)
            .any(|code_uri| is_same_folder(&root.join(code_uri), &function.code_uri)),
        Err(_) => true,
    }
}

fn is_same_folder(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), _) | (_, Err(_)) => one == other,
    }
}

/// The values of `codeuri` of those tables whose `functions` name the function.
fn built_code_uris<'a>(note: &'a str, logical_id: &str) -> impl Iterator<Item = &'a str> {
    let quoted = format!("\"{logical_id}\"");
    note.split("\n[").filter_map(move |table| {
        let value = |key: &str| table.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        value("functions").filter(|functions| functions.contains(&quoted))?;
        value("codeuri").map(|code_uri| code_uri.trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const ADVICE: &str = "sam build";

    /// A template's folder with these files; those whose content begins with `#!` or `run` are executable.
    fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Function) {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            let mode = if content.starts_with("#!") || content.starts_with("run") { 0o755 } else { 0o644 };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let function = function(root.path().join("orders"));
        (root, function)
    }

    fn function(code_uri: PathBuf) -> Function {
        Function {
            logical_id: "Orders".to_owned(),
            name: "orders".to_owned(),
            code_uri,
            handler: BOOTSTRAP.to_owned(),
            runtime: "provided.al2023".to_owned(),
            build: Some(BuildMethod::RustCargoLambda { binary: None }),
            timeout: Duration::from_secs(3),
            memory_size_mb: 128,
            environment: BTreeMap::new(),
            reserved_concurrency: None,
            role_arn: "arn:aws:iam::123456789012:role/orders".to_owned(),
        }
    }

    fn note(code_uri: &str, logical_id: &str) -> String {
        format!(
            "# This file is auto generated by SAM CLI build command\n\n\
             [function_build_definitions.1]\ncodeuri = \"{code_uri}\"\nfunctions = [\"Other\", \"{logical_id}\"]\n\n\
             [function_build_definitions.1.metadata]\nBuildMethod = \"rust-cargolambda\"\n"
        )
    }

    #[track_caller]
    fn check(files: &[(&str, &str)], folder: &str) {
        let (root, function) = project(files);
        let folder = root.path().join(folder);
        let code = Code { bootstrap: folder.join(BOOTSTRAP), folder };
        assert_eq!(Code::find(&function, root.path()).unwrap(), code);
    }

    #[track_caller]
    fn check_refused(files: &[(&str, &str)], what_to_do: &str) {
        let (root, function) = project(files);
        let error = Code::find(&function, root.path()).unwrap_err().to_string();
        assert!(error.contains("Orders") && error.contains(what_to_do), "{error}");
    }

    const BUILT: &str = ".aws-sam/build/Orders";
    const BUILT_BOOTSTRAP: &str = ".aws-sam/build/Orders/bootstrap";

    #[test]
    fn what_sam_built_comes_before_a_bootstrap_in_code_uri() {
        check(&[(BUILT_BOOTSTRAP, "#!"), ("orders/bootstrap", "#!")], BUILT);
        check(&[("orders/bootstrap", "#!")], "orders");
    }

    #[test]
    fn what_sam_built_from_another_template_does_not_count() {
        let own = note("orders", "Orders");
        check(&[(BUILT_BOOTSTRAP, "#!"), (".aws-sam/build.toml", &own), ("orders/bootstrap", "#!")], BUILT);
        for note in [note("elsewhere", "Orders"), note("orders", "Orders2")] {
            let files = [(BUILT_BOOTSTRAP, "#!"), (".aws-sam/build.toml", &note), ("orders/bootstrap", "#!")];
            check(&files, "orders");
        }
    }

    #[test]
    fn code_that_is_missing_or_not_executable_is_refused_with_what_to_do() {
        check_refused(&[], ADVICE);
        check_refused(&[("orders/bootstrap", "no program")], "chmod +x");
        check_refused(&[(BUILT_BOOTSTRAP, "no program")], "chmod +x");
        check_refused(&[("orders/bootstrap", "run me")], "neither a program");
    }

    #[test]
    fn only_provided_runtimes_run() {
        let (root, function) = project(&[("orders/bootstrap", "#!")]);
        let function = Function { runtime: "python3.13".to_owned(), ..function };
        let error = Code::find(&function, root.path()).unwrap_err().to_string();
        assert!(error.contains("python3.13") && error.contains("provided.al2023"), "{error}");
    }
}
