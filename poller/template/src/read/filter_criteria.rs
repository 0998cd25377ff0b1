//! `FilterCriteria` of a mapping: which records its function gets (specification 1.1, 6.1).
//!
//! In: the property. Out: the texts of the patterns, and warnings of likely slips. Whether they are patterns, the model decides.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::mapping_places::Place;
use super::mappings::Given;
use super::node::{Entry, Node};
use super::source::{Source, Span};
use pelton_core::filter::PatternError;
use pelton_model::limits::KINESIS;
use pelton_model::{Parameter, SourceKind};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

/// What a record of a table's stream has at its top, for a pattern to name (specification 6.2).
const DYNAMODB_FIELDS: [&str; 8] = [
    "dynamodb",
    "eventID",
    "eventName",
    "eventVersion",
    "eventSource",
    "eventSourceARN",
    "awsRegion",
    "userIdentity",
];

/// The same of a record of Kinesis.
const KINESIS_FIELDS: [&str; 13] = [
    "data",
    "kinesis",
    "partitionKey",
    "sequenceNumber",
    "approximateArrivalTimestamp",
    "kinesisSchemaVersion",
    "eventSource",
    "eventSourceARN",
    "eventVersion",
    "eventID",
    "eventName",
    "awsRegion",
    "invokeIdentityArn",
];

/// The same of a record of Kafka, and of the event around it.
const KAFKA_FIELDS: [&str; 11] = [
    "value",
    "key",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "timestampType",
    "headers",
    "eventSource",
    "eventSourceArn",
    "bootstrapServers",
];

/// Notes the texts of the patterns; none, if the mapping has no filters after all.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let entries = context.head(&property.value, "a map with `Filters`")?.unwrap_or_default();
    context.each(entries, |context, entry| match entry.key.as_str() {
        "Filters" => filters(context, entry, given),
        _ => Err(context.unknown_setting(entry, "`FilterCriteria`", &["Filters"])),
    })?;
    Ok(())
}

fn filters<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    given.places.add(Parameter::Filters, property);
    let Some(value) = context.evaluate(&property.value)? else { return Ok(()) };
    let Some(filters) = value.as_sequence() else {
        return Err(context.wrong_property(property, &value, "a list of filters: `- Pattern: '…'`"));
    };
    warn_of_a_raised_quota(context, property, filters.len());
    context.each(filters.iter().enumerate(), |context, (index, filter)| {
        let parameter = Parameter::Pattern(index);
        let pattern = read_filter(context, parameter, filter, given);
        if pattern.is_err() {
            given.places.add_unreadable(parameter);
        }
        given.settings.filters.push(pattern.clone().unwrap_or_default());
        pattern
    })?;
    Ok(())
}

fn warn_of_a_raised_quota(context: &mut Context<'_>, property: &Entry, count: usize) {
    let limits = &KINESIS.filter_criteria;
    if count <= limits.count_unasked_max || count > limits.count_max {
        return;
    }
    let label = format!("AWS allows more than {} only after a quota increase", limits.count_unasked_max);
    context.report(
        Diagnostic::warning(Code::TooLarge, format!("the mapping has {count} filters"))
            .at(property.key_span, label)
            .help("Pelton runs with all of them"),
    );
}

/// The text of a filter's pattern, if it has one.
fn read_filter<'t>(
    context: &mut Context<'t>,
    parameter: Parameter,
    filter: &Node,
    given: &mut Given<'t>,
) -> Result<Option<String>, Reported> {
    let Some(entries) = filter.as_mapping() else {
        return Err(context.wrong_kind(Some(filter), filter.span, "a map with `Pattern`"));
    };
    let patterns = context.each(entries, |context, entry| match entry.key.as_str() {
        "Pattern" => {
            given.places.add(parameter, entry);
            pattern(context, entry)
        }
        _ => Err(context.unknown_setting(entry, "a filter", &["Pattern"])),
    })?;
    if patterns.is_empty() {
        let (name, span) = ("Pattern".to_owned(), filter.span);
        given.places.add_at(parameter, Place { name, key_span: span, value_span: span });
    }
    Ok(patterns.into_iter().next())
}

fn pattern(context: &mut Context<'_>, property: &Entry) -> Result<String, Reported> {
    let span = property.value.span;
    let Some(text) = property.value.as_scalar() else {
        let is_structure = property.value.as_mapping().is_some() || property.value.as_sequence().is_some();
        let wrong = Diagnostic::error(Code::WrongType, format!("`Pattern` is {}", property.value.kind()));
        let place = if is_structure { span } else { property.key_span };
        return Err(context.report(wrong.at(place, "must be a string").help(
            "put the JSON of the pattern in quotes: `Pattern: '{\"data\": {\"kind\": [\"order\"]}}'`",
        )));
    };
    Ok(text.to_owned())
}

