//! What to do about the stream of a table that cannot be read at start.
//!
//! In: the ARN of a stream, and why it cannot be read. Out: a help, if it is the stream of a table and DynamoDB has one of its own.

use crate::ports::SourceError;
use pelton_model::arn::service_of;

pub(super) fn of(stream: &str, error: &SourceError) -> Option<&'static str> {
    if service_of(stream) != Some("dynamodb") {
        return None;
    }
    match error {
        SourceError::NotFound { .. } => Some(
            "check the ARN of the stream and the endpoint: a stream that is disabled and enabled again has another ARN, and vanishes \
             24 hours after it was disabled. `!GetAtt Table.StreamArn` finds the stream that a table of the template has",
        ),
        SourceError::Denied { .. } => Some(
            "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), and that they allow \
             dynamodb:ListStreams, DescribeStream, GetShardIterator and GetRecords",
        ),
        SourceError::Unavailable { .. } => Some(
            "is the endpoint up? --endpoint-url, AWS_ENDPOINT_URL_DYNAMODB_STREAMS or AWS_ENDPOINT_URL_DYNAMODB names another",
        ),
        SourceError::Senseless { .. } => Some(
            "the endpoint answers, but not as DynamoDB Streams does: check --endpoint-url and AWS_ENDPOINT_URL_DYNAMODB_STREAMS, then \
             start again",
        ),
        SourceError::Throttled { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_for_a_table_names_what_belongs_to_dynamodb_and_nothing_of_kinesis() {
        let table = "arn:aws:dynamodb:us-east-1:123456789012:table/users/stream/2026-12-01T00:00:00.000";
        let kinesis = "arn:aws:kinesis:us-east-1:123456789012:stream/users";
        let cause = || "refused".into();
        let errors = [
            SourceError::NotFound { what: String::new() },
            SourceError::Denied { operation: "", source: cause() },
            SourceError::Unavailable { operation: "", endpoint: String::new(), source: cause() },
            SourceError::Senseless { operation: "", flaw: "" },
        ];
        for error in &errors {
            let help = of(table, error).unwrap();
            assert!(!help.to_lowercase().contains("kinesis"), "{help}");
            assert_eq!(of(kinesis, error), None);
        }
    }
}
