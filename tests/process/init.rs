//! `pelton init`: what it writes runs, is tested, and is built as its README says; and what it refuses.

use crate::dev::{client, dev_without_cargo, ends_well, with_cargo};
use pelton_tests::site::{POLLING, run_to_end};
use pelton_tests::{Exit, Program, Running, kinesis, pelton, wait};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// The record that every new handler fails on.
const NEGATIVE: &[u8] = br#"{"amount":-1}"#;

/// How long cargo may take to build what a handler depends on, the first time on a busy machine.
const BUILD_MAX: Duration = Duration::from_secs(540);

/// An application that `pelton init orders` wrote into a folder of its own.
pub(crate) struct Application {
    parent: TempDir,
}

impl Application {
    async fn new(language: &str) -> Self {
        let parent = tempfile::tempdir().expect("a temporary folder can be made");
        let exit = pelton(["init", "orders", "--language", language]).run(&parent).await;
        exit.assert_code(0);
        for next in ["cd orders", "pelton dev", "pelton put orders"] {
            exit.assert_printed(next);
        }
        Self { parent }
    }

    fn path(&self) -> PathBuf {
        self.parent.path().join("orders")
    }

    /// Starts a program in its folder.
    fn start(&self, program: Program) -> Running {
        program.under([OsStr::new("env"), OsStr::new("-C"), self.path().as_os_str()]).start(&self.parent)
    }

    /// Runs a program in its folder.
    async fn run(&self, program: Program) -> Exit {
        let mut running = self.start(program);
        let exit = wait::within(BUILD_MAX, async || running.has_ended().then_some(())).await;
        assert!(exit.is_some(), "it does not end:\n{}", running.printed());
        running.wait_for_exit().await
    }

    fn replace(&self, file: &str, old: &str, new: &str) {
        let path = self.path().join(file);
        let text = fs::read_to_string(&path).expect("the application has this file");
        assert!(text.contains(old), "{old}: {text}");
        fs::write(path, text.replace(old, new)).expect("the folder is writable");
    }

    /// A record that fails is retried, and goes through once the handler is mended.
    async fn fails_and_is_mended(&self, running: Running, source: &str) {
        running.wait_for_line(POLLING).await;
        let client = client(&running).await;
        kinesis::put(&client, "orders", "a", br#"{"amount":1999}"#).await;
        running.wait_for_line("an order of 1999").await;
        kinesis::put(&client, "orders", "a", NEGATIVE).await;
        running.wait_for_line(r#""attempt":1"#).await;
        running.wait_for_line("the amount -1 is negative").await;
        self.replace(source, "< 0", "< -1");
        running.wait_for_line("the next batch runs the new code").await;
        running.wait_for_line("an order of -1").await;
        ends_well(running).await;
    }
}

/// Program `name` of a package that `tests/tool` installs.
fn tool(package: &str, version: &str, name: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let path = tools.join(format!("{package}-{version}/bin/{name}"));
    assert!(path.exists(), "{} is not there: run tests/tool {package} {version} {name}", path.display());
    path.canonicalize().expect("it exists")
}

/// Where cargo puts what it builds here. It stays, so that what a handler depends on is built once.
fn built() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/init-application")
}

/// Cargo as this workspace uses it: with the crates that are on this machine, and with the toolchain that is.
pub(crate) fn environment_of_cargo(program: Program) -> Program {
    let text = include_str!("../../rust-toolchain.toml");
    let file: toml::Table = text.parse().expect("rust-toolchain.toml is TOML");
    let channel = file["toolchain"]["channel"].as_str().expect("it names a channel");
    with_cargo(program).env("CARGO_TARGET_DIR", built()).env("RUSTUP_TOOLCHAIN", channel)
}

/// Builds what an application in Rust depends on, which takes longer than tests wait for a line.
pub(crate) async fn build_crates() -> Application {
    let application = Application::new("rust").await;
    fs::copy(lock_file(), application.path().join("Cargo.lock")).expect("the folder is writable");
    let build = environment_of_cargo(Program::new("cargo")).args(["build", "--offline"]);
    application.run(build).await.assert_code(0);
    application
}

/// The versions of this workspace, which are on this machine.
pub(crate) fn lock_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock")
}

#[tokio::test]
async fn an_application_in_python_passes_its_test_and_goes_on_once_its_source_is_mended() {
    let application = Application::new("python").await;
    let exit = application.run(Program::new("python3").args(["-m", "unittest"])).await;
    exit.assert_code(0).assert_printed("Ran 2 tests");
    let running = application.start(dev_without_cargo());
    let line = running.wait_for_line("runs bootstrap instead of the managed runtime").await;
    assert!(line.contains("python3.13"), "{line}");
    application.fails_and_is_mended(running, "function/app.py").await;
}

