//! What a function may say, and what becomes of it where it cannot run.

use super::*;
use crate::FunctionsRun;
use crate::diagnostics::Colour;
use crate::testing::{check_problem, lines, load, load_with, options, template};
use crate::{LoadOptions, Unsupported, description, summary};
use std::os::unix::fs::PermissionsExt as _;

#[track_caller]
fn check(property: &str, is_expected: impl FnOnce(&Function) -> bool) {
    let loaded = load(&template(property, "", ""));
    check_problem(&loaded, "");
    let function = &loaded.application.expect("there is no problem").functions["Ledger"];
    assert!(is_expected(function), "{function:#?}");
}

#[track_caller]
fn check_refused(property: &str, expected: &str) {
    check_problem(&load(&template(property, "", "")), expected);
}

#[test]
fn a_function_has_the_defaults_of_aws() {
    check("", |function| {
        function.name == "Ledger"
            && function.code_uri == Path::new("/app")
            && function.handler == "bootstrap"
            && function.runtime.as_deref() == Some("provided.al2023")
            && function.timeout == Duration::from_secs(3)
            && function.memory_size_mb == 128
            && function.environment.is_empty()
            && function.reserved_concurrency.is_none()
            && function.build.is_none()
            && function.role_arn == "arn:aws:iam::123456789012:role/pelton-LedgerRole"
    });
}

#[test]
fn properties_are_read() {
    check("FunctionName: ledger", |function| function.name == "ledger");
    check("CodeUri: ./functions/ledger/", |function| function.code_uri == Path::new("/app/functions/ledger"));
    check("CodeUri: /elsewhere", |function| function.code_uri == Path::new("/elsewhere"));
    check("Timeout: 900", |function| function.timeout == Duration::from_secs(900));
    check("MemorySize: 10240", |function| function.memory_size_mb == 10_240);
    check("ReservedConcurrentExecutions: 0", |function| function.reserved_concurrency == Some(0));
    check("Role: arn:aws:iam::1:role/x", |function| function.role_arn == "arn:aws:iam::1:role/x");
    check("Role: !ImportValue x", |function| function.role_arn.ends_with("pelton-LedgerRole"));
    check("PackageType: Zip", |_| true);
    check("Layers: []", |_| true);
}

#[test]
fn what_is_about_aws_may_hold_anything() {
    check("Policies: [!Ref Nothing, {Statement: !ImportValue x}]", |_| true);
    check("VpcConfig: {SubnetIds: !GetAtt Nowhere.Subnets}", |_| true);
    check("Tags: {a: !Transform x}", |_| true);
    check("Architectures: [arm64]", |_| true);
}

#[test]
fn values_out_of_range_are_refused() {
    check_refused("Timeout: 0", "`Timeout` is `0` | must be a whole number from 1 to 900");
    check_refused("Timeout: 901", "whole number from 1 to 900");
    check_refused("MemorySize: 127", "whole number from 128 to 10240");
    check_refused("MemorySize: 10241", "whole number from 128 to 10240");
    check_refused("FunctionName: a.b", "`FunctionName` is `a.b`");
    check_refused("ReservedConcurrentExecutions: -1", "from 0 to 2147483647");
    check_refused(
        "Timout: 5",
        "a function has no property `Timout` | unknown property | did you mean `Timeout`?",
    );
}

#[test]
fn the_environment_is_checked() {
    let variables = |text: &str| format!("Environment: {{Variables: {{{text}}}}}");
    check(&variables("AB: 1, TZ: x"), |function| function.environment["AB"] == "1");
    check_refused(&variables("AWS_REGION: x"), "`AWS_REGION` is reserved by Lambda");
    check_refused(&variables("_HANDLER: x"), "`_HANDLER` is reserved by Lambda");
    check_refused(&variables("1A: x"), "`1A` is not a valid name of an environment variable");
    check_refused(&variables("A: x"), "`A` is not a valid name of an environment variable");
    check_refused(&variables("A-B: x"), "`A-B` is not a valid name");
    check_refused(&variables("AB: [x]"), "`AB` is a list");
    check_refused(&variables(&format!("AB: {}", "x".repeat(4095))), "have 4097 bytes");
    check(&variables(&format!("AB: {}", "x".repeat(4094))), |_| true);
    check_refused("Environment: {Variable: {}}", "`Environment` has no property `Variable`");
}

