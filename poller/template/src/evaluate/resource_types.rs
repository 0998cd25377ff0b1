//! `Type` of a resource: a slip in one that Pelton reads must not make the resource vanish.
//!
//! In: what `Type` says. Out: what is wrong with it, and the type that is meant. The types of other AWS services are
//! none of Pelton's business.

use super::diagnostics::{Code, Diagnostic};
use super::references::{ALIAS, LAMBDA_FUNCTION, SAM_FUNCTION};
use super::source::Span;
use super::suggest;

pub(crate) const MAPPING: &str = "AWS::Lambda::EventSourceMapping";
pub(crate) const STREAM: &str = "AWS::Kinesis::Stream";
pub(crate) const CONSUMER: &str = "AWS::Kinesis::StreamConsumer";

/// The types that Pelton reads.
pub(crate) const READ: [&str; 6] = [SAM_FUNCTION, LAMBDA_FUNCTION, ALIAS, MAPPING, STREAM, CONSUMER];

const SAM_PREFIX: &str = "AWS::Serverless::";

/// The other types of SAM: what is neither among these nor read, SAM refuses.
const SAM_OTHERS: [&str; 13] = [
    "AWS::Serverless::Api",
    "AWS::Serverless::Application",
    "AWS::Serverless::CapacityProvider",
    "AWS::Serverless::Connector",
    "AWS::Serverless::GraphQLApi",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::MicrovmImage",
    "AWS::Serverless::NetworkConnector",
    "AWS::Serverless::SimpleTable",
    "AWS::Serverless::StateMachine",
    "AWS::Serverless::WebFunction",
    "AWS::Serverless::WebSocketApi",
];

/// The other types of the services that Pelton stands for.
const SERVICE_OTHERS: [&str; 10] = [
    "AWS::Kinesis::ResourcePolicy",
    "AWS::Lambda::CapacityProvider",
    "AWS::Lambda::CodeSigningConfig",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::LayerVersionPermission",
    "AWS::Lambda::NetworkConnector",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
];

const SERVICE_PREFIXES: [&str; 2] = ["AWS::Kinesis::", "AWS::Lambda::"];

/// So many letters of a type may be missing, wrong or too many before it is another type.
const SLIPS_MAX: usize = 2;

const TYPES_READ: &str = "resource types that Pelton reads";

/// What is wrong with a type.
pub(crate) struct WrongType {
    pub(crate) diagnostic: Diagnostic,
    /// The type that is meant, if that is clear: what else is wrong with the resource can be told as well.
    pub(crate) meant: Option<&'static str>,
}

/// What is wrong with the type `kind` of a resource, if anything is.
pub(crate) fn check(kind: &str, span: Span) -> Option<WrongType> {
    if READ.contains(&kind) || SAM_OTHERS.contains(&kind) || SERVICE_OTHERS.contains(&kind) {
        return None;
    }
    if let Some(meant) = meant(kind) {
        let message = format!("there are no resources of type `{kind}`");
        let diagnostic = Diagnostic::error(Code::UnknownName, message)
            .at(span, "unknown type")
            .help(format!("did you mean `{meant}`?"));
        return Some(WrongType { diagnostic, meant: Some(meant) });
    }
    if !is_type_name(kind) {
        let message = format!("`{kind}` is not a resource type");
        let label = "must be of the form `AWS::Kinesis::Stream`";
        let diagnostic = unknown(kind, message).at(span, label);
        return Some(WrongType {
            diagnostic: diagnostic.help(did_you_mean(kind, READ, TYPES_READ)),
            meant: None,
        });
    }
    if kind.starts_with(SAM_PREFIX) {
        let message = format!("SAM has no resources of type `{kind}`");
        let known = [SAM_FUNCTION].into_iter().chain(SAM_OTHERS);
        let diagnostic = unknown(kind, message).at(span, "unknown type");
        return Some(WrongType {
            diagnostic: diagnostic.help(did_you_mean(kind, known, "types of SAM")),
            meant: None,
        });
    }
    if SERVICE_PREFIXES.iter().any(|prefix| kind.starts_with(prefix)) {
        // It may be one that AWS added since: no error.
        let message = format!("Pelton does not know resources of type `{kind}`");
        let help = did_you_mean(kind, READ, TYPES_READ);
        let diagnostic = Diagnostic::warning(Code::Ignored, message).at(span, "ignored").help(help);
        return Some(WrongType { diagnostic, meant: None });
    }
    None
}

/// An error if the last word is that of a type that Pelton reads, or nearly so: a resource must not vanish.
fn unknown(kind: &str, message: String) -> Diagnostic {
    suggest::unknown_name(last_word(kind), READ.map(last_word), message)
}

fn last_word(kind: &str) -> &str {
    kind.rsplit(':').next().unwrap_or_default()
}

/// The type that Pelton reads and that differs from `kind` only by a slip, or in case.
fn meant(kind: &str) -> Option<&'static str> {
    let lower = kind.to_lowercase();
    READ.into_iter()
        .map(|read| (strsim::damerau_levenshtein(&lower, &read.to_lowercase()), read))
        .filter(|&(slips, _)| slips <= SLIPS_MAX)
        .min()
        .map(|(_, read)| read)
}

