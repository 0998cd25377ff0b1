//! What `Ref` and `Fn::GetAtt` give for the kinds of resources that functions and mappings commonly name
//! (specification 11.4).
//!
//! Names are those that the template gives, else they are made of the logical id: AWS would make up one.

/// A kind of resource, and the texts that it stands for. In them `{name}`, `{partition}`, `{region}`, `{account}` and
/// `{suffix}` are to be replaced.
pub(crate) struct ResourceKind {
    /// `AWS::…`
    pub(crate) kind: &'static str,
    /// The property that names the resource.
    pub(crate) name_property: &'static str,
    /// What `Ref` gives.
    pub(crate) reference: &'static str,
    /// What `Fn::GetAtt` gives.
    pub(crate) attributes: &'static [(&'static str, &'static str)],
}

pub(crate) const FUNCTION_ARN: &str = "arn:{partition}:lambda:{region}:{account}:function:{name}";
pub(crate) const KINESIS_STREAM_ARN: &str = "arn:{partition}:kinesis:{region}:{account}:stream/{name}";
pub(crate) const ROLE_ARN: &str = "arn:{partition}:iam::{account}:role/{name}";
const TABLE_ARN: &str = "arn:{partition}:dynamodb:{region}:{account}:table/{name}";
const QUEUE_ARN: &str = "arn:{partition}:sqs:{region}:{account}:{name}";
const QUEUE_URL: &str = "https://sqs.{region}.{suffix}/{account}/{name}";
const TOPIC_ARN: &str = "arn:{partition}:sns:{region}:{account}:{name}";
const BUCKET_ARN: &str = "arn:{partition}:s3:::{name}";
const BUS_ARN: &str = "arn:{partition}:events:{region}:{account}:event-bus/{name}";
const LOG_GROUP_ARN: &str = "arn:{partition}:logs:{region}:{account}:log-group:{name}:*";
const DELIVERY_ARN: &str = "arn:{partition}:firehose:{region}:{account}:deliverystream/{name}";
const STATE_MACHINE_ARN: &str = "arn:{partition}:states:{region}:{account}:stateMachine:{name}";

const SECRET_ARN: &str = "arn:{partition}:secretsmanager:{region}:{account}:secret:{name}";

const NAME: &str = "{name}";

pub(crate) const ROLE: &str = "AWS::IAM::Role";
const BUCKET: &str = "AWS::S3::Bucket";

impl ResourceKind {
    /// The name of a resource to which the template gives none. Names of buckets have no capitals.
    pub(crate) fn unnamed(&self, id: &str) -> String {
        if self.kind == BUCKET { id.to_ascii_lowercase() } else { id.to_owned() }
    }
}

/// Every kind that Pelton knows.
static RESOURCE_KINDS: [ResourceKind; 16] = [
    kind("AWS::Kinesis::Stream", "Name", NAME, &[("Arn", KINESIS_STREAM_ARN)]),
    kind("AWS::Serverless::Function", "FunctionName", NAME, &[("Arn", FUNCTION_ARN)]),
    kind("AWS::Lambda::Function", "FunctionName", NAME, &[("Arn", FUNCTION_ARN)]),
    kind(ROLE, "RoleName", NAME, &[("Arn", ROLE_ARN)]),
    kind("AWS::DynamoDB::Table", "TableName", NAME, &[("Arn", TABLE_ARN)]),
    kind("AWS::DynamoDB::GlobalTable", "TableName", NAME, &[("Arn", TABLE_ARN)]),
    kind("AWS::Serverless::SimpleTable", "TableName", NAME, &[("Arn", TABLE_ARN)]),
    kind(
        "AWS::SQS::Queue",
        "QueueName",
        QUEUE_URL,
        &[("Arn", QUEUE_ARN), ("QueueName", NAME), ("QueueUrl", QUEUE_URL)],
    ),
    kind("AWS::SNS::Topic", "TopicName", TOPIC_ARN, &[("TopicArn", TOPIC_ARN), ("TopicName", NAME)]),
    kind(BUCKET, "BucketName", NAME, &[("Arn", BUCKET_ARN)]),
    kind("AWS::Events::EventBus", "Name", NAME, &[("Arn", BUS_ARN), ("Name", NAME)]),
    kind("AWS::Logs::LogGroup", "LogGroupName", NAME, &[("Arn", LOG_GROUP_ARN)]),
    kind("AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName", NAME, &[("Arn", DELIVERY_ARN)]),
    kind(
        "AWS::StepFunctions::StateMachine",
        "StateMachineName",
        STATE_MACHINE_ARN,
        &[("Arn", STATE_MACHINE_ARN), ("Name", NAME)],
    ),
    kind("AWS::SSM::Parameter", "Name", NAME, &[]),
    // Secrets Manager finds a secret without the letters that AWS puts behind its name.
    kind("AWS::SecretsManager::Secret", "Name", SECRET_ARN, &[("Id", SECRET_ARN)]),
];

const fn kind(
    kind: &'static str,
    name_property: &'static str,
    reference: &'static str,
    attributes: &'static [(&'static str, &'static str)],
) -> ResourceKind {
    ResourceKind { kind, name_property, reference, attributes }
}

/// What is known of a kind; `None` if nothing is.
pub(crate) fn known(kind: &str) -> Option<&'static ResourceKind> {
    RESOURCE_KINDS.iter().find(|known| known.kind == kind)
}
