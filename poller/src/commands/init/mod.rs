//! `pelton init`: a new application in a folder of its own. Needs no network, and starts nothing.
//!
//! In: a name and a language. Out: the folder, complete, or nothing: the files are written into another folder, which then takes
//! the name.

mod application;
mod name;

use crate::user_error::UserError;
use application::File;
pub use application::Language;
pub use name::Name;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What it is good for.
const EXAMPLES: &str = "Example:
  A folder `orders` with a template, a handler in Python and its test
      pelton init orders --language python
      cd orders
      pelton dev";

/// What `pelton init` takes.
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InitArguments {
    /// Name of the new folder, and of the stream in its template: lowercase letters, digits and hyphens
    pub name: Name,
    /// What the handler is written in
    #[arg(long, value_enum, value_name = "LANGUAGE", default_value_t = Language::Rust)]
    pub language: Language,
}

/// Why there is no application.
#[derive(Debug, thiserror::Error)]
enum InitError {
    /// Others have the name.
    #[error("{} exists and is not an empty folder", .0.display())]
    Occupied(PathBuf),
    /// The system refuses.
    #[error("cannot write {}", .path.display())]
    NotWritten { path: PathBuf, source: io::Error },
}

/// Writes the application into the working folder.
pub fn run(arguments: &InitArguments) -> Result<(), UserError> {
    let InitArguments { name, language } = arguments;
    if let Err(error) = create(Path::new(name.as_str()), &application::files(name, *language)) {
        let failure = UserError::bad_input_because(&error);
        return Err(match error {
            InitError::Occupied(_) => {
                failure.help("choose another name, or another folder to run `pelton init` in")
            }
            InitError::NotWritten { .. } => failure,
        });
    }
    let put = application::put(name);
    let next = format!(
        "Wrote the application {name}. Next:\n\n    cd {name}\n    pelton dev\n\nThen, in another terminal, in the folder {name}:\n\n    {put}\n"
    );
    io::stdout()
        .write_all(next.as_bytes())
        .map_err(|error| UserError::failed(format!("the result cannot be printed: {error}")))
}

/// A folder that is not complete. Dropping it removes it.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It is no longer there if it took its name.
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Makes `folder` with these files; it may exist if it is empty.
fn create(folder: &Path, files: &[File]) -> Result<(), InitError> {
    let not_written = |path: &Path, source| InitError::NotWritten { path: path.to_owned(), source };
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    // Beside it: only within one file system a folder can take a name at once.
    let unfinished = Unfinished(folder.with_file_name(format!(".{name}.new-{}", std::process::id())));
    for file in files {
        let path = unfinished.0.join(file.path);
        write(&path, file).map_err(|error| not_written(&path, error))?;
    }
    // Replaces an empty folder, and nothing else.
    fs::rename(&unfinished.0, folder).map_err(|error| {
        let is_occupied = matches!(
            error.kind(),
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory
        );
        if is_occupied { InitError::Occupied(folder.to_owned()) } else { not_written(folder, error) }
    })
}

fn write(path: &Path, file: &File) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mode = if file.is_executable { 0o777 } else { 0o666 };
    let mut written = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    written.write_all(file.text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &'static str) -> File {
        File { path, text: "text".to_owned(), is_executable: false }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_empty_folder_is_filled_and_one_that_is_not_empty_or_is_a_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (empty, full, other) =
            (root.path().join("empty"), root.path().join("full"), root.path().join("other"));
        fs::create_dir(&empty).unwrap();
        create(&empty, &[file("a/b")]).unwrap();
        assert_eq!(fs::read_to_string(empty.join("a/b")).unwrap(), "text");
        fs::create_dir(&full).unwrap();
        fs::write(full.join("mine"), "mine").unwrap();
        fs::write(&other, "mine").unwrap();
        for occupied in [&full, &other] {
            let error = create(occupied, &[file("mine")]).unwrap_err();
            assert!(error.to_string().ends_with("exists and is not an empty folder"), "{error}");
        }
        assert_eq!(fs::read_to_string(full.join("mine")).unwrap(), "mine");
        assert_eq!(names(root.path()), ["empty", "full", "other"], "nothing else is left");
    }

    #[test]
    fn where_a_file_cannot_be_written_nothing_is_left() {
        let root = tempfile::tempdir().unwrap();
        let error = create(&root.path().join("new"), &[file("a"), file("a/b")]).unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
        assert!(names(root.path()).is_empty(), "{:?}", names(root.path()));
    }
}
