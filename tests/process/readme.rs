//! The commands of the README, as a person would paste them, and every command line of the documentation.
//!
//! In: the blocks of `sh` in the pages. The built program stands in for the installed one; ports are free ones, and what `run` reads
//! is an embedded stream of the test's own.

use crate::init::{build_crates, environment_of_cargo, lock_file};
use pelton_tests::site::POLLING;
use pelton_tests::{Running, StreamServer, binary, pelton};
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::TempDir;

const README: &str = include_str!("../../README.md");

/// Ports that the README names: of the embedded stream, and of LocalStack.
const STREAM: &str = "127.0.0.1:4567";
const LOCALSTACK: &str = "http://127.0.0.1:4566";

/// The blocks of `sh` in a page, also those within lists.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(indent) = line.strip_suffix("```sh").filter(|indent| indent.trim().is_empty()) {
            let lines = lines.by_ref().map(|line| line.strip_prefix(indent).unwrap_or(line));
            let block: Vec<&str> = lines.take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n") + "\n");
        }
    }
    blocks
}

/// The blocks of the README under this heading.
fn section(heading: &str) -> Vec<String> {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).expect("the README has the heading");
    blocks(section.split("\n## ").next().unwrap_or_default())
}

fn write_program(path: &Path, text: &str) {
    let written = fs::create_dir_all(path.parent().expect("it lies in a folder"))
        .and_then(|()| fs::write(path, text))
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)));
    written.expect("the folder is writable");
}

/// Somebody with a folder, and with `pelton` on the PATH.
struct Person {
    folder: TempDir,
    stream: String,
}

impl Person {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let stream = free.expect("a port is free").to_string();
        let installed = format!(
            "#!/bin/sh
case $1 in
dev) exec {real} \"$@\" --listen 127.0.0.1:0 --stream-listen {stream} ;;
run) exec {real} \"$@\" --listen 127.0.0.1:0 ;;
init) {real} \"$@\" && {{ [ ! -e \"$2/Cargo.toml\" ] || cp {lock} \"$2/Cargo.lock\"; }} ;;
*) exec {real} \"$@\" ;;
esac
",
            real = binary("pelton").display(),
            lock = lock_file().display(),
        );
        write_program(&folder.path().join("bin/pelton"), &installed);
        Self { folder, stream }
    }

    /// A shell in that folder of theirs, which runs what was pasted into it.
    fn paste(&self, folder: &str, text: &str) -> Running {
        let text = text.replace(STREAM, &self.stream);
        let folder = self.folder.path().join(folder);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let bin = self.folder.path().join("bin");
        let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)));
        let arguments = ["env", "-C"].map(OsString::from).into_iter().chain([folder.into_os_string()]);
        let shell = ["sh", "-e", "-c", &text].map(OsString::from);
        environment_of_cargo(pelton::<&str>([]).under(arguments.chain(shell)))
            .env("PATH", path.expect("it comes from a path"))
            .start(&self.folder)
    }
}

/// Builds and runs the application from an empty folder, as the README says, and mends it.
async fn check_from_an_empty_folder(is_python: bool) {
    let blocks = section("From an empty folder");
    let [begin, records, look] = <[String; 3]>::try_from(blocks).expect("the section has three blocks");
    let (begin, source) = if is_python {
        let python = "pelton init orders --language python";
        assert!(README.contains(&format!("begin with `{python}`")), "the README names it");
        (begin.replace("pelton init orders ", &format!("{python} ")), "function/app.py")
    } else {
        (begin, "function/src/main.rs")
    };
    assert!(README.contains(&format!("`{source}`")), "the README names {source}");
    let person = Person::new();
    let dev = person.paste("", &begin);
    dev.wait_for_line(POLLING).await;
    let second = person.paste("orders", &records);
    dev.wait_for_line("an order of 1999").await;
    dev.wait_for_line("the amount -1 is negative").await;
    second.wait_for_line("OrdersFunctionRecords").await;
    // A shard that failed again was shown to have failed.
    dev.wait_for_line(" attempt=2 ").await;
    let third = person.paste("orders", &look);
    third.wait_for_line("1 record, failed ").await;
    let path = person.folder.path().join("orders").join(source);
    let text = fs::read_to_string(&path).expect("the application has this file");
    fs::write(&path, text.replace("< 0", "< -1")).expect("the folder is writable");
    dev.wait_for_line("an order of -1").await;
}

#[tokio::test]
async fn the_readme_leads_from_an_empty_folder_to_a_handler_in_rust_that_was_mended() {
    build_crates().await;
    check_from_an_empty_folder(false).await;
}

