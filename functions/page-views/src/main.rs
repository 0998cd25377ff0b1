//! A Lambda function that counts how often each page was viewed in each tumbling window.
//!
//! In: clicks from a Kinesis stream, of a mapping with `TumblingWindowInSeconds` and `FunctionResponseTypes:
//! [ReportBatchItemFailures]`. Out: for each window of each shard one row a page, written when the window is over, in a
//! SQLite file: `VIEWS_FILE`, or `/tmp/page-views.db`, which on AWS belongs to one execution environment. Until then the
//! counts live in the state that Lambda carries from one invocation to the next.

mod views;

use lambda_ordered::Error;
use lambda_runtime::tracing;
use state_file::StateFile;
use views::PageViews;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let file = StateFile::from_environment("VIEWS_FILE", "/tmp/page-views.db", views::SCHEMA)?;
    lambda_ordered::run_windows(PageViews(file)).reporting_item_failures().await
}
