//! `infra/up`, `infra/status` and `infra/down`, as far as they go without installing anything.

use pelton_tests::site::run_to_end;
use pelton_tests::{Program, binary};
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};
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

/// A port on which a program listens that is none of the services.
async fn port_of_something_else() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it listens").port().to_string();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    port
}

#[tokio::test]
async fn a_port_in_use_by_something_else_is_said_with_what_to_do() {
    let elsewhere = Elsewhere::new();
    let port = port_of_something_else().await;
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
    exit.assert_printed("kafka: does not run");
    exit.assert_printed("kafka-cluster: does not run");
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
async fn status_reports_what_starts_unless_named_and_what_is_asked_for() {
    let elsewhere = Elsewhere::new();
    let exit = run_to_end(elsewhere.program("status")).await;
    let printed = exit.assert_code(1).printed.to_string();
    assert!(printed.contains("kafka\tdoes not run"), "started unless others are named: {printed}");
    assert!(!printed.contains("kafka-cluster"), "started by its name only: {printed}");
    let exit = run_to_end(elsewhere.program("status").args(["kafka-cluster"])).await;
    exit.assert_code(1).assert_printed("kafka-cluster\tdoes not run");
}

#[tokio::test]
async fn what_kafka_needs_is_said_with_what_to_install() {
    let elsewhere = Elsewhere::new();
    let up = |path: &Path| {
        let up = elsewhere.program("up").args(["--free-ports", "kafka"]).env("KAFKA_VERSION", "0.0.0");
        run_to_end(up.env("PATH", path))
    };
    let path = elsewhere.path_with(&[]);
    up(&path).await.assert_code(2).assert_printed("apt-get install openssl");
    symlink(binary("pelton"), path.join("openssl")).unwrap();
    up(&path).await.assert_code(2).assert_printed("Java 17 or newer is needed");
    say_version(&path.join("java"), "11.0.2");
    up(&path).await.assert_code(2).assert_printed("openjdk version \"11.0.2\"");
    say_version(&path.join("java"), "17.0.2");
    up(&path).await.assert_code(2).assert_printed("apt-get install maven");
}

/// Writes a Java that does nothing but tell its version.
fn say_version(java: &Path, version: &str) {
    let script = format!("#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n");
    std::fs::write(java, script).expect("the folder is writable");
    std::fs::set_permissions(java, Permissions::from_mode(0o755)).expect("it is ours");
}

#[tokio::test]
async fn of_several_ports_the_one_in_use_is_said_with_the_setting_of_the_first() {
    let elsewhere = Elsewhere::new();
    let port = port_of_something_else().await;
    // Others of its ports may be in use, too. It looks at this one first.
    let up = elsewhere.program("up").args(["kafka-cluster"]).env("KAFKA_CLUSTER_PORT", &port);
    let exit = run_to_end(up).await;
    exit.assert_code(2).assert_printed(&format!("port {port} is in use by something else"));
    exit.assert_printed("KAFKA_CLUSTER_PORT");
}

#[tokio::test]
async fn a_node_or_a_tool_of_a_kafka_that_does_not_run_is_refused() {
    let elsewhere = Elsewhere::new();
    let exit = run_to_end(elsewhere.program("kafka-node").args(["kafka-cluster", "2", "kill"])).await;
    exit.assert_code(2).assert_printed("infra/up kafka-cluster did not start a kafka-cluster here");
    let exit = run_to_end(elsewhere.program("kafka-tool").args(["kafka", "topics", "--list"])).await;
    exit.assert_code(2).assert_printed("kafka does not run: start it by infra/up kafka");
    let exit = run_to_end(elsewhere.program("kafka-tool").args(["kafka", "topicz"])).await;
    exit.assert_code(2).assert_printed("TOOL is one of acls");
}

#[tokio::test]
async fn an_unknown_service_is_answered_with_those_that_there_are() {
    let exit = run_to_end(Elsewhere::new().program("up").args(["localstak"])).await;
    exit.assert_code(2).assert_printed("there is no service localstak; there is localstack, dynamodb, kafka");
}
