//! `cargo demo`: builds the program and the sample functions, then becomes the program.
//!
//! In: the program's arguments. The program is the last package to compile, for the longest time, and mostly on one core. One call
//! of cargo compiles the functions beside it; `pelton demo`, which calls cargo for each of them, then finds them built.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What is built.
const PACKAGES: [&str; 4] = ["pelton", "order-ledger", "click-counter", "page-views"];

/// The build that takes least time: without what only AWS needs, and with an unoptimized core.
const OPTIONS: [&str; 3] =
    ["--no-default-features", "--config", "profile.dev.package.pelton-core.opt-level=0"];

/// The same for our own packages. The program inherits it, or it would build the functions once more, with other settings.
const SETTINGS: [(&str, &str); 2] = [("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "false")];

fn main() -> ExitCode {
    let mut cargo = Command::new("cargo");
    cargo.arg("build").args(PACKAGES.map(|package| format!("--package={package}"))).args(OPTIONS);
    match cargo.envs(SETTINGS).status() {
        Ok(status) if status.success() => {}
        // Cargo has told what is wrong.
        Ok(_) => return ExitCode::FAILURE,
        Err(error) => return fail("cargo cannot be started", &error),
    }
    let error = match program() {
        Ok(program) => Command::new(program).args(std::env::args_os().skip(1)).envs(SETTINGS).exec(),
        Err(error) => error,
    };
    fail("the program that cargo built cannot be started", &error)
}

/// The program stands beside this one. Its path begins in this folder where it can, as in what `cargo run` starts: the program
/// prints commands with it.
fn program() -> io::Result<PathBuf> {
    let program = std::env::current_exe()?.with_file_name("pelton");
    let here = std::env::current_dir()?;
    Ok(program.strip_prefix(here).map_or(program.clone(), PathBuf::from))
}

fn fail(what: &str, error: &io::Error) -> ExitCode {
    eprintln!("error: {what}: {error}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_functions_that_the_demo_runs_are_built_beside_the_program() {
        // They read a table and a topic, which the demo has not.
        const WITHOUT: [&str; 2] = ["profile-changes", "click-dashboard"];
        let template = include_str!("../../../samplesam.yaml");
        let binaries = template.lines().filter_map(|line| line.trim().strip_prefix("Binary: "));
        let run = binaries.filter(|binary| !WITHOUT.contains(binary));
        assert_eq!(run.collect::<Vec<_>>(), PACKAGES[1..]);
    }
}
