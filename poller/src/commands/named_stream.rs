//! A stream as the command line names it: by its name, or by its ARN.

use super::options::AwsOptions;
use crate::user_error::UserError;
use pelton_model::arn::NoArn;
use pelton_model::{StreamArn, StreamKind};
use std::str::FromStr;

/// A stream as the command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedStream {
    /// Its name.
    pub name: String,
    /// Its ARN, if it was named by it.
    arn: Option<StreamArn>,
}

impl NamedStream {
    /// Its ARN, if it was named by it.
    #[must_use]
    pub fn arn(&self) -> Option<&StreamArn> {
        self.arn.as_ref()
    }

    /// The options with the region of the ARN.
    pub(super) fn settle(&self, options: AwsOptions) -> Result<AwsOptions, UserError> {
        let Some(arn) = &self.arn else { return Ok(options) };
        let StreamArn { region, .. } = arn;
        match &options.region {
            Some(given) if given != region => {
                Err(UserError::bad_input(format!("{arn} is in {region}, and --region says {given}"))
                    .help("leave out --region: the ARN names the region"))
            }
            Some(_) | None => Ok(AwsOptions { region: Some(region.clone()), ..options }),
        }
    }
}

impl FromStr for NamedStream {
    type Err = String;

    /// `orders`, or `arn:aws:kinesis:us-east-1:123456789012:stream/orders`.
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with("arn:") {
            return match text {
                "" => Err("a stream has a name".to_owned()),
                name => Ok(Self { name: name.to_owned(), arn: None }),
            };
        }
        match text.parse() {
            Ok(arn @ StreamArn { kind: StreamKind::Kinesis, .. }) => {
                Ok(Self { name: arn.name.clone(), arn: Some(arn) })
            }
            Ok(StreamArn { kind: StreamKind::DynamoDb { .. }, .. }) | Err(NoArn) => {
                Err("expected a name, or arn:aws:kinesis:REGION:ACCOUNT:stream/NAME".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws-cn:kinesis:eu-west-1:123456789012:stream/orders";

    fn named(text: &str) -> NamedStream {
        text.parse().unwrap()
    }

    #[test]
    fn a_stream_is_named_by_its_name_or_its_arn() {
        assert_eq!((named("orders").name.as_str(), named("orders").arn()), ("orders", None));
        assert_eq!(named(ARN).name, "orders");
        assert_eq!(named(ARN).arn().unwrap().to_string(), ARN);
        for wrong in [
            "",
            "arn:aws:sqs:eu-west-1:123456789012:orders",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/orders/consumer/c:1",
            "arn:aws:kinesis::123456789012:stream/orders",
            "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-01-31T12:00:00.000",
        ] {
            assert!(wrong.parse::<NamedStream>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_arn_names_the_region_and_another_one_is_refused() {
        let options =
            |region: Option<&str>| AwsOptions { endpoint_url: None, region: region.map(str::to_owned) };
        let settled =
            |text: &str, region| named(text).settle(options(region)).ok().map(|options| options.region);
        assert_eq!(settled("orders", None), Some(None));
        assert_eq!(settled(ARN, None), Some(Some("eu-west-1".to_owned())));
        assert_eq!(settled(ARN, Some("eu-west-1")), Some(Some("eu-west-1".to_owned())));
        assert_eq!(settled(ARN, Some("us-east-1")), None);
    }
}
