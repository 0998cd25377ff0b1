//! A Lambda function that counts the clicks of an online shop, per page and second.
//!
//! In: clicks from a Kafka topic, each partition in order. Out: the counts, in a SQLite file (`DASHBOARD_FILE`, or
//! `/tmp/click-dashboard.db`), and the last seconds of them as JSON, for a page that fetches it again and again (`DASHBOARD_JSON`, or
//! `/tmp/click-dashboard.json`). On AWS, `/tmp` belongs to one execution environment. Never counts a click twice: a click is its
//! partition and offset. So a topic that is created again needs a new file.

mod clicks;
mod dashboard;

use clicks::Clicks;
use dashboard::Dashboard;
use lambda_ordered::Error;
use lambda_runtime::tracing;
use state_file::StateFile;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let file = StateFile::from_environment("DASHBOARD_FILE", "/tmp/click-dashboard.db", clicks::SCHEMA)?;
    let dashboard = Dashboard::from_environment("DASHBOARD_JSON", "/tmp/click-dashboard.json");
    lambda_ordered::run(Clicks { file, dashboard }).await
}
