//! Every adapter, and the program, against the real service. A service that is not there fails the test and says how to
//! start it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod adapter;
mod created_tables;
mod destination;
mod dynamodb;
mod embedded_stream;
mod kafka;
mod localstack;
mod table_streams;
