//! What is wrong with the parameters of a mapping, shown where the template gives them.
//!
//! In: a problem as the model finds it. Out: a diagnostic, with what is allowed there and what to do.

use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::filter_criteria;
use super::mapping_places::Place;
use super::mappings::{Declared, Given};
use super::on_failure;
use super::suggest;
use pelton_model::{Allowed, Parameter, Problem, ProblemKind, SourceKind, TIMESTAMP_FORMS, limits};

/// What a destination of failed records may be, where the source takes no topics of Kafka.
const DESTINATIONS: &str =
    "the ARN of a standard SQS queue, a standard SNS topic or an S3 bucket, or `file:PATH`";

/// Reports a problem, unless something else was reported about the same parameter.
pub(crate) fn report<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    given: &Given<'t>,
    problem: &Problem,
) {
    if given.places.is_unreadable(problem.parameter) {
        return;
    }
    let mut places: Vec<Place> = given.places.all(problem.parameter).cloned().collect();
    if places.is_empty() {
        let (name, span) = (problem.parameter.to_string(), declared.span);
        places.push(Place { name, key_span: span, value_span: span });
    }
    for place in places {
        let diagnostic = at_place(context, declared, given, problem, &place);
        // Pelton counts all that `MetricsConfig` can ask for in any case.
        if problem.parameter == Parameter::Metrics {
            context.diagnostics.push_as_warnings([diagnostic]);
        } else {
            context.report(diagnostic);
        }
    }
}

fn missing(declared: &Declared<'_>, given: &Given<'_>, parameter: Parameter, place: &Place) -> Diagnostic {
    if let Parameter::Pattern(_) = parameter {
        return Diagnostic::error(Code::Missing, "the filter has no `Pattern`")
            .at(place.value_span, "needs a `Pattern`, a string of JSON");
    }
    let message = format!("the mapping `{}` has no `{parameter}`", declared.id);
    let missing = Diagnostic::error(Code::Missing, message);
    if parameter == Parameter::StartingPosition {
        let positions = limits::of(given.kind()).starting_position;
        missing
            .at(declared.span, format!("needs {}", either(positions)))
            .help("add `StartingPosition: TRIM_HORIZON` to read the records that the stream already holds")
    } else if parameter == Parameter::StartingPositionTimestamp {
        let position = given.places.of(Parameter::StartingPosition).map(|position| position.value_span);
        missing
            .at(position.unwrap_or(declared.span), "`AT_TIMESTAMP` needs a time to start at")
            .help("add `StartingPositionTimestamp`, in seconds since 1970")
    } else {
        missing.at(declared.span, format!("needs a `{parameter}`"))
    }
}

fn not_taken(parameter: Parameter, place: &Place, by: SourceKind) -> Diagnostic {
    if parameter == Parameter::OnSuccess {
        let message = "`DestinationConfig` of a mapping of a stream does not support `OnSuccess`";
        let conflict = Diagnostic::error(Code::Conflict, message);
        return conflict.at(place.key_span, "a stream has only `OnFailure`").help("remove it");
    }
    Diagnostic::error(Code::Conflict, format!("{} does not support `{}`", source(by), place.name))
        .at(place.key_span, "AWS allows it only with other event sources")
        .help("remove it")
}

fn at_place<'t>(
    context: &Context<'t>,
    declared: &Declared<'t>,
    given: &Given<'t>,
    problem: &Problem,
    place: &Place,
) -> Diagnostic {
    let parameter = problem.parameter;
    match &problem.kind {
        ProblemKind::Missing => missing(declared, given, parameter, place),
        ProblemKind::NotTaken { by } => not_taken(parameter, place, *by),
        ProblemKind::NotAllowed { given: _, allowed: Allowed::Destination } => {
            on_failure::no_destination(context, given, place, &words(&Allowed::Destination))
        }
        ProblemKind::NotAllowed { given: text, allowed } => {
            Diagnostic::error(Code::InvalidValue, format!("`{}` is `{text}`", place.name))
                .at(place.value_span, format!("must be {}", words(allowed)))
        }
        ProblemKind::ValueNotTaken { given, by, allowed } => {
            value_not_taken(parameter, place, given, *by, allowed)
        }
        ProblemKind::Conflict { with } => conflict(given, parameter, *with, place),
        ProblemKind::Needs { other } => {
            let message = format!("`{}` needs a `{other}`", place.name);
            Diagnostic::error(Code::Conflict, message).at(place.value_span, "too large without it")
        }
        ProblemKind::TooMany { count, max } if parameter == Parameter::Filters => {
            Diagnostic::error(Code::TooLarge, format!("the mapping has {count} filters"))
                .at(place.key_span, format!("must be at most {max}"))
                .help("name several values in one pattern: `[\"a\", \"b\"]` matches either")
        }
        ProblemKind::TooMany { count, max } => {
            Diagnostic::error(Code::TooLarge, format!("`{}` has {count} items", place.name))
                .at(place.value_span, format!("must be at most {max}"))
        }
        ProblemKind::TooLong { chars, max } => {
            Diagnostic::error(Code::TooLarge, format!("`{}` has {chars} characters", place.name))
                .at(place.value_span, format!("must have at most {max}"))
        }
        ProblemKind::InTheFuture => {
            Diagnostic::error(Code::InvalidValue, format!("`{}` is in the future", place.name))
                .at(place.value_span, "must be now or earlier")
                .help("to start with the records that arrive from now on, set `StartingPosition: LATEST`")
        }
        ProblemKind::Fifo => {
            let message = "FIFO queues and topics cannot receive failed records";
            let fifo = Diagnostic::error(Code::InvalidValue, message)
                .at(place.value_span, format!("must be {DESTINATIONS}"));
            match given.places.fifo {
                Some(span) => fifo.related(span, "this makes it FIFO"),
                None => fifo,
            }
        }
        ProblemKind::NoPattern(error) => filter_criteria::no_pattern(context, given, parameter, place, error),
    }
}

