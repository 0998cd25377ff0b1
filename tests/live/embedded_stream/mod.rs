//! The Kinesis adapter against the embedded stream, both through the AWS SDK on loopback.

mod commands;
mod positions;

mod reading;
mod resharding;
mod world;
