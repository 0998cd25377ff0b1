//! A Lambda function that keeps a ledger of orders.
//!
//! In: order events from a Kinesis stream, in order for each order. Out: one line in the ledger for each event, in a
//! SQLite file: `LEDGER_FILE`, or `/tmp/order-ledger.db`, which on AWS belongs to one execution environment. Never
//! writes the same event twice, never lets an order go a way that orders do not go.

mod ledger;

use lambda_ordered::Error;
use lambda_runtime::tracing;
use ledger::Ledger;
use state_file::StateFile;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let file = StateFile::from_environment("LEDGER_FILE", "/tmp/order-ledger.db", ledger::SCHEMA)?;
    lambda_ordered::run(Ledger(file)).await
}
