//! A Lambda function that keeps the evolving state of each user.
//!
//! In: the changes of a DynamoDB table of users, in order for each user. Out: what each user is now, and the deltas that led there, in
//! a SQLite file: `PROFILES_FILE`, or `/tmp/profile-changes.db`, which on AWS belongs to one execution environment. Never applies a
//! change twice.

mod delta;
mod profiles;

use lambda_ordered::Error;
use lambda_runtime::tracing;
use profiles::Profiles;
use state_file::StateFile;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let file = StateFile::from_environment("PROFILES_FILE", "/tmp/profile-changes.db", profiles::SCHEMA)?;
    lambda_ordered::run(Profiles(file)).await
}
