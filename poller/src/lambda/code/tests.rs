//! Which code is found, and what is said where there is none.

use super::*;
use std::collections::BTreeMap;
use std::time::Duration;

const ADVICE: &str = "sam build";

/// A template's folder with these files; those whose content begins with `#!` or `run` are executable.
fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Function) {
    let root = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        let mode = if content.starts_with("#!") || content.starts_with("run") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let function = function(root.path().join("orders"));
    (root, function)
}

fn function(code_uri: PathBuf) -> Function {
    Function {
        logical_id: "Orders".to_owned(),
        name: "orders".to_owned(),
        code_uri,
        handler: BOOTSTRAP.to_owned(),
        runtime: Some("provided.al2023".to_owned()),
        build: Some(BuildMethod::RustCargoLambda { binary: None }),
        timeout: Duration::from_secs(3),
        memory_size_mb: 128,
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        role_arn: "arn:aws:iam::123456789012:role/orders".to_owned(),
    }
}

/// What `sam build` notes of a CodeUri that it built for `Orders`.
fn note(code_uri: &str) -> String {
    format!(
        "[function_build_definitions.1]\ncodeuri = \"{code_uri}\"\nfunctions = [\"Orders\"]\n\n\
         [function_build_definitions.1.metadata]\nBuildMethod = \"rust-cargolambda\"\n"
    )
}

/// A template in `root`, and Pelton in its parent.
fn places(root: &Path) -> CodePlaces {
    CodePlaces {
        root: root.to_owned(),
        working_folder: root.parent().unwrap().to_owned(),
        cargo_target: None,
        extracted: root.join(".pelton/code"),
    }
}

#[track_caller]
fn check(files: &[(&str, &str)], folder: &str) {
    let (root, function) = project(files);
    let folder = root.path().join(folder);
    let code = Code { bootstrap: folder.join(BOOTSTRAP), folder };
    assert_eq!(Code::find(&function, &places(root.path())).unwrap(), code);
}

#[track_caller]
fn check_refused(files: &[(&str, &str)], what_to_do: &str) {
    let (root, function) = project(files);
    let error = Code::find(&function, &places(root.path())).unwrap_err().to_string();
    assert!(error.contains("Orders") && error.contains(what_to_do), "{error}");
}

const BUILT: &str = ".aws-sam/build/Orders";
const BUILT_BOOTSTRAP: &str = ".aws-sam/build/Orders/bootstrap";

#[test]
fn what_sam_built_of_this_function_comes_before_a_bootstrap_in_code_uri() {
    let template = (".aws-sam/build/template.yaml", "Resources: {}");
    for (built_from, folder) in [("orders", BUILT), ("elsewhere", "orders")] {
        let note = note(built_from);
        let note = (".aws-sam/build.toml", note.as_str());
        check(&[(BUILT_BOOTSTRAP, "#!/bin/sh"), template, note, ("orders/bootstrap", "#!/bin/sh")], folder);
    }
    check(&[(BUILT_BOOTSTRAP, "#!/bin/sh"), ("orders/bootstrap", "#!/bin/sh")], "orders");
}

#[test]
fn what_sam_built_where_pelton_runs_counts_wherever_the_template_is() {
    let (root, function) = project(&[
        ("app/template.yaml", ""),
        ("orders/Cargo.toml", ""),
        (BUILT_BOOTSTRAP, "#!/bin/sh"),
        (".aws-sam/build/template.yaml", ""),
    ]);
    let note = note(root.path().join("orders").to_str().unwrap());
    std::fs::write(root.path().join(".aws-sam/build.toml"), note).unwrap();
    let places = places(&root.path().join("app"));
    let code = Code::find(&function, &places).unwrap();
    assert_eq!(code.folder, root.path().join(BUILT));
    assert!(Code::files(&function, &places).contains(&code.bootstrap), "a change of it is seen");
}

#[test]
fn the_template_that_sam_built_has_its_code_beside_it() {
    let (root, function) = project(&[
        (BUILT_BOOTSTRAP, "#!/bin/sh"),
        (".aws-sam/build/template.yaml", ""),
        (".aws-sam/build.toml", &note("orders")),
    ]);
    let function = Function { code_uri: root.path().join(BUILT), build: None, ..function };
    let build = root.path().join(".aws-sam/build");
    let places = CodePlaces { working_folder: root.path().to_owned(), ..places(&build) };
    assert_eq!(Code::find(&function, &places).unwrap().folder, root.path().join(BUILT));
}

const PACKAGE: (&str, &str) = ("orders/Cargo.toml", "[package]\nname = \"orders\"\n");
const WORKSPACE: (&str, &str) = ("Cargo.toml", "[workspace]\nmembers = [\"orders\"]\n");

