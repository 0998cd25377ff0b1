//! Templates and code that cannot be run: refused at start, with what to do, and nothing started.

use pelton_tests::site::{POLLING, Site, StreamServer, assert_refused, pelton, template};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Where nobody listens: a start that asks before it has looked at everything here would say so.
const NOBODY: &str = "http://127.0.0.1:1";

/// `pelton run` with this template is refused, with `said` in what it prints.
async fn check(template: &str, said: &[&str]) {
    let site = Site::new(template);
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(&site, &exit, said);
}

/// The usual template, with `good` replaced by `bad`.
async fn check_changed(good: &str, bad: &str, said: &[&str]) {
    let template = template("Timeout: 3", "BatchSize: 10");
    assert!(template.contains(good), "{good}");
    check(&template.replace(good, bad), said).await;
}

#[tokio::test]
async fn without_a_template_it_says_which_names_it_looks_for() {
    let site = Site::new("");
    fs::remove_file(site.path().join("template.yaml")).unwrap();
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(&site, &exit, &["template.yaml, template.yml or samplesam.yaml", "--template FILE"]);
    let exit = site.run(NOBODY).args(["--template", "other.yaml"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["other.yaml", "No such file", "--template FILE"]);
}

#[tokio::test]
async fn a_template_that_is_not_yaml_is_refused_with_the_place() {
    check("Resources: [one\nOutputs: {}", &["template.yaml:2:"]).await;
    check("", &["template.yaml"]).await;
    check("just text", &["template.yaml:1:1"]).await;
}

#[tokio::test]
async fn a_template_with_a_cycle_is_refused_with_the_place() {
    check_changed("Timeout: 3", "FunctionName: !Ref Keeper", &["template.yaml:9:", "Keeper"]).await;
}

#[tokio::test]
async fn an_unknown_function_or_stream_in_a_mapping_is_refused_with_the_name_that_was_meant() {
    let by_name = "
  Clicks: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Count:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Keper
      EventSourceArn: !GetAtt Clickz.Arn
      StartingPosition: LATEST
";
    let said = ["template.yaml:22:21", "Keper", "`Keeper`", "template.yaml:23:23", "Clickz", "`Clicks`"];
    check(&(template("Timeout: 3", "BatchSize: 10") + by_name), &said).await;
}

#[tokio::test]
async fn a_value_out_of_its_range_is_refused_with_what_is_allowed() {
    check_changed("BatchSize: 10", "BatchSize: 10001", &["template.yaml:16:24", "10000"]).await;
}

#[tokio::test]
async fn a_setting_that_is_not_honoured_is_refused_and_only_warned_of_when_that_is_wanted() {
    let template = template("Layers: [parts]", "");
    check(&template, &["template.yaml:9:", "Layers", "--allow-unsupported"]).await;
    let site = Site::new(&template);
    let server = StreamServer::start(&["orders"]).await;
    let running = site.run(&server.endpoint).args(["--allow-unsupported"]).start(&site.folder);
    running.wait_for_line(POLLING).await;
    running.wait_for_line("warning").await;
    assert!(running.printed().find("Layers").is_some(), "{}", running.printed());
}

#[tokio::test]
async fn a_parameter_that_the_template_does_not_have_or_that_is_none_is_refused() {
    let site = Site::new(&template("", ""));
    let exit = site.run(NOBODY).args(["--parameter", "Stage=prod"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["no parameter `Stage`"]);
    let exit = site.run(NOBODY).args(["--parameter", "Stage"]).run(&site.folder).await;
    assert_refused(&site, &exit, &["--parameter", "KEY=VALUE"]);
}

#[tokio::test]
async fn a_template_without_an_enabled_mapping_has_nothing_to_run() {
    check("Resources: {}", &["no enabled event source mapping", "AWS::Lambda::EventSourceMapping"]).await;
    check_changed("BatchSize: 10", "Enabled: false", &["no enabled event source mapping"]).await;
}

#[tokio::test]
async fn an_option_that_does_not_exist_or_has_a_bad_value_is_refused() {
    let site = Site::new(&template("", ""));
    for (arguments, said) in [
        (["run", "--no-such-option"].as_slice(), "--no-such-option"),
        (&["run", "--poll-interval", "0"], "a number of seconds from 0.01 to 3600"),
        (&["run", "--poll-interval", "soon"], "a number of seconds from 0.01 to 3600"),
        (&["run", "--listen", "here"], "--listen"),
        (&["stream", "--stream", "orders:0"], "1 to 10000"),
        (&["no-such-command"], "no-such-command"),
        (&["run", "--listen", "127.0.0.1:0", "--endpoint-url", "127.0.0.1:4567"], "http://"),
    ] {
        assert_refused(&site, &pelton(arguments).run(&site.folder).await, &[said]);
    }
}

#[tokio::test]
async fn a_function_without_code_is_refused_with_what_to_do() {
    let site = Site::without_code(&template("", ""));
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(&site, &exit, &["Keeper", "function/bootstrap", "sam build"]);
}

#[tokio::test]
async fn code_that_is_not_executable_is_refused_with_what_to_do() {
    let site = Site::without_code(&template("", ""));
    site.write("function/bootstrap", "#!/bin/sh\n");
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(&site, &exit, &["Keeper", "chmod +x", "function/bootstrap"]);
    // Executable, and yet nothing that the kernel executes.
    site.write("function/bootstrap", "echo hello\n");
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(site.function().join("bootstrap"), executable).unwrap();
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(&site, &exit, &["Keeper", "function/bootstrap", "cannot be executed"]);
}

#[tokio::test]
async fn code_of_a_runtime_that_does_not_run_here_is_refused() {
    let said = ["template.yaml:6:16", "python3.13", "executable `bootstrap`"];
    let python = template("", "").replace("provided.al2023", "python3.13");
    check(&python.replace("CodeUri: function", "CodeUri: elsewhere"), &said).await;
}

#[tokio::test]
async fn a_slip_in_the_type_of_a_resource_is_refused_with_the_type_that_was_meant() {
    check_changed(
        "AWS::Serverless::Function",
        "AWS::Serverless::Functon",
        &["template.yaml:", "Functon", "did you mean"],
    )
    .await;
}

#[tokio::test]
async fn what_sam_built_of_another_template_is_not_used_and_it_says_why() {
    let site = Site::without_code(&template("", ""));
    site.write(".aws-sam/build/Keeper/bootstrap", "#!/bin/sh\n");
    let exit = site.run(NOBODY).run(&site.folder).await;
    assert_refused(
        &site,
        &exit,
        &[".aws-sam/build/Keeper", "there is no .aws-sam/build.toml", "run `sam build`"],
    );
}
