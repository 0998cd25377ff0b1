//! Amazon Resource Names: the one place that takes them apart and writes them.

use std::fmt;
use std::str::FromStr;

/// The account where nobody names one. It is nobody's: no server is sent it.
pub const NO_ACCOUNT: &str = "000000000000";

/// Longest name of a Kinesis stream.
const STREAM_NAME_CHARS_MAX: usize = 128;

/// Longest name of a DynamoDB table.
const TABLE_NAME_CHARS_MAX: usize = 255;

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `kinesis`, `sqs`, `lambda`.
    pub service: String,
    /// `us-east-1`; empty for what has no region, such as a bucket.
    pub region: String,
    /// 12 digits; empty for a bucket.
    pub account: String,
    /// What the service calls it: `stream/orders`, `function:ledger`, the name of a queue.
    pub resource: String,
}

impl Arn {
    /// Whether partition and region are words, and the account is one: a bucket's are not.
    #[must_use]
    pub fn is_regional(&self) -> bool {
        consists_of(&self.partition, "-") && consists_of(&self.region, "-") && is_account(&self.account)
    }

    /// Whether this is a FIFO queue or topic: their names end so.
    #[must_use]
    pub fn is_fifo(&self) -> bool {
        self.resource.ends_with(".fifo")
    }

    /// The account, unless it is one that was made up because nobody named any.
    #[must_use]
    pub fn known_account(&self) -> Option<&str> {
        (self.account != NO_ACCOUNT).then_some(self.account.as_str())
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// A text is not the ARN that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoArn;

impl fmt::Display for NoArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an ARN of the kind that is wanted here")
    }
}

impl std::error::Error for NoArn {}

impl FromStr for Arn {
    type Err = NoArn;

    /// Of six parts; which service, region and resource there are is not judged.
    fn from_str(text: &str) -> Result<Self, NoArn> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, service, region, account, resource] = parts[..] else { return Err(NoArn) };
        let [partition, service, region, account, resource] =
            [partition, service, region, account, resource].map(str::to_owned);
        Ok(Self { partition, service, region, account, resource })
    }
}

/// The service that a text names if it begins as an ARN does, also if its end is not known.
#[must_use]
pub fn service_of(text: &str) -> Option<&str> {
    let mut parts = text.split(':');
    let (arn, _, service) = (parts.next()?, parts.next()?, parts.next()?);
    (arn == "arn").then_some(service)
}

/// The name of a stream whose shards are listed: of a Kinesis stream, or of a DynamoDB table's stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamArn {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// `us-east-1`
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The stream's name; for DynamoDB, its table's.
    pub name: String,
    /// Whose stream it is.
    pub kind: StreamKind,
}

/// Whose stream it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamKind {
    /// `arn:…:kinesis:REGION:ACCOUNT:stream/NAME`
    Kinesis,
    /// `arn:…:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`
    DynamoDb {
        /// When the stream was enabled: `2026-01-31T12:00:00.000`. A stream that is disabled and enabled again has another. `None`:
        /// the stream that the table has when Pelton starts.
        label: Option<String>,
    },
}

/// Stands for what only AWS knows, as in its policies: the label of a stream, the UUID of a cluster.
pub(super) const ANY: &str = "*";

impl StreamArn {
    /// The stream that an ARN names, and its consumer if it is a consumer's (`…:stream/NAME/consumer/CONSUMER:TIME`).
    #[must_use]
    pub fn of(arn: &Arn) -> Option<(Self, Option<String>)> {
        let (name, kind, consumer) = match arn.service.as_str() {
            "kinesis" => {
                let path = arn.resource.strip_prefix("stream/")?;
                let (name, consumer) = match path.split_once("/consumer/") {
                    Some((name, consumer)) => (name, Some(consumer.to_owned())),
                    None => (path, None),
                };
                (Some(name).filter(|name| is_stream_name(name))?, StreamKind::Kinesis, consumer)
            }
            "dynamodb" => {
                let (name, label) = arn.resource.strip_prefix("table/")?.split_once("/stream/")?;
                let is_one = is_table_name(name) && consists_of(label, "-:.");
                (is_one.then_some(name)?, StreamKind::DynamoDb { label: Some(label.to_owned()) }, None)
            }
            _ => return None,
        };
        let Arn { partition, service: _, region, account, resource: _ } = arn.clone();
        arn.is_regional()
            .then(|| (Self { partition, region, account, name: name.to_owned(), kind }, consumer))
    }

    /// The stream of a table, whichever it has: `…:table/NAME/stream/*`.
    #[must_use]
    pub fn of_table(arn: &Arn) -> Option<Self> {
        let (name, label) = arn.resource.strip_prefix("table/")?.split_once("/stream/")?;
        let is_one = arn.service == "dynamodb" && arn.is_regional() && is_table_name(name);
        let Arn { partition, service: _, region, account, resource: _ } = arn.clone();
        let kind = StreamKind::DynamoDb { label: None };
        (is_one && label == ANY).then(|| Self { partition, region, account, name: name.to_owned(), kind })
    }

    /// Whether this is the stream of a table that is still to be found.
    #[must_use]
    pub fn is_to_be_found(&self) -> bool {
        self.kind == StreamKind::DynamoDb { label: None }
    }
}

impl fmt::Display for StreamArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, name, kind } = self;
        match kind {
            StreamKind::Kinesis => write!(f, "arn:{partition}:kinesis:{region}:{account}:stream/{name}"),
            StreamKind::DynamoDb { label } => {
                let label = label.as_deref().unwrap_or(ANY);
                write!(f, "arn:{partition}:dynamodb:{region}:{account}:table/{name}/stream/{label}")
            }
        }
    }
}

