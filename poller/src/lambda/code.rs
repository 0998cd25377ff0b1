//! Where a function's code is.
//!
//! In: a function of the template and the template's folder. Out: the executable, or what to do so that there is one.
//! Builds nothing.

use super::executable;
use super::sam_build::SamBuild;
use crate::application::{BuildMethod, Function};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The executable of every `provided.*` function (specification 8.4).
pub(super) const BOOTSTRAP: &str = "bootstrap";

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
        match SamBuild::find(function, root) {
            SamBuild::None => {}
            SamBuild::Of(folder) => {
                if let Some(code) = Self::in_folder(function, &folder)? {
                    return Ok(code);
                }
            }
            SamBuild::Foreign { folder, reason } => {
                let function = &function.logical_id;
                tracing::warn!(function, folder = %folder.display(), reason, "not used as the function's code");
            }
        }
        Self::in_folder(function, &function.code_uri)?.ok_or_else(|| CodeError::Missing {
            function: function.logical_id.clone(),
            searched: function.code_uri.join(BOOTSTRAP),
            advice: advice(function),
        })
    }

    /// The files that decide which code [`Code::find`] finds, whether they are there or not.
    #[must_use]
    pub fn places(function: &Function, root: &Path) -> Vec<PathBuf> {
        let mut places = SamBuild::places(function, root).to_vec();
        places.push(function.code_uri.join(BOOTSTRAP));
        places
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
            Ok(file) if !file.is_file() => Err(CodeError::NotAProgram {
                function: function.logical_id.clone(),
                bootstrap,
                defect: "it is not a file",
            }),
            Ok(file) if file.permissions().mode() & 0o111 == 0 => {
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

    /// What `sam build` notes of a CodeUri that it built for `Orders`.
    fn note(code_uri: &str) -> String {
        format!(
            "[function_build_definitions.1]\ncodeuri = \"{code_uri}\"\nfunctions = [\"Orders\"]\n\n\
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
    fn what_sam_built_of_this_function_comes_before_a_bootstrap_in_code_uri() {
        let template = (".aws-sam/build/template.yaml", "Resources: {}");
        for (built_from, folder) in [("orders", BUILT), ("elsewhere", "orders")] {
            let note = note(built_from);
            let note = (".aws-sam/build.toml", note.as_str());
            check(
                &[(BUILT_BOOTSTRAP, "#!/bin/sh"), template, note, ("orders/bootstrap", "#!/bin/sh")],
                folder,
            );
        }
        check(&[(BUILT_BOOTSTRAP, "#!/bin/sh"), ("orders/bootstrap", "#!/bin/sh")], "orders");
    }

    #[test]
    fn code_that_is_missing_or_not_executable_is_refused_with_what_to_do() {
        check_refused(&[], ADVICE);
        check_refused(&[("orders/bootstrap", "no program")], "chmod +x");
        let (note, template) = (note("orders"), ".aws-sam/build/template.yaml");
        let built = [(BUILT_BOOTSTRAP, "no program"), (".aws-sam/build.toml", &note), (template, "")];
        check_refused(&built, "chmod +x");
        check_refused(&[("orders/bootstrap", "run me")], "neither a program");
    }

    #[test]
    fn only_provided_runtimes_run() {
        let (root, function) = project(&[("orders/bootstrap", "#!/bin/sh")]);
        let function = Function { runtime: "python3.13".to_owned(), ..function };
        let error = Code::find(&function, root.path()).unwrap_err().to_string();
        assert!(error.contains("python3.13") && error.contains("provided.al2023"), "{error}");
    }
}
