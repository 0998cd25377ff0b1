//! Apache Kafka for tests: topics, records, and what groups have committed, as others than Pelton see them; and `pelton run` on a
//! topic.
//!
//! Each call is made once. A call that a broker refuses fails the test.

mod cluster;
mod journal;
mod poller;
mod producer;
mod topic;

pub use cluster::{Cluster, OwnBroker};
pub use journal::{Event, Journal, Received, Step};
pub use poller::{Poller, SESSION, SESSION_TIMEOUT};
pub use producer::{Load, Message, Producer};
pub use topic::{Offsets, Topic};

use std::time::Duration;

/// How long a call may take.
const CALL_MAX: Duration = Duration::from_secs(30);

/// Carries a call out that blocks until a broker has answered.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(call).await.expect("the call does not panic")
}
