//! A bucket of S3: one object for each failure, with the whole event in it (specification 4.5).

use super::call_error::{Call, CallError};
use super::lazy::Lazy;
use super::{Origin, Turns, error};
use crate::aws::{Connection, Endpoint, EndpointKind};
use crate::ports::{Destination, DestinationError, GivenUp};
use async_trait::async_trait;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::primitives::ByteStream;
use std::sync::Arc;

const HEAD_BUCKET: Call =
    Call { operation: "HeadBucket", what: "bucket", permission: "s3:ListBucket", service: "S3" };
const PUT_OBJECT: Call =
    Call { operation: "PutObject", what: "bucket", permission: "s3:PutObject", service: "S3" };

/// A client of S3.
pub(super) struct Buckets {
    sdk: aws_sdk_s3::Client,
    endpoint: Endpoint,
}

impl Buckets {
    /// AWS wants a bucket in the name of the host; elsewhere there is mostly no such host, so it stands in the path.
    pub(super) fn new(connection: Connection) -> Self {
        let Connection { config, endpoint, .. } = connection;
        let is_elsewhere = endpoint.kind() != EndpointKind::Aws;
        let config = Builder::from(&config).force_path_style(is_elsewhere).build();
        Self { sdk: aws_sdk_s3::Client::from_conf(config), endpoint }
    }
}

/// One bucket.
pub(super) struct Bucket {
    name: String,
    buckets: Arc<Lazy<Buckets>>,
    origin: Origin,
    turns: Turns,
}

impl Bucket {
    pub(super) fn new(name: &str, buckets: Arc<Lazy<Buckets>>, origin: Origin, turns: Turns) -> Self {
        Self { name: name.to_owned(), buckets, origin, turns }
    }

    async fn look(&self) -> Result<(), CallError> {
        let buckets = self.buckets.get().await?;
        let call = buckets.sdk.head_bucket().bucket(&self.name).send();
        call.await.map_err(|error| HEAD_BUCKET.failed(&buckets.endpoint, error))?;
        Ok(())
    }

    async fn put(&self, key: String, object: String) -> Result<(), CallError> {
        let buckets = self.buckets.get().await?;
        let call = buckets.sdk.put_object().bucket(&self.name).key(key).content_type("application/json");
        let call = call.body(ByteStream::from(object.into_bytes())).send();
        call.await.map_err(|error| PUT_OBJECT.failed(&buckets.endpoint, error))?;
        Ok(())
    }

    fn error(&self, source: CallError) -> DestinationError {
        error(&self.name(), source)
    }
}

#[async_trait]
impl Destination for Bucket {
    fn name(&self) -> String {
        format!("s3://{}", self.name)
    }

    async fn check(&self) -> Result<(), DestinationError> {
        self.look().await.map_err(|source| self.error(source))
    }

    async fn send(&self, given_up: &GivenUp) -> Result<(), DestinationError> {
        let _turn = self.turns.wait().await;
        let (key, object) = (self.origin.object_key(given_up), self.origin.with_payload(given_up));
        self.put(key, object).await.map_err(|source| self.error(source))
    }
}