#[test]
fn an_unknown_property_is_refused_only_if_it_is_nearly_one_that_pelton_reads() {
    for slip in ["Timout: 5", "Enviroment: {}", "CodeURI: x", "Layer: [x]", "Evnts: {}"] {
        check_refused(slip, "error unknown-name: a function has no property");
    }
    for other in ["Colour: blue", "Polices: []", "FutureConfig: {A: !ImportValue b}"] {
        check_refused(other, "warning unknown-name: a function has no property");
    }
}

/// The system takes the environment, arguments and paths of a program as texts that end at the first NUL.
#[test]
fn what_holds_a_nul_is_refused() {
    let value = |text: &str| format!("Environment: {{Variables: {{VALUE: {text}}}}}");
    let expected = "`VALUE` contains a NUL character | must be a string without NUL (U+0000)";
    check_refused(&value(r#""a\0b""#), expected);
    check_refused(&value(r#""a\u0000b""#), expected);
    check_refused(&value(r#"!Sub "${AWS::Region}\0""#), expected);
    check_refused(
        r#"Environment: {Variables: {"AB\0": x}}"#,
        "is not a valid name of an environment variable",
    );
    check_refused(
        "Environment: {Variables: {A=B: x}}",
        "`A=B` is not a valid name of an environment variable",
    );
    check_refused("Environment: {Variables: {'': x}}", "`` is not a valid name of an environment variable");
    let handler = template("", "", "").replace("Handler: bootstrap", r#"Handler: "boot\0strap""#);
    check_problem(&load(&handler), "`Handler` contains a NUL character");
    check_refused(r#"CodeUri: "a\0""#, "`CodeUri` contains a NUL character");
}

/// Refused, allowed as a warning with so many mappings left, and no problem of a function that no enabled mapping needs.
#[track_caller]
fn check_unhonoured(property: &str, expected: &str, warning: &str, mappings: usize) {
    check_refused(property, expected);
    let runs = "  Other:
    Type: AWS::Serverless::Function
    Properties:
      Handler: bootstrap
      Runtime: provided.al2023
      Events: {Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}}";
    let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
    let loaded = load_with(&template(property, "", runs), &allowing);
    check_problem(&loaded, warning);
    assert_eq!(loaded.application.expect("a warning is no error").mappings.len(), mappings);
    let disabled = load(&template(property, "Enabled: false", ""));
    check_problem(&disabled, "warning ignored: the mapping `LedgerOrders` is left out");
    let unused = format!("  Unused: {{Type: AWS::Serverless::Function, Properties: {{{property}}}}}");
    check_problem(&load(&template("", "", &unused)), "");
}

#[test]
fn what_a_function_can_run_without_is_refused_where_a_mapping_needs_it_or_warned_of() {
    check_unhonoured("Layers: [!Ref Layer]", "`Layers` is not supported", "`Layers` is not supported", 2);
    check_unhonoured("DurableConfig: {A: 1}", "`DurableConfig` is not", "`DurableConfig` is not", 2);
}

#[test]
fn what_cannot_run_here_is_refused_where_a_mapping_needs_it_or_its_mappings_are_left_out() {
    let left_out = |why: &str| {
        format!(
            "warning unsupported: the mapping `LedgerOrders` is left out: its function `Ledger` {why} |  | "
        )
    };
    for (property, expected, why) in [
        ("InlineCode: x", "`InlineCode` is not supported by Pelton", "has its code in the template"),
        ("ImageUri: x", "`ImageUri` is not supported", "is a container image"),
        ("PackageType: Image", "`PackageType` is not supported", "is a container image"),
        ("CodeUri: s3://bucket/key", "code that is not in a folder", "has code that is not in a folder"),
        (
            "CodeUri: {Bucket: !ImportValue b, Key: k}",
            "code that is not in a folder",
            "has code that is not in a folder",
        ),
    ] {
        check_unhonoured(property, expected, &left_out(why), 1);
    }
}

#[test]
fn a_function_that_cannot_run_here_is_left_out_with_one_line_whatever_else_is_wrong_with_it() {
    let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
    let python = "  Python:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Timeout: 0
      Layers: [a]
      Events: {Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}}";
    let loaded = load_with(&template("", "", python), &allowing);
    let expected = "warning[unsupported]: the mapping `PythonOrders` is left out: its function `Python` has the runtime \
                        `python3.13` (/app/template.yaml:24:16)\n\n/app/template.yaml: 1 warning\n";
    assert_eq!(loaded.diagnostics.render(Colour::Never), expected);
    let application = loaded.application.expect("a warning is no error");
    assert_eq!((application.mappings.len(), application.functions.len()), (1, 1));
}

#[test]
fn where_nothing_is_left_to_run_that_is_an_error() {
    let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
    let loaded = load_with(&template("InlineCode: x", "", ""), &allowing);
    let lines = lines(&loaded.diagnostics);
    assert!(lines.iter().any(|line| line.starts_with("error missing: nothing is left to run")), "{lines:?}");
    assert!(loaded.application.is_none());
}

#[test]
fn the_help_for_a_function_that_cannot_run_here_does_not_go_in_a_circle() {
    let text = template("", "", "").replace("provided.al2023", "python3.13");
    let shown = load(&text).diagnostics.render(Colour::Never);
    for part in [
        "`--lambda-endpoint Ledger=URL`",
        "`--skip Ledger`",
        "`--allow-unsupported`",
        "executable `bootstrap`",
        "#!/bin/sh\n",
        "cd \"$LAMBDA_TASK_ROOT\"\n",
        "exec python3 -m awslambdaric \"$_HANDLER\"",
    ] {
        assert!(shown.contains(part), "{part} is missing:\n{shown}");
    }
    assert!(!shown.contains("remove it"), "{shown}");
}

#[test]
fn some_functions_may_run_elsewhere_and_others_here() {
    let python = template("InlineCode: x", "", "");
    let with = |id: &str| LoadOptions {
        functions: FunctionsRun::PartlyElsewhere([id.to_owned()].into()),
        ..options()
    };
    check_problem(&load_with(&python, &with("Ledger")), "");
    check_problem(&load_with(&python, &with("Other")), "`InlineCode` is not supported by Pelton");
}

#[test]
fn a_function_that_runs_elsewhere_may_have_any_runtime_and_code() {
    let elsewhere = LoadOptions { functions: FunctionsRun::Elsewhere, ..options() };
    let python = template("", "", "").replace("Runtime: provided.al2023", "Runtime: python3.13");
    let text =
        python.replace("Handler: bootstrap", "Handler: app.handler\n      CodeUri: s3://bucket/key.zip");
    let loaded = load_with(&text, &elsewhere);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.render(Colour::Never));
    assert_eq!(loaded.application.unwrap().functions["Ledger"].runtime.as_deref(), Some("python3.13"));
    assert!(load(&text).application.is_none(), "here it cannot run");
}

#[test]
fn a_container_image_has_no_runtime_handler_or_folder() {
    let elsewhere = LoadOptions { functions: FunctionsRun::Elsewhere, ..options() };
    for property in ["PackageType: Image", "ImageUri: registry/image:1", "PackageType: Zip"] {
        let loaded = load_with(&template(property, "", ""), &elsewhere);
        let shown: serde_json::Value = serde_json::from_str(&description(&loaded)).unwrap();
        let function = &shown["Functions"][0];
        for field in ["Runtime", "Handler", "CodeUri"] {
            assert!(function.get(field).is_some(), "{field} is there");
            assert_eq!(function[field].is_null(), !property.ends_with("Zip"), "{property}: {field}");
        }
        assert_eq!(summary(&loaded).contains("(image)"), !property.ends_with("Zip"), "{property}");
    }
}

#[test]
fn a_managed_runtime_needs_an_executable_bootstrap_in_the_folder_of_its_code() {
    let text = template("", "", "").replace("provided.al2023", "python3.13");
    check_problem(&load(&text), "the runtime `python3.13` is not supported by Pelton");
    let folder = tempfile::tempdir().unwrap();
    let bootstrap = folder.path().join("bootstrap");
    for (mode, problem) in [(0o644, "the runtime `python3.13` is not supported by Pelton"), (0o755, "")] {
        std::fs::write(&bootstrap, "#!/bin/sh").unwrap();
        std::fs::set_permissions(&bootstrap, std::fs::Permissions::from_mode(mode)).unwrap();
        let code = format!("Handler: app.handler\n      CodeUri: {}", folder.path().display());
        check_problem(&load(&text.replace("Handler: bootstrap", &code)), problem);
    }
    let text = template("", "", "").replace("      Runtime: provided.al2023\n", "");
    check_problem(&load(&text), "the function `Ledger` has no `Runtime`");
}

#[test]
fn a_runtime_of_executables_that_aws_does_not_have_is_warned_of() {
    for (runtime, expected) in [
        ("provided.al2023", ""),
        ("provided.al2", ""),
        ("provided.al2024", "warning unknown-name: Pelton does not know the runtime `provided.al2024`"),
        ("provided.al2024", "did you mean `provided.al2023`?"),
        ("provided.x", "did you mean `provided.al2`?"),
    ] {
        let text = template("", "", "").replace("provided.al2023", runtime);
        check_problem(&load(&text), expected);
    }
}
