//! A Lambda function that counts the clicks on each page.
//!
//! In: clicks from a Kinesis stream, in order for each page. Out: for each page how many there were and who came last,
//! in a SQLite file: `CLICKS_FILE`, or `/tmp/click-counter.db`, which on AWS belongs to one execution environment.
//! Never counts a click twice.

mod clicks;

use aws_lambda_events::kinesis::KinesisEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use ordered::StateFile;
use std::future::ready;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let mut file = StateFile::from_environment("CLICKS_FILE", "/tmp/click-counter.db", clicks::SCHEMA)?;
    run(service_fn(move |event: LambdaEvent<KinesisEvent>| ready(file.apply(&event.payload, clicks::count))))
        .await
}
