//! Where `pelton` finds the code of functions that others built: in archives, and where `cargo lambda build` and `sam build` put it.

use crate::dev::{client, dev_without_cargo, ends_well};
use pelton_tests::journal::{Journal, data};
use pelton_tests::site::{POLLING, Site, StreamServer, assert_refused, template, until};
use pelton_tests::{Running, Signal, binary, kinesis};
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The usual template, with its code elsewhere.
fn template_of(code_uri: &str) -> String {
    template("", "").replace("CodeUri: function", &format!("CodeUri: {code_uri}"))
}

/// The handler that keeps a journal where it runs, and first says its version.
fn script(version: &str) -> String {
    format!(
        "#!/bin/sh\necho \"version $(cat data/version) of {version}\"\nexec {}\n",
        binary("misbehaving_handler").display()
    )
}

/// Makes an archive, in one piece.
fn archive(path: &Path, entries: &[(&str, u32, &str)]) {
    let unfinished = path.with_added_extension("new");
    let mut writer = ZipWriter::new(File::create(&unfinished).expect("the folder is writable"));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        writer.start_file(*name, options).expect("an archive can be written");
        writer.write_all(content.as_bytes()).expect("an archive can be written");
    }
    writer.finish().expect("an archive can be written");
    fs::rename(unfinished, path).expect("the folder is writable");
}

fn function_archive(site: &Site, version: &str) {
    let entries = [("bootstrap", 0o755, script(version)), ("data/version", 0o644, "1".to_owned())];
    let entries = entries.each_ref().map(|(name, mode, content)| (*name, *mode, content.as_str()));
    archive(&site.path().join("function.zip"), &entries);
}

/// The folders of what was extracted.
fn extracted(site: &Site) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.data_dir().join("code")).expect("something was extracted");
    entries.map(|entry| entry.expect("the folder can be read").path()).collect()
}

/// Waits until a handler that runs in this folder is done with so many records.
async fn handles(running: &Running, folder: &Path, records: usize) {
    let journal = Journal::of(folder);
    until(running, "the records are done with", || journal.records_ended() == records).await;
}

#[tokio::test]
async fn code_in_a_zip_file_is_extracted_into_the_data_folder_and_runs() {
    let site = Site::without_code(&template_of("function.zip"));
    function_archive(&site, "zip");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..3).await;
    let mut running = site.start(&server).await;
    running.wait_for_line("version 1 of zip").await;
    let [folder] = extracted(&site).try_into().expect("there is one archive");
    handles(&running, &folder, 3).await;
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);

    function_archive(&site, "another zip");
    let mut running = site.start(&server).await;
    server.put_numbers("a", 3..5).await;
    running.wait_for_line("version 1 of another zip").await;
    assert!(!folder.exists(), "what is no longer used is removed");
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
}

#[tokio::test]
async fn a_zip_file_that_is_no_code_is_refused_and_nothing_of_it_leaves_the_data_folder() {
    let site = Site::without_code(&template_of("function.zip"));
    let server = StreamServer::start(&["orders"]).await;
    let path = site.path().join("function.zip");
    let leading_out = ("../../../outside", 0o644, "x");
    for (entries, said) in [
        ([("bootstrap", 0o755, "#!/bin/sh"), leading_out].as_slice(), "does not lie inside the archive"),
        (&[("target/bootstrap", 0o755, "#!/bin/sh")], "no executable `bootstrap` at its top"),
        (&[("bootstrap", 0o644, "#!/bin/sh")], "chmod +x bootstrap"),
    ] {
        archive(&path, entries);
        let exit = site.run(&server.endpoint).run(&site.folder).await;
        assert_refused(&site, &exit, &["function.zip of function Keeper", said]);
    }
    fs::write(&path, "no archive").unwrap();
    let exit = site.run(&server.endpoint).run(&site.folder).await;
    assert_refused(&site, &exit, &["function.zip of function Keeper", "it is not a zip archive"]);
    assert!(!site.path().join("outside").exists());
}