/// A pattern of the payload alone is the likeliest slip, and drops every record.
pub(crate) fn warn_of_patterns_without_payload(context: &mut Context<'_>, given: &Given<'_>) {
    let (payload, known): (_, &[&str]) = match given.kind() {
        SourceKind::Kinesis => ("data", &KINESIS_FIELDS),
        SourceKind::DynamoDb => ("dynamodb", &DYNAMODB_FIELDS),
        SourceKind::Kafka => ("value", &KAFKA_FIELDS),
        SourceKind::Sqs => return,
    };
    for (index, text) in given.settings.filters.iter().enumerate() {
        let fields: BTreeMap<String, IgnoredAny> =
            text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let is_known = |name: &String| name == "$or" || known.contains(&name.as_str());
        let Some(place) = given.places.of(Parameter::Pattern(index)) else { continue };
        if let (Some(first), false) = (fields.keys().next(), fields.keys().any(is_known)) {
            let message =
                format!("no record has a field `{first}`: the pattern matches no record, or the wrong ones");
            let diagnostic = Diagnostic::warning(Code::UnknownName, message)
                .at(place.value_span, format!("the payload of a record is under `{payload}`"))
                .help(format!("did you mean `{{\"{payload}\": {{\"{first}\": …}}}}`?"));
            context.report(diagnostic);
        }
    }
}

/// A text that is no pattern. Underlined is the place inside of it, if the template shows that very place.
pub(crate) fn no_pattern(
    context: &Context<'_>,
    given: &Given<'_>,
    parameter: Parameter,
    shown: &Place,
    error: &PatternError,
) -> Diagnostic {
    let PatternError { index: _, offset: _, line, column, message } = error;
    let patterns = &given.settings.filters;
    let text = if let Parameter::Pattern(index) = parameter { patterns[index].as_deref() } else { None };
    let (text, span) = (text.unwrap_or_default(), shown.value_span);
    let wrong = Diagnostic::error(Code::InvalidValue, "`Pattern` is not a valid filter pattern");
    match place(context.diagnostics.source(), span, text, (*line, *column)) {
        Some(place) => wrong.at(place, message),
        None if text.contains('\n') => {
            wrong.at(span, format!("line {line}, column {column} of the pattern: {message}"))
        }
        None => wrong.at(span, format!("column {column} of the pattern: {message}")),
    }
}

