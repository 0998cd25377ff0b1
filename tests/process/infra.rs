//! `infra/up`, `infra/status` and `infra/down`, as far as they go without installing anything.

use pelton_tests::site::run_to_end;
use pelton_tests::{Program, binary};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A folder for what they keep, so that services of this clone are none of theirs.
struct Elsewhere {
    folder: TempDir,
}

impl Elsewhere {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// One of the scripts, by the interpreter that is in use here, whatever its `PATH` holds.
    fn program(&self, name: &str) -> Program {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra").join(name);
        Program::new(python()).args([script]).env("PELTON_INFRA_STATE", self.folder.path().join("state"))
    }

    /// A folder for `PATH` with programs of these names. None of them is more than looked for.
    fn path_with(&self, programs: &[&str]) -> PathBuf {
        let path = self.folder.path().join("bin");
        std::fs::create_dir(&path).expect("the folder is writable");
        for program in programs {
            symlink(binary("pelton"), path.join(program)).expect("the folder is writable");
        }
        path
    }
}

/// The Python that scripts run with: `python3` itself may be the shim of a version manager.
fn python() -> PathBuf {
    let asked = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output();
    let path = String::from_utf8(asked.expect("python3 is there").stdout).expect("its path is text");
    PathBuf::from(path.trim())
}

#[tokio::test]
async fn a_missing_python_is_said_with_what_to_install() {
    let elsewhere = Elsewhere::new();
    let up = elsewhere.program("up").args(["--free-ports", "localstack"]);
    let path = elsewhere.path_with(&["node", "npm"]);
    let up = up.env("PATH", path).env("HOME", "/nonexistent").without_env("PYENV_ROOT");
    let exit = run_to_end(up).await;
    exit.assert_code(2).assert_printed("Python 3.13 is needed");
    exit.assert_printed("pyenv install 3.13");
}

#[tokio::test]
async fn missing_node_is_said_with_what_to_install() {
    let elsewhere = Elsewhere::new();
    let up = elsewhere.program("up").args(["--free-ports"]).env("PATH", elsewhere.path_with(&[]));
    run_to_end(up).await.assert_code(2).assert_printed("apt-get install nodejs npm");
}

#[tokio::test]
async fn a_port_in_use_by_something_else_is_said_with_what_to_do() {
    let elsewhere = Elsewhere::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    let exit = run_to_end(elsewhere.program("up").env("LOCALSTACK_PORT", &port)).await;
    exit.assert_code(2).assert_printed(&format!("port {port} is in use by something else"));
    exit.assert_printed("--free-ports");
}

#[tokio::test]
async fn without_services_status_says_so_and_down_has_nothing_to_do() {
    let elsewhere = Elsewhere::new();
    run_to_end(elsewhere.program("status").args(["localstack"]))
        .await
        .assert_code(1)
        .assert_printed("does not run");
    let exit = run_to_end(elsewhere.program("down")).await;
    exit.assert_code(0).assert_printed("localstack: does not run");
    exit.assert_printed("dynamodb: does not run");
    let exit = run_to_end(elsewhere.program("down").args(["dynamodb"])).await;
    assert!(!exit.assert_code(0).printed.to_string().contains("localstack"), "only what is named");
}

#[tokio::test]
async fn a_missing_cargo_is_said_with_what_to_install() {
    let elsewhere = Elsewhere::new();
    let up =
        elsewhere.program("up").args(["--free-ports", "dynamodb"]).env("DYNOXIDE_CRATE_VERSION", "0.0.0");
    let exit = run_to_end(up.env("PATH", elsewhere.path_with(&[]))).await;
    exit.assert_code(2).assert_printed("which needs cargo");
}

#[tokio::test]
async fn an_unknown_service_is_answered_with_those_that_there_are() {
    let exit = run_to_end(Elsewhere::new().program("up").args(["localstak"])).await;
    exit.assert_code(2).assert_printed("there is no service localstak; there is localstack, dynamodb");
}
