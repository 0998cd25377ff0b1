//! What stands for DynamoDB Streams in a build without the feature `aws`: it refuses every client.

use super::budget::ByteBudget;
use crate::aws::{AwsOptions, ConnectError, Endpoint};
use crate::clock::Clock;
use crate::errors::NotInThisBuild;
use crate::ports::{OpenShard, ReadFrom, Source, SourceError, Stream, StreamDescription};
use async_trait::async_trait;
use pelton_core::filter::Filters;
use pelton_core::shard_end::Listed;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_model::{StreamArn, Table};

/// Never made. Only this module knows: to others, code that has one is code that may run.
#[derive(Clone, Copy, Debug)]
enum Never {}

/// Never made.
#[derive(Clone, Debug)]
pub struct DynamoDbStreamsClient(Never);

/// Never made.
#[derive(Clone, Copy, Debug)]
pub struct DynamoDbSource(Never);

impl DynamoDbStreamsClient {
    /// Refuses every endpoint.
    ///
    /// # Errors
    /// Always.
    pub async fn connect(_: &AwsOptions, _: Clock) -> Result<Self, ConnectError> {
        Err(refused())
    }

    /// Refuses to look for one.
    ///
    /// # Errors
    /// Always.
    pub async fn endpoint_named(_: &AwsOptions) -> Result<Option<Endpoint>, ConnectError> {
        Err(refused())
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match self.0 {}
    }
}

fn refused() -> ConnectError {
    NotInThisBuild { cannot: "read the streams of DynamoDB tables" }.into()
}

/// Never made.
#[derive(Clone, Copy, Debug)]
pub struct TablesClient(Never);

impl TablesClient {
    /// Refuses every endpoint.
    ///
    /// # Errors
    /// Always.
    pub async fn connect(_: &AwsOptions) -> Result<Self, ConnectError> {
        Err(refused())
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match self.0 {}
    }

    /// Never called.
    ///
    /// # Errors
    /// Never.
    pub async fn create(
        &self,
        _: &Table,
        _: &DynamoDbStreamsClient,
        _: &Clock,
    ) -> Result<bool, CreateTableError> {
        match self.0 {}
    }
}

/// Never made: nobody has a client.
#[derive(Debug, thiserror::Error)]
pub enum CreateTableError {}

impl CreateTableError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match *self {}
    }
}

/// Never called.
///
/// # Errors
/// Never.
pub async fn find_stream_of_table(
    client: &DynamoDbStreamsClient,
    _: &str,
    _: &Clock,
) -> Result<Option<StreamArn>, SourceError> {
    match client.0 {}
}

impl DynamoDbSource {
    /// The stream of that ARN.
    #[must_use]
    pub fn new(
        client: DynamoDbStreamsClient,
        _: Clock,
        _: ByteBudget,
        _: String,
        _: String,
        _: Option<Filters>,
        _: bool,
    ) -> Self {
        match client.0 {}
    }
}

#[async_trait]
impl Stream for DynamoDbSource {
    async fn describe(&self) -> Result<StreamDescription, SourceError> {
        match self.0 {}
    }

    async fn list_shards(&self) -> Result<Vec<ListedShard>, SourceError> {
        match self.0 {}
    }
}

#[async_trait]
impl Source for DynamoDbSource {
    async fn listed(&self, _: &ShardId) -> Result<Listed, SourceError> {
        match self.0 {}
    }

    async fn open(&self, _: &ShardId, _: ReadFrom) -> Result<OpenShard, SourceError> {
        match self.0 {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_build_without_the_feature_aws_refuses_the_streams_of_tables_and_says_which_build_reads_them() {
        let refused = DynamoDbStreamsClient::connect(&AwsOptions::default(), Clock::start()).await;
        let text = refused.expect_err("it is refused").to_string();
        assert!(text.contains("streams of DynamoDB tables:") && text.contains("cargo install"), "{text}");
    }
}
