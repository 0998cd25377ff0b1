//! The client through which the whole process speaks the API of DynamoDB Streams.

use crate::aws::{AwsOptions, ConnectError, Connection, Endpoint, Service, endpoint_of_its_own};
use crate::clock::Clock;
use pelton_core::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

/// Most calls in flight at once, and so most connections.
const CALLS_IN_FLIGHT_MAX: usize = 96;

/// From one DescribeStream to the next: AWS allows ten in a second.
const DESCRIBE_GAP: Duration = Duration::from_millis(100);

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
    /// The connection, and what the endpoint is. Calls nobody but those who hand out credentials.
    pub(super) async fn connect(self, options: &AwsOptions) -> Result<Connection, ConnectError> {
        let (own, other) = match self {
            Api::Streams => (STREAMS, TABLES),
            Api::Tables => (TABLES, STREAMS),
        };
        let mut options = options.clone();
        if options.endpoint_url.is_none() && endpoint_of_its_own(own, &options).await?.is_none() {
            let of_other = endpoint_of_its_own(other, &options).await?;
            options.endpoint_url = of_other.map(|endpoint| endpoint.as_str().to_owned());
        }
        Connection::to(own, &options).await
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
