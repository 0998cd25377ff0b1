#![doc = include_str!("../README.md")]
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
