//! On-failure destinations, against LocalStack's SQS, SNS and S3: what arrives there is what specification 4.5 says.

mod bucket;
mod queue;
mod topic;
pub(crate) mod world;