#[tokio::test]
async fn a_python_handler_that_cannot_be_loaded_is_an_error_of_its_initialization() {
    let application = Application::new("python").await;
    let source = "function/app.py";
    application.replace(source, "import json", "import jsonn");
    let running = application.start(dev_without_cargo());
    running.wait_for_line(POLLING).await;
    kinesis::put(&client(&running).await, "orders", "a", b"1").await;
    for (error_type, old, next) in [
        ("Runtime.ImportModuleError", "import jsonn", "import json, ("),
        ("Runtime.UserCodeSyntaxError", "import json, (", "import json; raise OSError('no disk')"),
        ("OSError", "import json; raise OSError('no disk')", "import json"),
    ] {
        running.wait_for_line(&format!("\"error_type\":\"{error_type}\"")).await;
        application.replace(source, old, next);
    }
    // What is no object has no amount.
    running.wait_for_line("\"error_type\":\"TypeError\"").await;
    application.replace(source, "def handler(", "def handle_all(");
    running.wait_for_line("\"error_type\":\"Runtime.HandlerNotFound\"").await;
}

#[tokio::test]
async fn an_application_in_rust_passes_its_test_and_goes_on_once_its_source_is_mended() {
    let application = build_crates().await;
    let test = environment_of_cargo(Program::new("cargo")).args(["test", "--offline"]);
    application.run(test).await.assert_code(0).assert_printed("2 passed");
    let running = application.start(environment_of_cargo(dev_without_cargo()));
    application.fails_and_is_mended(running, "function/src/main.rs").await;

    let lambda = environment_of_cargo(Program::new(tool("cargo-lambda", "1.9.2", "cargo-lambda")));
    let build = lambda.args(["lambda", "build", "--compiler", "cargo"]);
    application.run(build).await.assert_code(0);
    assert!(built().join("lambda/orders-function/bootstrap").exists());
}

#[tokio::test]
async fn sam_accepts_both_applications_and_builds_the_one_in_python() {
    let sam = || {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder_of_python()).chain(std::env::split_paths(&path));
        Program::new(tool("aws-sam-cli", "1.170.0", "sam"))
            .env("PATH", std::env::join_paths(folders).expect("they come from a path"))
            .env("SAM_CLI_TELEMETRY", "0")
            .env("AWS_DEFAULT_REGION", "us-east-1")
    };
    for language in ["rust", "python"] {
        let application = Application::new(language).await;
        application.run(sam().args(["validate", "--lint"])).await.assert_code(0);
        let exit = application.run(pelton(["validate"])).await;
        exit.assert_code(0).assert_printed("OrdersFunctionRecords");
        if language == "python" {
            application.run(sam().args(["build"])).await.assert_code(0);
            let running = application.start(dev_without_cargo());
            running.wait_for_line(".aws-sam/build/OrdersFunction").await;
            running.wait_for_line(POLLING).await;
            application.replace("function/app.py", "an order of", "an order over");
            running.wait_for_line(r#""runs":"#).await;
            ends_well(running).await;
        }
    }
}

/// Where the Python is that `sam build` wants for the application.
fn folder_of_python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = "from infra.services.python import find; print(find('3.13'))";
    let answer =
        Command::new("python3").args(["-c", script]).current_dir(root).output().expect("python3 runs");
    let path = PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim());
    path.parent().expect("the path of a program").to_owned()
}

#[tokio::test]
async fn a_name_that_is_taken_or_not_allowed_is_refused_and_nothing_is_written() {
    let application = Application::new("python").await;
    let path = application.path().join("function/app.py");
    fs::write(&path, "mine").expect("the folder is writable");
    let exit = pelton(["init", "orders"]).run(&application.parent).await;
    exit.assert_code(2).assert_printed("orders exists and is not an empty folder");
    assert_eq!(fs::read_to_string(path).expect("it is there"), "mine");
    let names = fs::read_dir(application.parent.path()).expect("it is there").count();
    assert_eq!(names, 1, "nothing is left of the attempt");
    for name in ["Orders", "a/b", "../orders", "1st", ""] {
        let exit = run_to_end(pelton(["init", name])).await;
        exit.assert_code(2).assert_printed("lowercase letters, digits and single hyphens");
    }
}
