//! The client through which the whole process speaks the API of DynamoDB Streams.

use crate::aws::{
    AwsOptions, ConnectError, Connection, Endpoint, Service, endpoint_named, endpoint_of_its_own,
};
use crate::clock::Clock;
use pelton_core::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// Most calls in flight at once, and so most connections.
const CALLS_IN_FLIGHT_MAX: usize = 96;

/// From one DescribeStream to the next. AWS allows ten in a second; on their way to it, calls catch up with each other.
const DESCRIBE_GAP: Duration = Duration::from_millis(125);

const STREAMS: Service = Service {
    id: "DynamoDB Streams",
    host: "streams.dynamodb",
    call_timeout: Duration::from_secs(15),
    connections_max: CALLS_IN_FLIGHT_MAX,
};

const TABLES: Service = Service { id: "DynamoDB", host: "dynamodb", ..STREAMS };

/// Which of its two APIs: servers on a developer's machine serve both at one address, so that an endpoint of one of them alone counts
/// for the other, too, before one for all services does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Api {
    Streams,
    Tables,
}

impl Api {
    /// This API, and the other one.
    fn services(self) -> (Service, Service) {
        match self {
            Api::Streams => (STREAMS, TABLES),
            Api::Tables => (TABLES, STREAMS),
        }
    }

    /// Calls nobody but those who hand out credentials.
    pub(super) async fn connect(self, options: &AwsOptions) -> Result<Connection, ConnectError> {
        Connection::to(self.services().0, &self.settle(options).await?).await
    }

    /// The options with the endpoint of the other API, if that alone is named.
    async fn settle(self, options: &AwsOptions) -> Result<AwsOptions, ConnectError> {
        let (own, other) = self.services();
        let mut options = options.clone();
        if options.endpoint_url.is_none() && endpoint_of_its_own(own, &options).await?.is_none() {
            let of_other = endpoint_of_its_own(other, &options).await?;
            options.endpoint_url = of_other.map(|endpoint| endpoint.as_str().to_owned());
        }
        Ok(options)
    }
}

/// Speaks the API of DynamoDB Streams. Cheap to clone: all clones share connections and the limits on calls.
#[derive(Clone, Debug)]
pub struct DynamoDbStreamsClient {
    sdk: aws_sdk_dynamodbstreams::Client,
    endpoint: Endpoint,
    clock: Clock,
    calls: Arc<Semaphore>,
    /// When DescribeStream may be called next.
    next_describe: Arc<Mutex<Timestamp>>,
}

impl DynamoDbStreamsClient {
    /// A client as the options, the environment and the profile say. Calls nobody but those who hand out credentials.
    ///
    /// # Errors
    /// If an endpoint that is named cannot be one, and without a region or credentials.
    pub async fn connect(options: &AwsOptions, clock: Clock) -> Result<Self, ConnectError> {
        let Connection { config, endpoint, region: _ } = Api::Streams.connect(options).await?;
        Ok(Self {
            sdk: aws_sdk_dynamodbstreams::Client::new(&config),
            endpoint,
            clock,
            calls: Arc::new(Semaphore::new(CALLS_IN_FLIGHT_MAX)),
            next_describe: Arc::new(Mutex::new(Timestamp::default())),
        })
    }

    /// The endpoint that the options, the environment or the profile name; `None`: AWS's own. Calls nobody.
    ///
    /// # Errors
    /// If an endpoint that is named cannot be one.
    pub async fn endpoint_named(options: &AwsOptions) -> Result<Option<Endpoint>, ConnectError> {
        endpoint_named(STREAMS, &Api::Streams.settle(options).await?).await
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn sdk(&self) -> &aws_sdk_dynamodbstreams::Client {
        &self.sdk
    }

    /// Waits until fewer than [`CALLS_IN_FLIGHT_MAX`] calls are in flight, in order of asking. Cancelling is safe.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.calls.acquire().await.expect("the limit on calls is never closed")
    }

    /// Waits until DescribeStream may be called, and takes the turn. Cancelling is safe.
    pub(super) async fn turn_to_describe(&self) -> SemaphorePermit<'_> {
        let mut next = self.next_describe.lock().await;
        self.clock.sleep_until_some(Some(*next)).await;
        *next = self.clock.now().after(DESCRIBE_GAP);
        drop(next);
        self.turn().await
    }
}