#[tokio::test]
async fn the_readme_leads_from_an_empty_folder_to_a_handler_in_python_that_was_mended() {
    check_from_an_empty_folder(true).await;
}

#[tokio::test]
async fn what_the_readme_says_of_ones_own_template_and_of_an_endpoint_runs() {
    let person = Person::new();
    let mut init = person.paste("", "pelton init orders --language python");
    init.wait_for_exit().await.assert_code(0);
    let [validate_and_dev] = <[String; 1]>::try_from(section("Your own template")).expect("it has one block");
    let dev = person.paste("orders", &validate_and_dev);
    dev.wait_for_line("OrdersFunctionRecords").await;
    dev.wait_for_line(POLLING).await;
    drop(dev);

    let [run] = <[String; 1]>::try_from(section("Against LocalStack, Kinesis, or any other endpoint"))
        .expect("it has one block");
    let (local, aws) = run.split_once('\n').expect("it has several commands");
    assert!(local.contains(LOCALSTACK) && !aws.contains("--endpoint-url"), "only the first is run: {run}");
    let server = StreamServer::start(&["orders"]).await;
    let running = person.paste("orders", &local.replace(LOCALSTACK, &server.endpoint));
    running.wait_for_line(POLLING).await;
    pelton_tests::kinesis::put(&server.client, "orders", "a", br#"{"amount":5}"#).await;
    running.wait_for_line("an order of 5").await;
}

/// Pages, or folders of them, and the least number of commands of Pelton in them.
const PAGES: [(&str, usize); 3] = [("README.md", 12), ("infra/README.md", 1), ("docs", 10)];

/// Runs the blocks with a `pelton` and a `cargo` that only parse their arguments, and with no other program.
async fn parsed(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (bin, log) = (folder.path().join("bin"), folder.path().join("log"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    // clap reads its arguments in order, so that a wrong one comes before the help.
    let pelton_stub = format!(
        "#!/bin/sh
exec 2>>{log}
{} \"$@\" --help >/dev/null && echo \"parsed: pelton $*\" >>{log}
",
        binary("pelton").display(),
        log = log.display()
    );
    let settings: toml::Table =
        include_str!("../../.cargo/config.toml").parse().expect(".cargo/config.toml is TOML");
    let cargo_stub = format!(
        "#!/bin/sh
[ \"$1\" != demo ] || {{ shift; set -- {alias} \"$@\"; }}
case $1 in
run) while [ \"$1\" != -- ]; do shift; done; shift; exec {bin}/pelton \"$@\" ;;
install) [ -e {root}/\"$3\"/Cargo.toml ] && echo \"parsed: cargo $*\" >>{log} ;;
esac
",
        alias = settings["alias"]["demo"].as_str().expect("the alias is a text"),
        bin = bin.display(),
        root = root.display(),
        log = log.display()
    );
    write_program(&bin.join("pelton"), &pelton_stub);
    write_program(&bin.join("cargo"), &cargo_stub);
    fs::write(&log, "").expect("the folder is writable");
    for block in blocks(text) {
        let shell = ["/bin/sh", "-c", &block].map(OsString::from);
        pelton::<&str>([]).under(shell).env("PATH", &bin).run(&folder).await;
    }
    fs::read_to_string(log).expect("it is there").lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn every_command_line_of_the_documentation_names_commands_and_options_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (page, least) in PAGES {
        let path = root.join(page);
        let text = if path.is_dir() { every_page(&path) } else { fs::read_to_string(path).expect("a page") };
        let lines = parsed(&text).await;
        let (good, bad): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.starts_with("parsed: "));
        assert!(bad.is_empty(), "{page}: {bad:#?}");
        assert!(good.len() >= least, "{page}: {good:#?}");
    }
}

fn every_page(folder: &Path) -> String {
    let pages = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|page| page.expect("the folder can be read").path());
    pages.map(|page| fs::read_to_string(page).expect("a page is text")).collect()
}

#[tokio::test]
async fn cargo_demo_is_an_alias_that_runs_the_demo_with_the_options_that_follow() {
    assert_eq!(parsed("```sh\ncargo demo --rate 5\n```\n").await, ["parsed: pelton demo --rate 5"]);
}

#[tokio::test]
async fn a_command_line_with_an_option_that_does_not_exist_is_found() {
    let lines = parsed("```sh\npelton run --no-such-option\npelton no-such-command\npelton put\n```\n").await;
    for wrong in ["--no-such-option", "no-such-command"] {
        assert!(lines.iter().any(|line| line.contains(wrong)), "{lines:#?}");
    }
    assert_eq!(lines.iter().filter(|line| line.starts_with("parsed: ")).count(), 1, "{lines:#?}");
}
