//! The Kinesis adapter against the embedded stream, both through the AWS SDK on loopback.

mod positions;
mod putting;
mod reading;
mod resharding;
mod world;