/// The nearest of these types, else all of them. What types of one service have in common makes none of them near.
fn did_you_mean(kind: &str, known: impl IntoIterator<Item = &'static str> + Clone, what: &str) -> String {
    let nearest = suggest::nearest(last_word(kind), known.clone().into_iter().map(last_word));
    match known.clone().into_iter().find(|known| Some(last_word(known)) == nearest) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("{what}: {}", suggest::list(known).unwrap_or_default()),
    }
}

/// `Owner::Service::Type`, perhaps with `::MODULE`, or `Custom::Name`.
fn is_type_name(kind: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
    let is_custom_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@' | '-'))
    };
    let words: Vec<&str> = kind.split("::").collect();
    match words[..] {
        ["Custom", name] => is_custom_name(name),
        [_, _, _] | [_, _, _, "MODULE"] => words.iter().all(|word| is_word(word)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, lines, load, template};

    #[track_caller]
    fn check(kind: &str, expected: &str) {
        check_problem(
            &load(&format!("Transform: AWS::Serverless-2016-10-31\nResources:\n  R:\n    Type: {kind}\n")),
            expected,
        );
    }

    #[test]
    fn a_slip_in_a_type_that_pelton_reads_is_refused() {
        for (slip, meant) in [
            ("AWS::Lambda::EventSourceMaping", "AWS::Lambda::EventSourceMapping"),
            ("AWS::Lambda::EventsourceMapping", "AWS::Lambda::EventSourceMapping"),
            ("AWS::Lambda:EventSourceMapping", "AWS::Lambda::EventSourceMapping"),
            ("AWS::Kinesis::Streem", "AWS::Kinesis::Stream"),
            ("aws::kinesis::stream", "AWS::Kinesis::Stream"),
            ("AWS::Kinesis::Streams", "AWS::Kinesis::Stream"),
            ("AWS::Kinesis::StreamConsumr", "AWS::Kinesis::StreamConsumer"),
            ("AWS::Lambda::Funtcion", "AWS::Lambda::Function"),
        ] {
            let loaded = load(&format!("Resources:\n  R:\n    Type: {slip}\n"));
            let first = &lines(&loaded.diagnostics)[0];
            let expected = format!(
                "error unknown-name: there are no resources of type `{slip}` | unknown type | did you mean `{meant}`?"
            );
            assert!(lines(&loaded.diagnostics).contains(&expected), "{first}");
            assert!(loaded.application.is_none());
        }
    }

    #[test]
    fn what_else_is_wrong_with_a_resource_of_a_misspelt_type_is_told_as_well() {
        let text = template("Timeout: 0", "BatchSize: 0", "")
            .replace(
                "AWS::Kinesis::Stream, Properties: {ShardCount: 2",
                "AWS::Kinesis::Strem, Properties: {ShardCount: 0",
            )
            .replace("AWS::Serverless::Function", "AWS::Serverless::Functon");
        let lines = lines(&load(&text).diagnostics);
        assert_eq!(lines.len(), 5, "{lines:#?}");
    }

    #[test]
    fn what_has_not_the_form_of_a_type_is_refused_only_if_it_names_what_pelton_reads() {
        check(
            "Stream",
            "error unknown-name: `Stream` is not a resource type | must be of the form `AWS::Kinesis::Stream`",
        );
        check(
            "AWS::EventSourceMaping",
            "error unknown-name: `AWS::EventSourceMaping` is not a resource type",
        );
        for kind in
            ["AWS::Kinesis", "AWS::S3::Bucket::Policy", "'Custom::'", "'AWS::S3:: Bucket'", "SQS::Queue"]
        {
            check(kind, "is not a resource type");
            check(kind, "warning unknown-name");
        }
        check("[a]", "`Type` is a list | must be the name of a type");
    }

    #[test]
    fn a_type_that_sam_does_not_have_is_refused_only_if_it_names_what_pelton_reads() {
        check(
            "AWS::Serverless::SimplTabel",
            "warning unknown-name: SAM has no resources of type `AWS::Serverless::SimplTabel` | unknown type | did you mean `AWS::Serverless::SimpleTable`?",
        );
        check(
            "AWS::Serverless::EventSourceMapping",
            "error unknown-name: SAM has no resources of type `AWS::Serverless::EventSourceMapping` | unknown type | types of SAM: `AWS::Serverless::Function`",
        );
    }

    #[test]
    fn a_type_of_lambda_or_kinesis_that_is_not_known_is_mentioned() {
        check(
            "AWS::Lambda::EventSource",
            "warning ignored: Pelton does not know resources of type `AWS::Lambda::EventSource` | ignored | resource types that Pelton reads",
        );
        check("AWS::Kinesis::Firehose", "warning ignored");
    }

    #[test]
    fn other_types_may_be_anything() {
        for kind in [
            "AWS::KinesisVideo::Stream",
            "AWS::KinesisFirehose::DeliveryStream",
            "AWS::Lambda::EventInvokeConfig",
            "AWS::Serverless::SimpleTable",
            "AWS::KMS::Alias",
            "AWS::CloudFront::Function",
            "AWS::CloudFormation::CustomResource",
            "Alexa::ASK::Skill",
            "Custom::Empty_Bucket@1-2",
            "Acme::Storage::Bucket::MODULE",
        ] {
            check(kind, "");
        }
    }
}
