//! `pelton run` as a process, with real functions, on Apache Kafka: what its groups, its logs and its brokers do to it.
//!
//! Each test has a topic and a group of its own.

mod access;
mod brokers;
mod failures;
mod handled;
mod positions;
mod records;
mod refused;
mod retention;
mod sessions;
mod sharing;
mod stopping;
