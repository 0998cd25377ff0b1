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
use pelton_model::{
    AccessProblem, Allowed, ClusterKind, Parameter, Problem, ProblemKind, SourceKind, TIMESTAMP_FORMS, limits,
};

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
        let around = around(problem.parameter).and_then(|around| given.places.of(around));
        let span = around.map_or(declared.span, |place| place.key_span);
        let name = problem.parameter.to_string();
        places.push(Place { name, key_span: span, value_span: span });
    }
    for place in places {
        let diagnostic = at_place(context, declared, given, problem, &place);
        if let ProblemKind::Unsupported { given, reason } = &problem.kind {
            let message = format!("`{}: {given}` is not supported by Pelton", place.name);
            context.unsupported(place.value_span, message, *reason);
            continue;
        }
        // Pelton counts all that `MetricsConfig` can ask for in any case.
        if problem.parameter == Parameter::Metrics {
            context.diagnostics.push_as_warnings([diagnostic]);
        } else {
            context.report(diagnostic);
        }
    }
}

/// The parameter that another one is a part of: what is missing is shown there.
fn around(parameter: Parameter) -> Option<Parameter> {
    let is_of_registry = matches!(
        parameter,
        Parameter::SchemaRegistryUri
            | Parameter::EventRecordFormat
            | Parameter::AccessConfigs
            | Parameter::SchemaValidationConfigs
    );
    match parameter == Parameter::BootstrapServers {
        true => Some(Parameter::SelfManagedEventSource),
        false => is_of_registry.then_some(Parameter::SchemaRegistryConfig),
    }
}

fn missing(declared: &Declared<'_>, given: &Given<'_>, parameter: Parameter, place: &Place) -> Diagnostic {
    if let Parameter::Pattern(_) = parameter {
        return Diagnostic::error(Code::Missing, "the filter has no `Pattern`")
            .at(place.value_span, "needs a `Pattern`, a string of JSON");
    }
    if is_of_entry(parameter) {
        return Diagnostic::error(Code::Missing, format!("an entry has no `{}`", place.name))
            .at(place.value_span, format!("needs a `{}`", place.name));
    }
    let message = format!("the mapping `{}` has no `{parameter}`", declared.id);
    let missing = Diagnostic::error(Code::Missing, message);
    if parameter == Parameter::StartingPosition {
        let positions = limits::of(given.kind()).starting_position;
        missing.at(declared.span, format!("needs {}", either(positions))).help(format!(
            "add `StartingPosition: TRIM_HORIZON` to read the records that the {} already holds",
            if given.kind() == SourceKind::Kafka { "topic" } else { "stream" }
        ))
    } else if parameter == Parameter::StartingPositionTimestamp {
        let position = given.places.of(Parameter::StartingPosition).map(|position| position.value_span);
        missing
            .at(position.unwrap_or(declared.span), "`AT_TIMESTAMP` needs a time to start at")
            .help("add `StartingPositionTimestamp`, in seconds since 1970")
    } else {
        missing.at(place.value_span, format!("needs a `{parameter}`"))
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
        // It may be the secret itself.
        ProblemKind::NotAllowed { given: _, allowed: Allowed::Secret } => {
            Diagnostic::error(Code::InvalidValue, format!("`{}` does not name a secret", place.name))
                .at(place.value_span, format!("must be {}", words(&Allowed::Secret)))
        }
        ProblemKind::NotAllowed { given: text, allowed } => {
            Diagnostic::error(Code::InvalidValue, format!("`{}` is `{text}`", place.name))
                .at(place.value_span, format!("must be {}", words(allowed)))
        }
        ProblemKind::ValueNotTaken { given, by, allowed } => {
            value_not_taken(parameter, place, given, *by, allowed)
        }
        ProblemKind::NotOfCluster { cluster } => {
            let message = format!("{} does not support `{}`", cluster_words(*cluster), place.name);
            Diagnostic::error(Code::Conflict, message)
                .at(place.key_span, "AWS allows it only with the other kind of cluster")
                .help("remove it")
        }
        ProblemKind::ValueNotOfCluster { given, cluster, allowed } => {
            let message = format!("{} does not support `{}: {given}`", cluster_words(*cluster), place.name);
            let must_be = format!("must be {}", words(allowed));
            Diagnostic::error(Code::Conflict, message).at(place.value_span, must_be)
        }
        ProblemKind::Unsupported { given, reason } => {
            let message = format!("`{}: {given}` is not supported by Pelton", place.name);
            Diagnostic::error(Code::Unsupported, message).at(place.value_span, *reason)
        }
        ProblemKind::Access(problem) => access(given, problem, place),
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
        (Parameter::Destination, Some(topic)) => {
            let message = "`Destination` is the topic that the mapping reads from";
            Diagnostic::error(Code::Conflict, message)
                .at(place.value_span, "must be another topic: failed records would come again for ever")
                .related(topic.value_span, "the mapping reads from this topic")
        }
        (Parameter::MinimumPollers, _) => {
            Diagnostic::error(Code::Conflict, "`MinimumPollers` is greater than `MaximumPollers`")
                .at(place.value_span, "must be at most `MaximumPollers`, which is 200 by default")
        }
        (Parameter::SourceAccessUri(_), Some(kind)) => {
            Diagnostic::error(Code::Conflict, "`IAM_AUTH` has no `URI`")
                .at(place.key_span, "not allowed: the credentials of AWS count")
                .related(kind.value_span, "this type needs no secret")
                .help("remove it")
        }
        (_, _) => {
            let message = format!("`{}` is not allowed with `{with}`", place.name);
            Diagnostic::error(Code::Conflict, message).at(place.key_span, "").help("remove one of them")
        }
    }
}

fn access(given: &Given<'_>, problem: &AccessProblem, place: &Place) -> Diagnostic {
    match problem {
        AccessProblem::Second { given: kind, first, first_given } => {
            let message = match kind == first_given {
                true => format!("`{kind}` stands twice"),
                false => format!("`{kind}` and `{first_given}` are two ways to authenticate"),
            };
            let second =
                Diagnostic::error(Code::Conflict, message).at(place.value_span, "only one is allowed");
            let second = second.help("remove one of them");
            match given.places.of(*first) {
                Some(first) => second.related(first.value_span, "the first"),
                None => second,
            }
        }
        AccessProblem::Without { given: kind, needs } => {
            Diagnostic::error(Code::Conflict, format!("`{kind}` needs an entry of type `{needs}`"))
                .at(place.value_span, format!("allowed only with `{needs}`"))
        }
    }
}

/// Whether a parameter is a part of one of several entries.
fn is_of_entry(parameter: Parameter) -> bool {
    matches!(
        parameter,
        Parameter::SourceAccessType(_)
            | Parameter::SourceAccessUri(_)
            | Parameter::RegistryAccessType(_)
            | Parameter::RegistryAccessUri(_)
            | Parameter::SchemaValidationAttribute(_)
    )
}

fn cluster_words(cluster: ClusterKind) -> &'static str {
    match cluster {
        ClusterKind::Msk => "an MSK cluster",
        ClusterKind::SelfManaged => "a self-managed Kafka cluster",
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
        Allowed::BootstrapServer => "`HOST:PORT`".to_owned(),
        Allowed::Secret => {
            "the ARN of a secret in Secrets Manager, or locally `env:NAME` or `file:PATH`".to_owned()
        }
        Allowed::RegistryUrl => "`https://HOST:PORT` or `http://HOST:PORT`, without a user in it".to_owned(),
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
