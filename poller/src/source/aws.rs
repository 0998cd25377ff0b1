//! The client through which the whole process speaks the Kinesis API.

pub use crate::aws::{AwsOptions, ConnectError, Endpoint, EndpointKind};

use crate::aws::{Connection, Service, endpoint_named};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Most calls in flight at once, and so most connections: each keeps some 60 KB, and of fewer the first are answered sooner when
/// all shards start at once. At AWS's usual 15 ms this is 6,000 calls a second, one a second for each of 6,000 idle shards.
const CALLS_IN_FLIGHT_MAX: usize = 96;

/// An answer of GetRecords has 10 MB at most.
const KINESIS: Service = Service {
    id: "Kinesis",
    host: "kinesis",
    call_timeout: Duration::from_secs(15),
    connections_max: CALLS_IN_FLIGHT_MAX,
};

/// Speaks the Kinesis API. Cheap to clone: all clones share connections and the limit on calls.
#[derive(Clone, Debug)]
pub struct KinesisClient {
    sdk: aws_sdk_kinesis::Client,
    endpoint: Endpoint,
    region: Arc<str>,
    calls: Arc<Semaphore>,
}

impl KinesisClient {
    /// A client as the options, the environment and the profile say. Calls nobody but those who hand out credentials.
    ///
    /// An endpoint on loopback is asked with the credentials `test`/`test` if there are none: servers there accept any.
    pub async fn connect(options: &AwsOptions) -> Result<Self, ConnectError> {
        Connection::to(KINESIS, options).await.map(Self::on)
    }

    /// A client that looks for no credentials: of the embedded stream, which takes everybody, or one that nobody uses.
    pub async fn without_credentials(options: &AwsOptions) -> Result<Self, ConnectError> {
        Connection::without_credentials(KINESIS, options).await.map(Self::on)
    }

    /// The endpoint that the options, the environment or the profile name; `None`: AWS's own. Calls nobody.
    pub async fn endpoint_named(options: &AwsOptions) -> Result<Option<Endpoint>, ConnectError> {
        endpoint_named(KINESIS, options).await
    }

    fn on(connection: Connection) -> Self {
        let Connection { config, endpoint, region } = connection;
        Self {
            sdk: aws_sdk_kinesis::Client::new(&config),
            endpoint,
            region: region.as_ref().into(),
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX)),
        }
    }

    /// The SDK's client, for calls that are not counted among those in flight.
    #[must_use]
    pub fn sdk(&self) -> &aws_sdk_kinesis::Client {
        &self.sdk
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The region that requests are signed for.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Waits until fewer than [`CALLS_IN_FLIGHT_MAX`] calls are in flight, in order of asking. Cancelling is safe.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.calls.acquire().await.expect("the limit on calls is never closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_endpoint_that_is_no_url_is_refused_with_the_reason() {
        let endpoint_url = Some("127.0.0.1:4567".to_owned());
        let error = KinesisClient::connect(&AwsOptions { endpoint_url, region: None }).await.unwrap_err();
        let expected =
            "the endpoint 127.0.0.1:4567 cannot be used: it does not start with http:// or https://";
        assert_eq!(error.to_string(), expected);
    }

    #[tokio::test]
    async fn what_the_command_line_says_goes_before_everything_else() {
        let options = AwsOptions {
            endpoint_url: Some("http://127.0.0.1:1/".to_owned()),
            region: Some("eu-north-1".to_owned()),
        };
        let client = KinesisClient::connect(&options).await.unwrap();
        assert_eq!((client.endpoint().as_str(), client.region()), ("http://127.0.0.1:1", "eu-north-1"));
    }
}
