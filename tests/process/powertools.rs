//! Handlers that are written with the batch processors of AWS Powertools, for Python and for TypeScript, and run by a
//! runtime of their own: what they report is what comes again.

use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template, until};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const REPORTING: &str = "BatchSize: 10
            FunctionResponseTypes: [ReportBatchItemFailures]";
const NOT_REPORTING: &str = "BatchSize: 10";

/// A handler in `tests/handlers`.
#[derive(Clone, Copy)]
struct Handler {
    /// Its folder, there and under `target/tools`.
    name: &'static str,
    /// What of its installed packages it wants …
    packages: &'static str,
    /// … under which name beside itself.
    link: &'static str,
}

const PYTHON: Handler = Handler { name: "powertools_python", packages: "", link: "packages" };
const NODE: Handler = Handler { name: "powertools_node", packages: "node_modules", link: "node_modules" };

/// A site with this function and this mapping.
fn site(handler: Handler, mapping: &str) -> Site {
    let site = Site::without_code(&template("Timeout: 30", mapping));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let packages = tests.join("../target/tools").join(handler.name).join(handler.packages);
    assert!(packages.exists(), "{} is not there: run tests/handlers/install", packages.display());
    fs::create_dir(site.function()).expect("the folder is writable");
    for file in fs::read_dir(tests.join("handlers").join(handler.name)).expect("there is such a handler") {
        let file = file.expect("the folder can be read");
        fs::copy(file.path(), site.function().join(file.file_name())).expect("the folder is writable");
    }
    symlink(packages, site.function().join(handler.link)).expect("the handler has nothing of that name");
    site
}

/// Puts records that fail so many times each, and compares the batches that the handler gets until it is done with all.
async fn check(site: &Site, records: &[(&str, u32)], batches: &[&[&str]]) {
    let server = StreamServer::start(&["orders"]).await;
    let payloads: Vec<_> = records
        .iter()
        .map(|(name, fails)| {
            ("key".to_owned(), format!(r#"{{"name":"{name}","fails":{fails}}}"#).into_bytes())
        })
        .collect();
    pelton_tests::kinesis::put_all(&server.client, "orders", &payloads).await;
    let running = site.start(&server).await;
    let journal = site.journal();
    until(&running, "every batch was delivered", || journal.began().len() >= batches.len()).await;
    // Were one of them to come again, it would stand before this.
    pelton_tests::kinesis::put(&server.client, "orders", "key", br#"{"name":"last","fails":0}"#).await;
    until(&running, "the last record was delivered", || data(&journal.began()).contains(&LAST)).await;
    let began = journal.began();
    let names: Vec<Vec<&str>> =
        began.iter().map(|batch| batch.data().into_iter().map(name).collect()).collect();
    assert_eq!(names, [batches, &[&["last"]]].concat(), "{}", running.printed());
}

const LAST: &str = r#"{"name":"last","fails":0}"#;

/// The name in a payload: `{"name":"a","fails":0}`.
fn name(payload: &str) -> &str {
    payload.split('"').nth(3).expect("a payload has a name")
}

async fn a_record_that_fails_twice_is_retried_from_itself_on(handler: Handler) {
    let records = [("a", 0), ("b", 0), ("c", 2), ("d", 0), ("e", 0)];
    let batches = [&["a", "b", "c", "d", "e"][..], &["c", "d", "e"], &["c", "d", "e"]];
    check(&site(handler, REPORTING), &records, &batches).await;
}

async fn of_several_failures_the_first_counts(handler: Handler) {
    let records = [("a", 0), ("b", 1), ("c", 0), ("d", 3)];
    let batches = [&["a", "b", "c", "d"][..], &["b", "c", "d"], &["d"], &["d"]];
    check(&site(handler, REPORTING), &records, &batches).await;
}

/// Powertools then fails the invocation instead of naming them all.
async fn a_batch_of_which_every_record_failed_comes_again_as_a_whole(handler: Handler) {
    for mapping in [NOT_REPORTING, REPORTING] {
        check(&site(handler, mapping), &[("a", 1), ("b", 1)], &[&["a", "b"], &["a", "b"]]).await;
    }
}

async fn what_is_reported_is_ignored_unless_the_mapping_asks_for_it(handler: Handler) {
    check(&site(handler, NOT_REPORTING), &[("a", 0), ("b", 1), ("c", 0)], &[&["a", "b", "c"]]).await;
}

macro_rules! in_both_languages {
    ($($sentence:ident)*) => {
        mod in_python {
            $(#[tokio::test] async fn $sentence() { super::$sentence(super::PYTHON).await; })*
        }
        mod in_node {
            $(#[tokio::test] async fn $sentence() { super::$sentence(super::NODE).await; })*
        }
    };
}

in_both_languages! {
    a_record_that_fails_twice_is_retried_from_itself_on
    of_several_failures_the_first_counts
    a_batch_of_which_every_record_failed_comes_again_as_a_whole
    what_is_reported_is_ignored_unless_the_mapping_asks_for_it
}