#[tokio::test]
async fn a_zip_file_that_was_replaced_runs_from_the_next_invocation_on() {
    let stream = "  Orders: {Type: AWS::Kinesis::Stream, Properties: {Name: orders, ShardCount: 1}}\n";
    let site = Site::without_code(&(template_of("function.zip") + stream));
    function_archive(&site, "one");
    let running = dev_without_cargo().start(&site.folder);
    running.wait_for_line(POLLING).await;
    let client = client(&running).await;
    kinesis::put(&client, "orders", "a", b"0").await;
    running.wait_for_line("version 1 of one").await;
    let [before] = extracted(&site).try_into().expect("there is one archive");
    handles(&running, &before, 1).await;

    function_archive(&site, "two");
    running.wait_for_line("the code was replaced: the next batch runs the new code").await;
    kinesis::put(&client, "orders", "a", b"1").await;
    running.wait_for_line("version 1 of two").await;
    let is_new = |folder: &PathBuf| *folder != before;
    let after = extracted(&site).into_iter().find(is_new).expect("the new archive was extracted");
    handles(&running, &after, 1).await;
    assert_eq!(data(&Journal::of(&after).ended()), ["1"]);
    ends_well(running).await;
}

/// Puts the handler into a folder of the site.
fn install(site: &Site, folder: &str) {
    site.write(&format!("{folder}/bootstrap"), &script(folder));
    let bootstrap = site.path().join(folder).join("bootstrap");
    fs::set_permissions(bootstrap, fs::Permissions::from_mode(0o755)).expect("the folder is writable");
}

#[tokio::test]
async fn run_finds_what_cargo_lambda_build_left() {
    let site = Site::without_code(&template_of("functions/orders"));
    site.write("Cargo.toml", "[workspace]\nmembers = [\"functions/*\"]\n");
    site.write("functions/orders/Cargo.toml", "[package]\nname = \"order-keeper\"\n");
    let server = StreamServer::start(&["orders"]).await;
    let run = || site.run(&server.endpoint).without_env("CARGO_TARGET_DIR");
    let exit = run().run(&site.folder).await;
    assert_refused(&site, &exit, &["function Keeper has no", "functions/orders/bootstrap"]);

    install(&site, "target/lambda/order-keeper");
    server.put_numbers("a", 0..1).await;
    let running = run().start(&site.folder);
    running.wait_for_line("of target/lambda/order-keeper").await;
    handles(&running, &site.path().join("target/lambda/order-keeper"), 1).await;
}

#[tokio::test]
async fn run_takes_the_template_that_sam_built_with_the_code_beside_it_and_keeps_positions_outside() {
    let site = Site::without_code(&template_of("function"));
    let metadata = "Type: AWS::Serverless::Function\n    Metadata: {BuildMethod: rust-cargolambda, SamResourceId: Keeper}";
    let built = template_of("Keeper").replace("Type: AWS::Serverless::Function", metadata);
    site.write(".aws-sam/build/template.yaml", &built);
    let note = "[function_build_definitions.1]\ncodeuri = \"function\"\nruntime = \"provided.al2023\"\nfunctions = [\"Keeper\"]\n\
                [function_build_definitions.1.metadata]\nBuildMethod = \"rust-cargolambda\"\n";
    site.write(".aws-sam/build.toml", note);
    install(&site, ".aws-sam/build/Keeper");
    let server = StreamServer::start(&["orders"]).await;
    server.put_numbers("a", 0..1).await;
    let mut running = site.start_with(&server, &["--template", ".aws-sam/build/template.yaml"]).await;
    handles(&running, &site.path().join(".aws-sam/build/Keeper"), 1).await;
    running.signal(Signal::TERM);
    let exit = running.wait_for_exit().await;
    assert!(
        exit.assert_code(0).printed.find("not used as the function's code").is_none(),
        "{}",
        exit.printed
    );
    assert!(
        site.data_dir().join("checkpoints.db").exists(),
        "the next build empties the folder of the template"
    );
}
