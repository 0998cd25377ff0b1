//! Where a function's code is.
//!
//! In: a function of the template, and where code may be. Out: the executable, or what to do so that there is one.
//! Builds nothing.

use super::archive::{self, ArchiveError};
use super::cargo_lambda;
use super::executable;
use super::sam_build::{self, SamBuild};
use pelton_model::{BuildMethod, Function};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The executable of every `provided.*` function (specification 8.4).
pub(super) const BOOTSTRAP: &str = "bootstrap";

/// In the data folder: what came in archives.
const EXTRACTED: &str = "code";

/// A function's code, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The executable.
    pub bootstrap: PathBuf,
    /// `LAMBDA_TASK_ROOT`, and the working directory of the handler.
    pub folder: PathBuf,
}

/// Where the code of a template's functions may be.
#[derive(Clone, Debug)]
pub struct CodePlaces {
    /// The template's folder.
    pub root: PathBuf,
    /// Where Pelton runs: `sam build` leaves what it builds where it runs, wherever the template is.
    pub working_folder: PathBuf,
    /// What `CARGO_TARGET_DIR` says.
    pub cargo_target: Option<PathBuf>,
    /// Where code goes that comes in an archive.
    pub extracted: PathBuf,
}

impl CodePlaces {
    /// As this process is: for a template in the folder `root`, and the data folder.
    #[must_use]
    pub fn new(root: &Path, data_folder: &Path) -> Self {
        let working_folder = std::env::current_dir().unwrap_or_else(|_| root.to_owned());
        let cargo_target = std::env::var_os("CARGO_TARGET_DIR").map(|folder| working_folder.join(folder));
        // A handler runs in a folder of its own: this one must be found from anywhere.
        let extracted = working_folder.join(data_folder).join(EXTRACTED);
        Self { root: root.to_owned(), working_folder, cargo_target, extracted }
    }

    /// Removes the code that came in archives and is not `used` any more. To be called by whoever holds the data folder.
    pub fn forget_unused<'c>(data_folder: &Path, used: impl IntoIterator<Item = &'c Code>) {
        let used: BTreeSet<&Path> = used.into_iter().map(|code| code.folder.as_path()).collect();
        if let Ok(data_folder) = std::path::absolute(data_folder) {
            archive::forget_unused(&data_folder.join(EXTRACTED), &used);
        }
    }
}