fn value_not_taken(
    parameter: Parameter,
    place: &Place,
    given: &str,
    by: SourceKind,
    allowed: &Allowed,
) -> Diagnostic {
    let (source, must_be) = (source(by), format!("must be {}", words(allowed)));
    if parameter == Parameter::Metrics {
        let message = format!("{source} does not support the metrics `{given}`");
        return Diagnostic::error(Code::Conflict, message)
            .at(place.value_span, "AWS allows them only with Kafka")
            .help("remove it");
    }
    let what = match parameter == Parameter::Destination {
        true => "a Kafka topic".to_owned(),
        false => format!("`{}: {given}`", place.name),
    };
    Diagnostic::error(Code::Conflict, format!("{source} does not support {what}"))
        .at(place.value_span, must_be)
}

fn conflict(given: &Given<'_>, parameter: Parameter, with: Parameter, place: &Place) -> Diagnostic {
    let other = given.places.of(with);
    match (parameter, other) {
        (Parameter::ParallelizationFactor, Some(window)) => {
            let message = "tumbling windows are not allowed with a `ParallelizationFactor` greater than 1";
            Diagnostic::error(Code::Conflict, message)
                .at(place.value_span, "must be 1 with tumbling windows")
                .related(window.value_span, "must be 0 with a `ParallelizationFactor` greater than 1")
                .help("remove one of them")
        }
        (Parameter::StartingPositionTimestamp, _) => {
            let position = given.settings.starting_position.as_deref().unwrap_or_default();
            let message = format!("`{}` is not allowed with `{position}`", place.name);
            Diagnostic::error(Code::Conflict, message)
                .at(place.key_span, "allowed only with `AT_TIMESTAMP`")
                .help("remove it, or set `StartingPosition: AT_TIMESTAMP`")
        }
        (_, _) => {
            let message = format!("`{}` is not allowed with `{with}`", place.name);
            Diagnostic::error(Code::Conflict, message).at(place.key_span, "").help("remove one of them")
        }
    }
}

/// What a source is, for people.
fn source(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Kinesis => "a Kinesis stream",
        SourceKind::DynamoDb => "a DynamoDB stream",
        SourceKind::Kafka => "a Kafka topic",
        SourceKind::Sqs => "an SQS queue",
    }
}

/// What is allowed, for people: it follows `must be`.
fn words(allowed: &Allowed) -> String {
    match allowed {
        Allowed::Whole(range) => format!("a whole number from {} to {}", range.start(), range.end()),
        Allowed::WholeOrForever(range) => {
            format!("-1 (forever), or a whole number from {} to {}", range.start(), range.end())
        }
        Allowed::Boolean => "`true` or `false`".to_owned(),
        Allowed::OneOf(words) => format!("one of {}", listed(words)),
        Allowed::OneOrNoneOf(words) => format!("empty, or one {}", listed(words)),
        Allowed::ListOf(words) => format!("a list of {}", listed(words)),
        Allowed::ListOfOne => "a list of one name".to_owned(),
        Allowed::Time => TIMESTAMP_FORMS.to_owned(),
        Allowed::Name(chars) => format!("a name of {} to {} characters", chars.start(), chars.end()),
        Allowed::Destination => DESTINATIONS.to_owned(),
        Allowed::File => "`file:` and the path of a file".to_owned(),
    }
}

fn either(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match &quoted[..] {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn listed(words: &'static [&'static str]) -> String {
    suggest::list(words.iter().copied()).unwrap_or_default()
}
