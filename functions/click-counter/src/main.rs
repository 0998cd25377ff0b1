//! A Lambda function that counts the clicks on each page.
//!
//! In: clicks from a Kinesis stream, in order for each page. Out: for each page how many there were and who came last,
//! in a SQLite file: `CLICKS_FILE`, or `/tmp/click-counter.db`, which on AWS belongs to one execution environment.
//! Never counts a click twice.

mod clicks;

use clicks::Clicks;
use lambda_ordered::Error;
use lambda_runtime::tracing;
use state_file::StateFile;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let file = StateFile::from_environment("CLICKS_FILE", "/tmp/click-counter.db", clicks::SCHEMA)?;
    lambda_ordered::run(Clicks(file)).await
}