impl FromStr for StreamArn {
    type Err = NoArn;

    /// A stream's own: a consumer's is none.
    fn from_str(text: &str) -> Result<Self, NoArn> {
        match Self::of(&text.parse()?) {
            Some((stream, None)) => Ok(stream),
            Some((_, Some(_))) | None => Err(NoArn),
        }
    }
}

/// Name and alias or version of a function that is named in one of AWS's ways: `NAME`, `ACCOUNT:function:NAME`, its ARN; each
/// perhaps with `:QUALIFIER`.
#[must_use]
pub fn function_name(text: &str) -> Option<(&str, Option<&str>)> {
    let parts: Vec<&str> = text.split(':').collect();
    let rest = match parts[..] {
        ["arn", _, "lambda", _, _, "function", ref rest @ ..] => rest,
        ["function", ref rest @ ..] | [_, "function", ref rest @ ..] => rest,
        ref rest => rest,
    };
    match *rest {
        [name] => Some((name, None)),
        [name, qualifier] => Some((name, Some(qualifier))),
        _ => None,
    }
}

/// Whether this is the number of an account.
#[must_use]
pub fn is_account(text: &str) -> bool {
    text.len() == NO_ACCOUNT.len() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a Kinesis stream may have this name.
#[must_use]
pub fn is_stream_name(name: &str) -> bool {
    name.len() <= STREAM_NAME_CHARS_MAX && consists_of(name, "_.-")
}

fn is_table_name(name: &str) -> bool {
    (3..=TABLE_NAME_CHARS_MAX).contains(&name.len()) && consists_of(name, "_.-")
}

/// Whether a text has nothing but letters, digits and `others`, and is not empty.
pub(super) fn consists_of(text: &str, others: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_written_as_it_was_read() {
        for text in [
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/fast:1700000000",
            "arn:aws-cn:sqs:cn-north-1:123456789012:failed.fifo",
            "arn:aws:s3:::archive",
            "arn:aws:kafka:eu-west-1:123456789012:cluster/c/1-2",
            "arn:aws:lambda:eu-west-1:123456789012:function:ledger:live",
        ] {
            assert_eq!(text.parse::<Arn>().unwrap().to_string(), text);
        }
        for wrong in ["", "orders", "arn:aws:sqs:eu-west-1:123456789012", "urn:aws:sqs:eu-west-1:1:q"] {
            assert_eq!(wrong.parse::<Arn>(), Err(NoArn), "{wrong}");
        }
    }

    #[test]
    fn a_service_is_told_by_the_beginning_of_an_arn() {
        assert_eq!(service_of("arn:*:sqs:*"), Some("sqs"));
        assert_eq!(service_of("arn:aws"), None);
        assert_eq!(service_of("orders:a:b"), None);
    }

    #[track_caller]
    fn check_stream(text: &str, name: &str, kind: StreamKind) {
        let stream: StreamArn = text.parse().unwrap();
        assert_eq!((stream.name.as_str(), &stream.kind), (name, &kind));
        assert_eq!(stream.to_string(), text);
    }

    #[test]
    fn a_listed_stream_is_one_of_kinesis_or_one_of_a_table() {
        check_stream("arn:aws:kinesis:eu-west-1:123456789012:stream/x.y", "x.y", StreamKind::Kinesis);
        let label = Some("2026-01-31T12:00:00.000".to_owned());
        check_stream(
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-31T12:00:00.000",
            "users",
            StreamKind::DynamoDb { label },
        );
        for wrong in [
            "arn:aws:kinesis:eu-west-1:1234:stream/x",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/a b",
            "arn:aws:kinesis::123456789012:stream/x",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/x/consumer/c:1",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/*",
            "arn:aws:sqs:eu-west-1:123456789012:x",
        ] {
            assert_eq!(wrong.parse::<StreamArn>(), Err(NoArn), "{wrong}");
        }
    }

    #[test]
    fn the_stream_that_a_table_has_is_named_without_its_label() {
        let of_table = |text: &str| StreamArn::of_table(&text.parse().unwrap());
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/*";
        let stream = of_table(arn).unwrap();
        assert_eq!(
            (stream.name.as_str(), stream.is_to_be_found(), stream.to_string()),
            ("users", true, arn.to_owned())
        );
        for other in [
            "arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-01-31T12:00:00.000",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/u/stream/*",
            "arn:aws:dynamodb::123456789012:table/users/stream/*",
        ] {
            assert_eq!(of_table(other), None, "{other}");
        }
    }

    #[test]
    fn a_consumer_is_told_with_its_stream() {
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/fast:1700000000";
        let (stream, consumer) = StreamArn::of(&arn.parse().unwrap()).unwrap();
        assert_eq!((stream.name.as_str(), consumer.as_deref()), ("orders", Some("fast:1700000000")));
    }

    #[track_caller]
    fn check_function(text: &str, expected: Option<(&str, Option<&str>)>) {
        assert_eq!(function_name(text), expected);
    }

    #[test]
    fn a_function_is_named_in_many_ways() {
        check_function("ledger", Some(("ledger", None)));
        check_function("ledger:live", Some(("ledger", Some("live"))));
        check_function("123456789012:function:ledger", Some(("ledger", None)));
        check_function("123456789012:function:ledger:live", Some(("ledger", Some("live"))));
        check_function("arn:aws:lambda:us-east-1:123456789012:function:ledger", Some(("ledger", None)));
        let of_version = "arn:aws:lambda:us-east-1:123456789012:function:ledger:3";
        check_function(of_version, Some(("ledger", Some("3"))));
        check_function("arn:aws:sqs:us-east-1:123456789012:ledger", None);
    }
}
