//! Which mappings run: `--only`, `--skip`, and what `--allow-unsupported` leaves out because it cannot run here.

use crate::dev::dev_without_cargo;
use pelton_tests::Signal;
use pelton_tests::journal::data;
use pelton_tests::site::{POLLING, Site, StreamServer, assert_refused, pelton, template, until};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// A function that brings no executable, with a mapping of the same stream: `PythonOrders`.
const PYTHON: &str = "  Python:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: app.handler
      CodeUri: python
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/orders
            StartingPosition: TRIM_HORIZON
";

fn site() -> Site {
    Site::new(&(template("", "") + PYTHON))
}

#[tokio::test]
async fn a_function_that_cannot_run_here_is_refused_and_the_help_names_every_way_out() {
    let site = site();
    for command in ["validate", "run", "dev"] {
        let exit = pelton([command]).run(&site.folder).await;
        let ways_out = [
            "--lambda-endpoint Python=URL",
            "--skip Python",
            "--allow-unsupported",
            "executable `bootstrap`",
            "#!/bin/sh",
        ];
        assert_refused(&site, &exit, &ways_out);
    }
}

#[tokio::test]
async fn what_runs_is_what_was_chosen_and_is_able_to_run() {
    for arguments in [
        &["--allow-unsupported"][..],
        &["--skip", "Python"],
        &["--skip", "PythonOrders"],
        &["--only", "Keeper"],
        &["--only", "KeeperOrders"],
    ] {
        let site = site();
        pelton(["validate"]).args(arguments).run(&site.folder).await.assert_code(0);
        let server = StreamServer::start(&["orders"]).await;
        server.put_numbers("a", 0..2).await;
        let mut running = site.start_with(&server, arguments).await;
        let journal = site.journal();
        until(&running, "the records are done with", || journal.records_ended() >= 2).await;
        assert_eq!(data(&journal.ended()), ["0", "1"]);
        running.signal(Signal::TERM);
        let exit = running.wait_for_exit().await;
        exit.assert_code(0);
        let line =
            "the mapping `PythonOrders` is left out: its function `Python` has the runtime `python3.13`";
        assert_eq!(
            exit.printed.find(line).is_some(),
            arguments == ["--allow-unsupported"],
            "{}",
            exit.printed
        );
    }
}

#[tokio::test]
async fn dev_says_that_nothing_is_left_to_run_before_it_builds_anything() {
    let rust = template("Metadata: {BuildMethod: rust-cargolambda}", "Enabled: false");
    let site = Site::new(
        &(rust
            .replace(
                "    Properties:\n      Runtime",
                "    Metadata: {BuildMethod: rust-cargolambda}\n    Properties:\n      Runtime",
            )
            .replace("      Metadata: {BuildMethod: rust-cargolambda}\n", "")
            + PYTHON),
    );
    for command in ["validate", "dev", "run"] {
        let exit = pelton([command, "--allow-unsupported"]).run(&site.folder).await;
        assert_refused(&site, &exit, &["nothing is left to run"]);
        assert!(exit.printed.find("building").is_none(), "{}", exit.printed);
    }
}

#[tokio::test]
async fn dev_says_what_code_is_missing_before_it_builds_anything() {
    let built = "  Built:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda}
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: built
      Events:
        Orders:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/orders
            StartingPosition: TRIM_HORIZON
";
    let site = Site::without_code(&(template("", "") + built));
    let exit = dev_without_cargo().run(&site.folder).await;
    assert_refused(&site, &exit, &["function Keeper has no"]);
    assert!(exit.printed.find("building").is_none(), "{}", exit.printed);
}

#[tokio::test]
async fn a_name_that_nothing_has_is_refused_with_the_one_that_was_meant() {
    let site = site();
    for (arguments, said) in [
        (["--only", "KeeperOrder"], "did you mean `KeeperOrders`?"),
        (["--skip", "Pyton"], "did you mean `Python`?"),
        (["--lambda-endpoint", "Pyton=http://127.0.0.1:9"], "did you mean `Python`?"),
    ] {
        for command in ["validate", "run", "dev"] {
            let exit = pelton([command]).args(arguments).run(&site.folder).await;
            assert_refused(&site, &exit, &[said]);
        }
    }
}

#[tokio::test]
async fn validate_knows_which_functions_run_elsewhere() {
    let site = site();
    for url in ["http://127.0.0.1:9", "Python=aws"] {
        let exit = pelton(["validate", "--lambda-endpoint", url, "--function-name", "Python=p"])
            .run(&site.folder)
            .await;
        exit.assert_code(0).assert_printed("PythonOrders");
    }
}

/// The lines are those that the program prints: whoever follows the help has a function that runs.
#[tokio::test]
async fn the_lines_of_bootstrap_that_the_help_names_run_a_python_function() {
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/powertools_python/bin");
    assert!(python.exists(), "{} is not there: run tests/handlers/install", python.display());
    let site = Site::without_code(
        &template("", "")
            .replace("provided.al2023", "python3.13")
            .replace("Handler: bootstrap", "Handler: app.handler"),
    );
    let exit = pelton(["validate"]).run(&site.folder).await;
    exit.assert_code(2);
    let lines = exit.printed.stderr().into_iter().map(|line| line.trim());
    let lines: Vec<&str> = lines.skip_while(|line| *line != "#!/bin/sh").take(3).collect();
    assert_eq!(lines.len(), 3, "{}", exit.printed);

    site.write("function/bootstrap", &(lines.join("\n") + "\n"));
    fs::set_permissions(site.function().join("bootstrap"), fs::Permissions::from_mode(0o755)).unwrap();
    site.write(
        "function/app.py",
        "def handler(event, context):\n    print('python was handed', len(event['Records']), 'records of', context.function_name)\n",
    );
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..3).await;
    let path = format!("{}:/usr/bin:/bin", python.canonicalize().unwrap().display());
    let running = site.run(&server.endpoint).env("PATH", path).start(&site.folder);
    running.wait_for_line(POLLING).await;
    running.wait_for_line("python was handed 3 records of Keeper").await;
}