/// Where the template shows a place of a pattern: where its line stands as it is, once. An escape or a function in it moves the
/// places behind.
fn place(source: &Source, span: Span, pattern: &str, (line, column): (usize, usize)) -> Option<Span> {
    let line = pattern.split('\n').nth(line - 1)?;
    let mut found = source.text().get(span.start..span.end)?.match_indices(line);
    let (Some((start, _)), None) = (found.next(), found.next()) else { return None };
    let (offset, character) = line.char_indices().nth(column - 1)?;
    let start = span.start + start + offset;
    Some(Span { start, end: start + character.len_utf8() })
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, template};

    #[track_caller]
    fn check(criteria: &str, expected: &[&str]) {
        let loaded = load(&template("", &format!("FilterCriteria: {criteria}"), ""));
        check_problem(&loaded, "");
        assert_eq!(loaded.application.expect("there is no problem").mappings[0].filter_patterns, expected);
    }

    #[track_caller]
    fn check_refused(criteria: &str, expected: &str) {
        check_problem(&load(&template("", &format!("FilterCriteria: {criteria}"), "")), expected);
    }

    fn filters(count: usize) -> String {
        format!("{{Filters: [{}]}}", vec!["{Pattern: '{\"data\": {\"a\": [1]}}'}"; count].join(", "))
    }

    #[test]
    fn a_pattern_is_a_text_of_json_handed_on_as_it_is_written() {
        check(
            "{Filters: [{Pattern: '{\"data\": {\"kind\": [\"order\"]}}'}]}",
            &["{\"data\": {\"kind\": [\"order\"]}}"],
        );
        check(
            "{Filters: [{Pattern: !Sub '{\"data\": {\"r\": [\"${AWS::Region}\"]}}'}]}",
            &["{\"data\": {\"r\": [\"eu-west-1\"]}}"],
        );
        check(&filters(2), &["{\"data\": {\"a\": [1]}}"; 2]);
    }

    #[test]
    fn a_pattern_that_names_no_field_of_a_record_is_warned_of() {
        check_refused(
            "{Filters: [{Pattern: '{\"kind\": [\"order\"]}'}]}",
            "warning unknown-name: no record has a field `kind`: the pattern matches no record, or the wrong ones | the payload of a \
             record is under `data` | did you mean `{\"data\": {\"kind\": …}}`?",
        );
        check("{Filters: [{Pattern: '{\"partitionKey\": [\"1\"]}'}]}", &["{\"partitionKey\": [\"1\"]}"]);
        let either = "{\"$or\": [{\"data\": {\"a\": [1]}}, {\"data\": {\"b\": [1]}}]}";
        check(&format!("{{Filters: [{{Pattern: '{either}'}}]}}"), &[either]);
    }

    #[test]
    fn filter_criteria_that_are_empty_and_an_empty_list_clear_the_filters() {
        check("{}", &[]);
        check("{Filters: []}", &[]);
        check("{Filters: !Ref AWS::NoValue}", &[]);
        check("!Ref AWS::NoValue", &[]);
    }

    #[test]
    fn five_filters_are_the_quota_and_ten_the_most() {
        check(&filters(5), &["{\"data\": {\"a\": [1]}}"; 5]);
        for count in [6, 10] {
            let loaded = load(&template("", &format!("FilterCriteria: {}", filters(count)), ""));
            let expected = format!("warning too-large: the mapping has {count} filters");
            check_problem(&loaded, &expected);
            assert_eq!(
                loaded.application.expect("a warning is no error").mappings[0].filter_patterns.len(),
                count
            );
        }
        check_refused(&filters(11), "the mapping has 11 filters | must be at most 10");
    }

    #[test]
    fn a_pattern_has_at_most_4096_characters() {
        let pattern = |length: usize| {
            let filler = "ä".repeat(length - "{\"data\": {\"a\": [\"\"]}}".len());
            format!("{{\"data\": {{\"a\": [\"{filler}\"]}}}}")
        };
        check(&format!("{{Filters: [{{Pattern: '{}'}}]}}", pattern(4096)), &[&pattern(4096)]);
        check_refused(
            &format!("{{Filters: [{{Pattern: '{}'}}]}}", pattern(4097)),
            "`Pattern` has 4097 characters | must have at most 4096",
        );
    }

    #[test]
    fn a_bad_filter_pattern_is_refused_whether_it_is_not_json_or_json_that_is_no_pattern() {
        let is_none = "`Pattern` is not a valid filter pattern";
        check_refused("{Filters: [{Pattern: ''}]}", is_none);
        check_refused("{Filters: [{Pattern: '{'}]}", is_none);
        check_refused("{Filters: [{Pattern: '[1]'}]}", "a pattern is an object");
        check_refused(r#"{Filters: [{Pattern: '{"data": {"a": "x"}}'}]}"#, is_none);
        check_refused(r#"{Filters: [{Pattern: '{"data": {"a": [{"prefixes": "x"}]}}'}]}"#, is_none);
        check_refused(r#"{Filters: [{Pattern: '{"data": {}}'}]}"#, is_none);
        check_refused(r#"{Filters: [{Pattern: '{"data": ["x"]}'}]}"#, is_none);
        check_refused("{Filters: [{Pattern: order}]}", is_none);
        check_refused("{Filters: [{Pattern: 5}]}", is_none);
    }

    /// What is underlined where `|` stands in the pattern, and what stands beside it.
    #[track_caller]
    fn check_place(pattern: &str, column: usize, underlined: &str) {
        let text = template("", &format!("FilterCriteria: {{Filters: [{{Pattern: {pattern}}}]}}"), "");
        let loaded = load(&text);
        let diagnostic = loaded.diagnostics.iter().next().expect("there is one problem");
        let label = diagnostic.label.as_ref().expect("it has a place");
        assert_eq!(&text[label.span.start..label.span.end], underlined, "{label:?}");
        let is_told = label.text.contains(&format!("column {column} of the pattern: "));
        assert_eq!(is_told, underlined.len() > 1, "{label:?}");
    }

    #[test]
    fn the_place_inside_of_a_pattern_is_underlined_or_told() {
        check_place(r#"'{"ä": {"kind"}}'"#, 15, "}");
        check_place(r#"'{"it''s": {"kind"}}'"#, 17, r#"'{"it''s": {"kind"}}'"#);
        check_place(r#"!Sub '{"${AWS::Region}": {"kind"}}'"#, 22, r#"!Sub '{"${AWS::Region}": {"kind"}}'"#);
    }

    #[test]
    fn a_pattern_that_is_no_text_is_refused_with_what_to_do() {
        check_refused(
            "{Filters: [{Pattern: {data: {kind: [order]}}}]}",
            "`Pattern` is a map | must be a string | put the JSON of the pattern in quotes",
        );
        check_refused("{Filters: [{Pattern: [a]}]}", "`Pattern` is a list | must be a string");
        check_refused("{Filters: [{Pattern: }]}", "the filter has no `Pattern`");
    }

    #[test]
    fn filter_criteria_of_another_shape_are_refused() {
        check_refused("[]", "this is a list | must be a map with `Filters`");
        check_refused("{Filters: {Pattern: '{}'}}", "`Filters` is a map | must be a list of filters");
        check_refused("{Filters: ['{}']}", "this is a single value | must be a map with `Pattern`");
        check_refused("{Filters: [{}]}", "the filter has no `Pattern`");
        check_refused(
            "{Filters: [{Patern: '{}'}]}",
            "a filter has no property `Patern` | unknown property | did you mean `Pattern`?",
        );
        check_refused("{Filter: []}", "`FilterCriteria` has no property `Filter`");
    }
}
