//! Tests of handlers without AWS: events as Lambda sends them, and what becomes of them.
//!
//! ```
//! use lambda_ordered::testing::{Kit, TestRecord};
//! use lambda_ordered::{Error, Handler, Json, Kinesis, OnFailure, OnUndecodable, Record};
//!
//! struct Sum(i64);
//!
//! impl Handler for Sum {
//!     type Source = Kinesis;
//!     type Payload = Json<i64>;
//!     const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;
//!
//!     async fn handle(&mut self, Json(number): Json<i64>, _: &Record<'_, Kinesis>) -> Result<(), Error> {
//!         self.0 = self.0.checked_add(number).ok_or("that is too much")?;
//!         Ok(())
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let mut kit = Kit::new(Sum(1), OnFailure::ReportRecord);
//! let records = TestRecord::all(["1", "2", "9223372036854775807", "4"]);
//! let answer = kit.deliver(&records).await.unwrap();
//! assert_eq!(answer.failures, [records[2].identifier()]);
//! assert_eq!(kit.handler().0, 4);
//! # });
//! ```

mod event;
mod kit;

pub use event::{TestRecord, TestSource};
pub use kit::{Answer, Delivery, Kit};
