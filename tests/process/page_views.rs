//! The sample function of tumbling windows: from the stream over the state that goes along to the rows of a window that is over.

use pelton_tests::site::{Site, StreamServer, template};
use pelton_tests::{binary, install_handler, kinesis, wait};
use std::path::Path;

const MAPPING: &str = "TumblingWindowInSeconds: 1
            FunctionResponseTypes: [ReportBatchItemFailures]";

#[tokio::test]
async fn the_views_of_each_page_are_written_once_when_their_window_is_over() {
    let site = Site::without_code(&template("Environment: {Variables: {VIEWS_FILE: views.db}}", MAPPING));
    install_handler(&binary("page-views"), &site.function());
    let server = StreamServer::start(&["orders:2"]).await;
    let running = site.start(&server).await;
    let click =
        |page: usize| (format!("k-{page}"), format!(r#"{{"page":"/{page}","user":"u"}}"#).into_bytes());
    let clicks: Vec<_> = (0..40).map(|number| click(number % 8)).collect();
    kinesis::put_all(&server.client, "orders", &clicks).await;

    let file = site.function().join("views.db");
    let later: Vec<_> = (100..108).map(click).collect();
    let expected: Vec<(String, u32)> = (0..8).map(|page| (format!("/{page}"), 5)).collect();
    let counted = wait::within(wait::PATIENCE, async || {
        // A window is over once a record of a later one is there.
        kinesis::put_all(&server.client, "orders", &later).await;
        let counted: u32 = views(&file).unwrap_or_default().iter().map(|(_, views)| views).sum();
        (counted >= 40).then_some(())
    })
    .await;
    assert!(counted.is_some(), "{}", running.printed());
    assert_eq!(views(&file).expect("the file is there"), expected, "{}", running.printed());
}

/// The pages that were clicked at first, and how often in all windows.
fn views(file: &Path) -> rusqlite::Result<Vec<(String, u32)>> {
    let file = rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let query = "SELECT page, sum(views) FROM views WHERE length(page) = 2 GROUP BY page ORDER BY page";
    file.prepare(query)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}
