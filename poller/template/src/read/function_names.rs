//! `FunctionName` of a mapping: which function of the template it means.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::functions::is_function;
use super::node::Entry;
use super::resource::Resource;
use super::suggest;
use pelton_model::arn::function_name;

/// A function, and the alias or version that the mapping invokes.
pub(crate) struct Invoked<'t> {
    pub(crate) function: &'t Resource,
    pub(crate) qualifier: Option<String>,
}

/// The function that a name, a partial ARN or an ARN means, with or without an alias.
pub(crate) fn resolve<'t>(context: &mut Context<'t>, property: &Entry) -> Result<Invoked<'t>, Reported> {
    let Some(text) = context.text(property)? else {
        return Err(context.not_allowed(property, "AWS::NoValue", "a function of this template"));
    };
    let Some((name, qualifier)) = function_name(&text) else {
        let allowed = "a function's name or ARN, such as `!Ref Function`";
        return Err(context.not_allowed(property, &text, allowed));
    };
    let mut names = Vec::new();
    let document = context.document;
    for resource in document.resources.iter().filter(|resource| is_function(resource)) {
        let may_exist = context.quietly(|context| context.may_exist(resource));
        let name = context.quietly(|context| context.name_of(resource));
        if let (true, Ok(name)) = (may_exist, name) {
            names.push((name, resource));
        }
    }
    let mut matching = names.iter().filter(|(known, _)| known == name);
    match (matching.next(), matching.next()) {
        (Some((_, function)), None) => Ok(Invoked { function, qualifier: qualifier.map(str::to_owned) }),
        (Some((_, first)), Some((_, second))) => Err(context.report(
            Diagnostic::error(Code::Conflict, format!("two functions are named `{name}`"))
                .at(second.id_span, "second function")
                .related(first.id_span, "first function")
                .related(property.value.span, "which one is meant?"),
        )),
        (None, _) => {
            let known = names.iter().map(|(name, _)| name.as_str());
            let message = format!("the template has no function named `{name}`");
            let label = "must be a function of this template";
            let diagnostic =
                match suggest::nearest(name, known.clone()) {
                    Some(_) => Diagnostic::error(Code::UnknownReference, message)
                        .help(suggest::did_you_mean(name, known, "functions")),
                    None => context.options.unsupported.diagnostic(
                        message,
                        "add the function, or start with `--allow-unsupported` to run without this mapping",
                        "Pelton runs without this mapping",
                    ),
                };
            Err(context.report(diagnostic.at(property.value.span, label)))
        }
    }
}

/// The logical id of the function that one of these properties names, if any does.
pub(crate) fn find<'e>(
    context: &mut Context<'_>,
    properties: impl IntoIterator<Item = &'e Entry>,
) -> Option<String> {
    let property = properties.into_iter().find(|property| property.key == "FunctionName")?;
    let invoked =
        context.quietly(|context| resolve(context, property).map(|found| found.function.id.clone()));
    invoked.ok()
}
