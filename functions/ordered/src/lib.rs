//! For functions that are fed by an event source mapping and must keep the order of each shard.
//!
//! The author says what to do with *one* record; the library does what a batch asks for: it decodes each payload, stops
//! at the first record that fails, fails the batch or reports the record under the right identifier, carries the state of tumbling windows in the
//! author's own type, and tells repeats. It works with Kinesis, DynamoDB Streams and Kafka, on AWS and wherever
//! else functions are run; it knows Lambda's events and nothing of who sends them.
//!
//! ```no_run
//! use ordered::{Error, Handler, Json, Kinesis, OnUndecodable, Record};
//! use std::collections::HashMap;
//!
//! #[derive(serde::Deserialize)]
//! struct Order { customer: String, cents: u64 }
//!
//! /// What this process saw; what is to last belongs into a database, or into the state of a window.
//! #[derive(Default)]
//! struct Spent(HashMap<String, u64>);
//!
//! impl Handler for Spent {
//!     type Source = Kinesis;
//!     type Payload = Json<Order>;
//!     const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;
//!
//!     async fn handle(&mut self, Json(order): Json<Order>, _: &Record<'_, Kinesis>) -> Result<(), Error> {
//!         *self.0.entry(order.customer).or_default() += order.cents;
//!         Ok(())
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     ordered::run(Spent::default()).await
//! }
//! ```
//!
//! | want | take |
//! |---|---|
//! | only the failed record and those behind it again, not the whole batch | [`Run::reporting_item_failures`], if the mapping has ReportBatchItemFailures |
//! | a state for each tumbling window | [`WindowHandler`], [`run_windows`] |
//! | the payload in the author's type, or not at all | [`Json`], [`Image`], `()`; [`Decode`] for other formats |
//! | each record once, though delivery is at least once | [`Applied`] |
//! | one transaction for a batch | `begin`, `commit` and `rollback` of the handler |
//! | tests without AWS | [`testing::Kit`] |

mod applied;
mod failure;
mod function;
mod handler;
mod payload;
mod record;
mod report;
mod response;
mod run;
mod sequence_number;
pub mod source;
pub mod testing;
mod window;

pub use applied::Applied;
pub use failure::{Failure, RecordError};
pub use function::{Function, Plain, Windowed};
pub use handler::{Error, Handler, OnFailure, OnUndecodable, WindowHandler};
pub use payload::{Decode, Image, Json, Undecodable};
pub use record::Record;
pub use response::{BatchItemFailure, ItemIdentifier, Response};
pub use run::{Run, run, run_windows};
pub use sequence_number::{NotASequenceNumber, SequenceNumber};
pub use source::{DynamoDb, Kafka, Kinesis, Source};
pub use window::{StateError, Window, WindowEvent};