/// Why a function has no code that can run.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// Only executables run here.
    #[error(
        "function {function} has the runtime {runtime}: Pelton runs it only if its CodeUri is a folder with an executable \
         named `bootstrap`"
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
    /// There is no such archive.
    #[error("function {function} has no {}: {advice}", .archive.display())]
    NoArchive {
        /// Logical id.
        function: String,
        /// What CodeUri names.
        archive: PathBuf,
        /// What to do.
        advice: &'static str,
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
    /// The archive that CodeUri names is no code.
    #[error("{} of function {function} cannot be used", .archive.display())]
    Archive {
        /// Logical id.
        function: String,
        /// The archive.
        archive: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// The archive that CodeUri names has no program in it.
    #[error("{} of function {function} has no executable `{BOOTSTRAP}` at its top: {advice}", .archive.display())]
    NoProgramInArchive {
        /// Logical id.
        function: String,
        /// The archive.
        archive: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// It may be there.
    #[error("{} of function {function} cannot be read", .path.display())]
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
    /// The code of `function`, whatever its runtime if CodeUri has a `bootstrap`: what is in the archive that CodeUri names, or what `sam build` made of it, or a `bootstrap`
    /// in CodeUri, or what `cargo lambda build` made of the package there. The first that there is.
    ///
    /// # Errors
    ///
    /// If there is nothing to run; the error says what to do.
    pub fn find(function: &Function, places: &CodePlaces) -> Result<Self, CodeError> {
        if let Some(runtime) = function.runtime.clone().filter(|_| function.has_managed_runtime())
            && Self::in_folder(function, &function.code_uri)?.is_none()
        {
            return Err(CodeError::Runtime { function: function.logical_id.clone(), runtime });
        }
        if function.code_uri.is_file() {
            return Self::in_archive(function, &places.extracted);
        }
        for root in sam_roots(places) {
            match SamBuild::find(function, root) {
                SamBuild::None => {}
                SamBuild::Of(folder) => {
                    if let Some(code) = Self::in_folder(function, &folder)? {
                        return Ok(code);
                    }
                }
                SamBuild::Foreign { folder, reason } => {
                    let (function, folder) = (&function.logical_id, folder.display());
                    tracing::warn!(function, %folder, reason, "not used as the function's code");
                }
            }
        }
        if let Some(code) = Self::in_folder(function, &function.code_uri)? {
            return Ok(code);
        }
        let mut built = Vec::new();
        for folder in cargo_lambda::folders(function, places.cargo_target.as_deref()) {
            built.extend(Self::in_folder(function, &folder)?);
        }
        match <[_; 1]>::try_from(built) {
            Ok([code]) => Ok(code),
            Err(built) if built.is_empty() && is_missing_archive(&function.code_uri) => {
                Err(CodeError::NoArchive {
                    function: function.logical_id.clone(),
                    archive: function.code_uri.clone(),
                    advice: "its CodeUri names a zip file that does not exist: make it, or name a folder",
                })
            }
            Err(built) => Err(CodeError::Missing {
                function: function.logical_id.clone(),
                searched: function.code_uri.join(BOOTSTRAP),
                advice: advice(function, &built),
            }),
        }
    }

    /// The files that decide which code [`Code::find`] finds, whether they are there or not.
    #[must_use]
    pub fn files(function: &Function, places: &CodePlaces) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            sam_roots(places).into_iter().flat_map(|root| SamBuild::places(function, root)).collect();
        files.push(function.code_uri.join(BOOTSTRAP));
        let built = cargo_lambda::folders(function, places.cargo_target.as_deref());
        files.extend(built.into_iter().map(|folder| folder.join(BOOTSTRAP)));
        // A folder changes whenever a handler writes a file into it.
        if !function.code_uri.is_dir() {
            files.push(function.code_uri.clone());
        }
        files
    }

    /// An executable that somebody built from `function`'s code, wherever it lies.
    #[must_use]
    pub fn built(bootstrap: PathBuf, function: &Function) -> Self {
        Self { bootstrap, folder: function.code_uri.clone() }
    }

    fn in_archive(function: &Function, extracted: &Path) -> Result<Self, CodeError> {
        let (logical_id, archive) = (function.logical_id.clone(), function.code_uri.clone());
        let folder = match archive::extract(&archive, extracted) {
            Ok(folder) => folder,
            Err(source) => return Err(CodeError::Archive { function: logical_id, archive, source }),
        };
        let advice = match Self::in_folder(function, &folder) {
            Ok(Some(code)) => return Ok(code),
            Ok(None) => "make it with `cargo lambda build --output-format zip`, or name a folder as CodeUri",
            Err(CodeError::NotExecutable { .. }) => "run `chmod +x bootstrap` before making the archive",
            Err(error) => return Err(error),
        };
        Err(CodeError::NoProgramInArchive { function: logical_id, archive, advice })
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

fn is_missing_archive(code_uri: &Path) -> bool {
    let is_archive =
        |extension: &OsStr| extension.eq_ignore_ascii_case("zip") || extension.eq_ignore_ascii_case("jar");
    code_uri.extension().is_some_and(is_archive) && !code_uri.exists()
}

/// Where `.aws-sam` may be.
fn sam_roots(places: &CodePlaces) -> Vec<&Path> {
    let mut roots = vec![places.root.as_path()];
    if !sam_build::is_same_folder(&places.root, &places.working_folder) {
        roots.push(&places.working_folder);
    }
    roots
}

/// What to do where there is no code, or more than one binary was built of it.
fn advice(function: &Function, built: &[Code]) -> String {
    if !built.is_empty() {
        let binaries: Vec<String> = built.iter().map(|code| code.folder.display().to_string()).collect();
        let binaries = binaries.join(" and ");
        return format!("Metadata.BuildProperties.Binary names which of {binaries} is to run");
    }
    match function.build {
        Some(BuildMethod::RustCargoLambda { .. }) => {
            "run `cargo lambda build` or `sam build`, or let `pelton dev` build the function".to_owned()
        }
        None => format!(
            "run `sam build`, or put an executable named `{BOOTSTRAP}` into {}",
            function.code_uri.display()
        ),
    }
}

#[cfg(test)]
mod tests;
