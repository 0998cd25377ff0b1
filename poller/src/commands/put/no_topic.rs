//! What stands for topics of Kafka in a build without the feature `kafka`: it refuses them.

use super::{PutArgs, PutError, PutSummary, TopicOptions};
use crate::clock::Clock;
use crate::commands::named_stream::NamedStream;
use crate::commands::options::AwsOptions;
use crate::logging::Terminal;
use crate::user_error::UserError;
use std::path::Path;

/// There are none.
pub(super) enum Brokers {}

/// Refuses brokers that are named.
pub(super) async fn brokers_of(
    _: &NamedStream,
    options: &TopicOptions,
    _: &AwsOptions,
    _: &Path,
) -> Result<Option<Brokers>, UserError> {
    match options.bootstrap_servers {
        Some(_) => Err(UserError::bad_input(
            "this build of Pelton cannot put into Kafka: the program that `cargo install --path poller` builds can (feature `kafka`)",
        )),
        None => Ok(None),
    }
}

/// Puts nothing.
pub(super) async fn put(
    _: PutArgs,
    _: Vec<(String, String)>,
    brokers: Brokers,
    _: &Terminal,
    _: &Clock,
    _: impl Future<Output = ()>,
) -> Result<PutSummary, PutError> {
    match brokers {}
}
