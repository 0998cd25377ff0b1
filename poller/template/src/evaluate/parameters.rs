//! The template's parameters: what they allow, and what they are.
//!
//! In: the section, and the values that are given. Out: a value for each parameter. A parameter without a
//! value is a problem only for whoever needs it.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::document::wrong_shape;
use super::node::{Entry, Node};
use super::source::Span;
use super::suggest;
use crate::options::{GivenParameter, ParameterOrigin, value_of};
use regex::{Regex, RegexBuilder};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Longest value of a parameter, in bytes (CloudFormation's quotas). Without it, a pattern could be made slow by a long value.
const VALUE_BYTES_MAX: usize = 4096;

/// What a compiled AllowedPattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

const PROPERTIES: [&str; 11] = [
    "Type",
    "Default",
    "AllowedValues",
    "AllowedPattern",
    "MinValue",
    "MaxValue",
    "MinLength",
    "MaxLength",
    "ConstraintDescription",
    "Description",
    "NoEcho",
];

/// What a parameter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParameterValue {
    /// A text or a number.
    Single(String),
    /// A list, taken apart at the commas.
    List(Vec<String>),
    /// Neither given nor with a default.
    Missing,
    /// Wrong, which was reported.
    Invalid,
}

/// What the type says of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    TextList,
    NumberList,
    /// The default is the name of a value that AWS keeps, not the value.
    Kept,
}

/// Gives each parameter its value; reports declarations and values that are wrong.
pub(crate) fn resolve(context: &mut Context<'_>) {
    let document = context.document;
    for entry in &document.parameters {
        let mark = context.diagnostics.mark();
        let value = Declaration::read(context, entry)
            .and_then(|declaration| declaration.value(context))
            .unwrap_or(ParameterValue::Invalid);
        let given = value_of(&context.options.parameters, &entry.key);
        if given.is_none_or(|given| given.origin != ParameterOrigin::CommandLine) {
            let problems = context.diagnostics.take(mark);
            context.parameter_problems.insert(&entry.key, problems);
        }
        let is_secret = is_secret(&entry.value);
        match &value {
            ParameterValue::Single(text) if is_secret => context.secrets.push(text.clone()),
            ParameterValue::List(items) if is_secret => context.secrets.extend(items.iter().cloned()),
            ParameterValue::Single(_)
            | ParameterValue::List(_)
            | ParameterValue::Missing
            | ParameterValue::Invalid => {}
        }
        context.parameters.insert(&entry.key, value);
    }
    report_undeclared(context);
}

/// Warns of what is wrong with parameters that nothing needed.
pub(crate) fn warn_of_unused(context: &mut Context<'_>) {
    let problems = std::mem::take(&mut context.parameter_problems);
    context.diagnostics.push_as_warnings(problems.into_values().flatten());
}

/// Values for parameters that the template does not declare: SAM ignores those of `samconfig.toml`.
fn report_undeclared(context: &mut Context<'_>) {
    let mut overridden = BTreeSet::new();
    for GivenParameter { name, origin, .. } in &context.options.parameters {
        if context.parameters.contains_key(name.as_str()) {
            continue;
        }
        match origin {
            ParameterOrigin::Command => {}
            ParameterOrigin::SamConfig { .. } => {
                overridden.insert(name.as_str());
            }
            ParameterOrigin::CommandLine => {
                let names = context.document.parameters.iter().map(|entry| entry.key.as_str());
                let message = format!("the template has no parameter `{name}`");
                let help = suggest::did_you_mean(name, names, "parameters");
                context.report(Diagnostic::error(Code::UnknownName, message).help(help));
            }
        }
    }
    if let Some(list) = suggest::list(overridden) {
        let message = format!("samconfig.toml overrides parameters that the template does not have: {list}");
        context.report(Diagnostic::warning(Code::UnknownName, message).on_one_line());
    }
}

struct Declaration<'t> {
    name: &'t str,
    entry: &'t Entry,
    kind: Kind,
}

