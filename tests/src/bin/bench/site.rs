//! What a poller is measured on: a folder with a template, the benchmarks' handler, and a place for its deliveries.

use pelton_tests::measure::deliveries::FOLDER_VARIABLE;
use pelton_tests::{Program, Running, Signal, install_handler};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The line of a poller that polls.
const POLLING: &str = "polling; Ctrl-C stops";

/// A function, the stream that it reads, and how.
pub(crate) struct Mapping<'a> {
    pub(crate) function: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) batch: usize,
    /// A variable of the handler's environment, beside the folder for its deliveries.
    pub(crate) variable: Option<(&'a str, &'a str)>,
    /// Further settings of the mapping, as lines of YAML.
    pub(crate) settings: &'a [&'a str],
}

/// The folder.
pub(crate) struct Site(TempDir);

impl Site {
    /// A folder for these mappings. Their streams have one shard if `dev` creates them.
    pub(crate) fn new(mappings: &[Mapping<'_>]) -> Self {
        let site = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        let mut template = "Transform: AWS::Serverless-2016-10-31\nResources:\n".to_owned();
        for mapping in mappings {
            install_handler(&program("bench_handler"), &site.path().join(mapping.function));
            fs::create_dir(site.deliveries(mapping.function)).expect("the folder is writable");
            site.append(mapping, &mut template);
        }
        fs::write(site.path().join("template.yaml"), template).expect("the folder is writable");
        site
    }

    fn append(&self, mapping: &Mapping<'_>, template: &mut String) {
        let Mapping { function, stream, batch, variable, settings } = mapping;
        let deliveries = self.deliveries(function);
        write!(
            template,
            "  {stream}:
    Type: AWS::Kinesis::Stream
    Properties:
      Name: {stream}
      ShardCount: 1
  {function}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: {function}
      Timeout: 60
      Environment:
        Variables:
          {FOLDER_VARIABLE}: {}
{}      Events:
        Records:
          Type: Kinesis
          Properties:
            Stream: !GetAtt {stream}.Arn
            StartingPosition: TRIM_HORIZON
            BatchSize: {batch}
{}",
            deliveries.display(),
            variable.map(|(name, value)| format!("          {name}: '{value}'\n")).unwrap_or_default(),
            settings.iter().map(|line| format!("            {line}\n")).collect::<String>(),
        )
        .expect("memory can be written");
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where a poller that works in this folder notes the address of its API.
    pub(crate) fn address_file(&self) -> PathBuf {
        self.path().join(".pelton/address")
    }

    /// Where the function tells what it got.
    pub(crate) fn deliveries(&self, function: &str) -> PathBuf {
        self.path().join(format!("{function}-deliveries"))
    }

    /// A program that works in this folder.
    pub(crate) fn start(&self, program: Program) -> Running {
        program.start(&self.0)
    }
}

/// `pelton run` on the streams of an endpoint.
pub(crate) fn pelton_run(endpoint: &str) -> Program {
    let listen = ["run", "--quiet", "--listen", "127.0.0.1:0", "--region", "us-east-1"];
    pelton(&listen).args(["--endpoint-url", endpoint])
}

/// `pelton` with these arguments, and loopback's own credentials.
pub(crate) fn pelton(arguments: &[&str]) -> Program {
    Program::new(program("pelton"))
        .without_env("RUST_LOG")
        .without_env("AWS_PROFILE")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .args(arguments)
}

/// Waits until a poller polls.
pub(crate) async fn polls(poller: &Running) {
    poller.wait_for_line(POLLING).await;
}

/// Has a program end.
pub(crate) async fn stop(mut running: Running) {
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

/// The process id of a program that runs.
pub(crate) fn pid(running: &Running) -> u32 {
    running.pid().unwrap_or_else(|| panic!("it has ended:\n{}", running.printed()))
}

/// The program of this name that cargo built beside this one.
pub(crate) fn program(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a running program has a path");
    let path = this.with_file_name(name);
    assert!(path.exists(), "{} is not there: start this as tests/bench, which builds it", path.display());
    path
}
