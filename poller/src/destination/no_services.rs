//! What stands for queues, topics and buckets in a build without the feature `aws`: it refuses them.

use super::{Origin, Takes, Turns};
use crate::aws::AwsOptions;
use crate::errors::NotInThisBuild;
use crate::ports::Destination;
use pelton_model::Arn;
use std::sync::Arc;

/// Makes no destinations.
pub(super) struct Services;

impl Services {
    pub(super) fn new(_: AwsOptions) -> Self {
        Self
    }

    /// Refuses every queue, topic and bucket.
    pub(super) fn open(
        &mut self,
        takes: Takes,
        _: &Arn,
        _: Origin,
        _: &Turns,
    ) -> Result<Arc<dyn Destination>, NotInThisBuild> {
        let cannot = match takes {
            Takes::Queues => "send failed records to SQS",
            Takes::Topics => "send failed records to SNS",
            Takes::Buckets => "send failed records to S3",
        };
        Err(NotInThisBuild { cannot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_model::MappingId;

    #[test]
    fn a_build_without_the_feature_aws_refuses_queues_topics_and_buckets_and_says_which_build_has_them() {
        let mut services = Services::new(AwsOptions::default());
        for (takes, service) in [(Takes::Queues, "SQS"), (Takes::Topics, "SNS"), (Takes::Buckets, "S3")] {
            let origin = Origin::kinesis(&MappingId("Ledger".to_owned()), "stream", "function");
            let arn = "arn:aws:sqs:eu-west-1:123456789012:failures".parse().unwrap();
            let refused = services.open(takes, &arn, origin, &Turns::default());
            let text = refused.err().expect("it is refused").to_string();
            assert!(text.contains(&format!("to {service}:")) && text.contains("cargo install"), "{text}");
        }
    }
}