/// What is asked of each value, read once for all values of a list.
struct Constraints<'t> {
    /// AllowedValues, for people and to be looked up.
    allowed: Option<(String, BTreeSet<Cow<'t, str>>)>,
    /// AllowedPattern, as it stands, and compiled.
    pattern: Option<(&'t str, Regex)>,
}

impl<'t> Declaration<'t> {
    fn read(context: &mut Context<'t>, entry: &'t Entry) -> Result<Self, Reported> {
        let Some(properties) = entry.value.as_mapping() else {
            return Err(context.report(wrong_shape(entry, "a map with a `Type`")));
        };
        for property in properties {
            if !PROPERTIES.contains(&property.key.as_str()) {
                let message = format!("a parameter has no property `{}`", property.key);
                context.report(
                    suggest::unknown_name(&property.key, PROPERTIES, message)
                        .at(property.key_span, "unknown property")
                        .help(suggest::did_you_mean(&property.key, PROPERTIES, "properties")),
                );
            }
        }
        let Some(kind_node) = entry.value.get("Type") else {
            let message = format!("the parameter `{}` has no `Type`", entry.key);
            return Err(context.report(
                Diagnostic::error(Code::Missing, message)
                    .at(entry.key_span, "needs a `Type`, such as `String`"),
            ));
        };
        let Some(kind) = kind_node.as_scalar().and_then(kind_of) else {
            let name = kind_node.as_scalar().unwrap_or("this");
            return Err(context.report(
                Diagnostic::error(Code::InvalidValue, format!("`{name}` is not a parameter type")).at(
                    kind_node.span,
                    "must be `String`, `Number`, `List<Number>`, `CommaDelimitedList` or an AWS-specific type",
                ),
            ));
        };
        Ok(Self { name: &entry.key, entry, kind })
    }

    fn value(&self, context: &mut Context<'t>) -> Result<ParameterValue, Reported> {
        let given = self.given(context);
        let (text, span) = match (given, self.property("Default")) {
            (Some(given), _) => (Cow::Borrowed(given.value.as_str()), self.entry.key_span),
            (None, Some(_)) if self.kind == Kind::Kept => return Ok(ParameterValue::Missing),
            (None, Some(default)) => match default.as_property_text() {
                Some(text) => (text, default.span),
                None => {
                    return Err(context.report(
                        Diagnostic::error(
                            Code::WrongType,
                            format!("the default of `{}` is {}", self.name, default.kind()),
                        )
                        .at(default.span, "must be a string or a number"),
                    ));
                }
            },
            (None, None) => return Ok(ParameterValue::Missing),
        };
        if text.len() > VALUE_BYTES_MAX {
            let message = format!("the parameter `{}` has {} bytes", self.name, text.len());
            let label = format!("must have at most {VALUE_BYTES_MAX}");
            return Err(context.report(Diagnostic::error(Code::TooLarge, message).at(span, label)));
        }
        let constraints = self.constraints(context);
        match self.kind {
            Kind::Text | Kind::Number | Kind::Kept => {
                self.check(context, &constraints, &text, span)?;
                Ok(ParameterValue::Single(text.into_owned()))
            }
            Kind::TextList | Kind::NumberList => {
                let items: Vec<String> = text.split(',').map(|item| item.trim().to_owned()).collect();
                context.each(&items, |context, item| self.check(context, &constraints, item, span))?;
                Ok(ParameterValue::List(items))
            }
        }
    }

    fn given(&self, context: &Context<'t>) -> Option<&'t GivenParameter> {
        value_of(&context.options.parameters, self.name)
    }

    fn constraints(&self, context: &mut Context<'t>) -> Constraints<'t> {
        let allowed = self.property("AllowedValues").and_then(Node::as_sequence).map(|allowed| {
            let names: Vec<Cow<'_, str>> = allowed.iter().filter_map(Node::as_property_text).collect();
            let list = suggest::list(names.iter().map(AsRef::as_ref));
            (list.unwrap_or_else(|| "nothing".to_owned()), names.into_iter().collect())
        });
        let pattern = self.property("AllowedPattern").and_then(|pattern| self.pattern(context, pattern));
        Constraints { allowed, pattern }
    }

    /// Checks one value against every constraint, and reports all that it breaks.
    fn check(
        &self,
        context: &mut Context<'t>,
        constraints: &Constraints<'t>,
        value: &str,
        span: Span,
    ) -> Result<(), Reported> {
        let mut result = Ok(());
        let mut fail = |context: &mut Context<'t>, message: String| {
            let shown = if is_secret(&self.entry.value) { "(hidden)" } else { value };
            let what = format!("the parameter `{}` is `{shown}`", self.name);
            let what = match self.given(context).map(|given| &given.origin) {
                Some(ParameterOrigin::SamConfig { key }) => format!("{what} in samconfig.toml (`{key}`)"),
                Some(ParameterOrigin::CommandLine | ParameterOrigin::Command) | None => what,
            };
            let diagnostic = Diagnostic::error(Code::InvalidValue, what).at(span, message);
            let help = self.property("ConstraintDescription").and_then(Node::as_scalar);
            let help = help.map_or_else(|| format!("give `--parameter {}=VALUE`", self.name), str::to_owned);
            result = Err(context.report(diagnostic.help(help)));
        };
        let is_number = value.trim().parse::<f64>().is_ok_and(f64::is_finite);
        if matches!(self.kind, Kind::Number | Kind::NumberList) && !is_number {
            fail(context, "must be a number".to_owned());
        }
        if let Some((list, known)) = &constraints.allowed
            && !known.contains(value)
        {
            fail(context, format!("must be one of {list}"));
        }
        for (name, unit, actual) in self.measures(value) {
            let Some(limit) = self
                .property(name)
                .and_then(Node::as_property_text)
                .and_then(|text| text.parse::<f64>().ok())
            else {
                continue;
            };
            if name.starts_with("Min") && actual < limit {
                fail(context, format!("must be at least {limit}{unit}"));
            }
            if name.starts_with("Max") && actual > limit {
                fail(context, format!("must be at most {limit}{unit}"));
            }
        }
        if let Some((pattern, regex)) = &constraints.pattern
            && !regex.is_match(value)
        {
            fail(context, format!("must match the pattern `{pattern}`"));
        }
        result
    }

    /// The limits that count for this kind of value, and what they measure.
    fn measures(&self, value: &str) -> Vec<(&'static str, &'static str, f64)> {
        match self.kind {
            Kind::Number | Kind::NumberList => match value.trim().parse::<f64>() {
                Ok(number) => vec![("MinValue", "", number), ("MaxValue", "", number)],
                Err(_) => Vec::new(),
            },
            Kind::Text | Kind::TextList | Kind::Kept => {
                #[expect(clippy::cast_precision_loss, reason = "a length far below 2^53")]
                let length = value.chars().count() as f64;
                vec![("MinLength", " characters long", length), ("MaxLength", " characters long", length)]
            }
        }
    }

    /// The pattern that the whole value must match; `None` if it is none that we understand.
    fn pattern(&self, context: &mut Context<'t>, pattern: &'t Node) -> Option<(&'t str, Regex)> {
        let text = pattern.as_scalar()?;
        let anchored = format!("^(?:{text})$");
        let Ok(regex) = RegexBuilder::new(&anchored).size_limit(PATTERN_BYTES_MAX).build() else {
            context.report(
                Diagnostic::warning(
                    Code::Unsupported,
                    format!("the pattern of `{}` is not checked", self.name),
                )
                .at(pattern.span, "Pelton supports neither look-around nor backreferences"),
            );
            return None;
        };
        Some((text, regex))
    }

    fn property(&self, name: &str) -> Option<&'t Node> {
        self.entry.value.get(name)
    }
}

/// Whether the declaration says that nobody is to see the value.
fn is_secret(declaration: &Node) -> bool {
    declaration.get("NoEcho").and_then(Node::as_property_text).is_some_and(|text| text == "true")
}

fn kind_of(name: &str) -> Option<Kind> {
    let is_aws = |name: &str| name.starts_with("AWS::");
    match name {
        "String" => Some(Kind::Text),
        "Number" => Some(Kind::Number),
        "List<Number>" => Some(Kind::NumberList),
        "CommaDelimitedList" | "List<String>" => Some(Kind::TextList),
        name if name.starts_with("AWS::SSM::Parameter::Value<") => Some(Kind::Kept),
        name if is_aws(name) => Some(Kind::Text),
        name if name.strip_prefix("List<").is_some_and(is_aws) => Some(Kind::TextList),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