#[test]
fn what_cargo_lambda_built_of_the_package_in_code_uri_is_found_where_cargo_puts_it() {
    let (own, workspace_s) = ("orders/target/lambda/orders", "target/lambda/orders");
    check(&[PACKAGE, ("orders/target/lambda/orders/bootstrap", "#!/bin/sh")], own);
    check(&[PACKAGE, WORKSPACE, ("target/lambda/orders/bootstrap", "#!/bin/sh")], workspace_s);
    let configured = (".cargo/config.toml", "[build]\ntarget-dir = \"out\"\n");
    check(
        &[PACKAGE, WORKSPACE, configured, ("out/lambda/orders/bootstrap", "#!/bin/sh")],
        "out/lambda/orders",
    );
    let renamed = ("orders/Cargo.toml", "[package]\nname = \"orders\"\n[[bin]]\nname = \"ledger\"\n");
    check(&[renamed, ("orders/target/lambda/ledger/bootstrap", "#!/bin/sh")], "orders/target/lambda/ledger");
    let bootstrap = ("orders/bootstrap", "#!/bin/sh");
    check(&[PACKAGE, bootstrap, ("orders/target/lambda/orders/bootstrap", "#!/bin/sh")], "orders");
}

#[test]
fn of_several_binaries_of_cargo_lambda_the_one_that_the_template_names_is_found() {
    let bins = "[package]\nname = \"orders\"\n[[bin]]\nname = \"one\"\n[[bin]]\nname = \"two\"\n";
    let files = [
        ("orders/Cargo.toml", bins),
        ("orders/target/lambda/one/bootstrap", "#!/bin/sh"),
        ("orders/target/lambda/two/bootstrap", "#!/bin/sh"),
    ];
    check_refused(&files, "Metadata.BuildProperties.Binary names which of");
    let (root, function) = project(&files);
    let build = Some(BuildMethod::RustCargoLambda { binary: Some("two".to_owned()) });
    let code = Code::find(&Function { build, ..function }, &places(root.path())).unwrap();
    assert_eq!(code.folder, root.path().join("orders/target/lambda/two"));
}

#[test]
fn where_cargo_target_dir_says_so_cargo_lambda_built_there() {
    let (root, function) = project(&[PACKAGE, ("elsewhere/lambda/orders/bootstrap", "#!/bin/sh")]);
    let places = CodePlaces { cargo_target: Some(root.path().join("elsewhere")), ..places(root.path()) };
    let code = Code::find(&function, &places).unwrap();
    assert_eq!(code.folder, root.path().join("elsewhere/lambda/orders"));
    assert!(Code::files(&function, &places).contains(&code.bootstrap), "a change of it is seen");
}

#[test]
fn code_that_is_missing_or_not_executable_is_refused_with_what_to_do() {
    check_refused(&[], ADVICE);
    check_refused(&[("orders/bootstrap", "no program")], "chmod +x");
    let (note, template) = (note("orders"), ".aws-sam/build/template.yaml");
    let built = [(BUILT_BOOTSTRAP, "no program"), (".aws-sam/build.toml", &note), (template, "")];
    check_refused(&built, "chmod +x");
    check_refused(&[("orders/bootstrap", "run me")], "neither a program");
}

#[test]
fn a_managed_runtime_runs_where_code_uri_has_a_bootstrap_and_is_refused_elsewhere() {
    let python =
        |function: Function| Function { runtime: Some("python3.13".to_owned()), build: None, ..function };
    let (root, function) = project(&[("orders/bootstrap", "#!/bin/sh")]);
    let code = Code::find(&python(function), &places(root.path())).unwrap();
    assert_eq!(code.folder, root.path().join("orders"));
    for files in [&[][..], &[(BUILT_BOOTSTRAP, "#!/bin/sh")]] {
        let (root, function) = project(files);
        let error = Code::find(&python(function), &places(root.path())).unwrap_err().to_string();
        assert!(error.contains("python3.13") && error.contains("`bootstrap`"), "{error}");
    }
    let (root, function) = project(&[("orders/bootstrap", "no program")]);
    let error = Code::find(&python(function), &places(root.path())).unwrap_err().to_string();
    assert!(error.contains("chmod +x"), "{error}");
}

#[test]
fn a_zip_file_that_does_not_exist_is_told_as_such() {
    let (root, function) = project(&[]);
    let function = Function { code_uri: root.path().join("orders.zip"), ..function };
    let error = Code::find(&function, &places(root.path())).unwrap_err().to_string();
    assert!(error.contains("orders.zip: its CodeUri names a zip file that does not exist"), "{error}");
    assert!(!error.contains("bootstrap"), "{error}");
}
