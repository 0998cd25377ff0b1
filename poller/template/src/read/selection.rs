//! Which mappings run (`--only`, `--skip`), and the functions that the command line names.
//!
//! In: names of the command line. Out: whether a mapping is selected, and a problem for each name that nothing has. What is
//! not selected is not read: nothing can be wrong with it.

use super::context::Context;
use super::context::LeftOut;
use super::diagnostics::{Code, Diagnostic};
use super::function_names;
use super::functions::is_function;
use super::references::SAM_FUNCTION;
use super::resource::Resource;
use super::resource_types::MAPPING;
use super::suggest;
use crate::options::Selection;

/// Whether the mapping of a SAM event is to run. Notes those that are not.
pub(crate) fn takes_event(context: &mut Context<'_>, mapping: &str, function: &str) -> bool {
    let takes = context.options.selection.takes(mapping, function);
    if !takes {
        context.left_out.insert(LeftOut::NotSelected);
    }
    takes
}

/// The same of an `AWS::Lambda::EventSourceMapping`.
pub(crate) fn takes_resource<'t>(context: &mut Context<'t>, mapping: &'t Resource) -> bool {
    if context.options.selection.is_everything() {
        return true;
    }
    let properties = mapping.properties.as_mapping().unwrap_or_default();
    let function = function_names::find(context, properties);
    takes_event(context, &mapping.id, function.as_deref().unwrap_or_default())
}

/// Reports each name of the command line that nothing in the template has.
pub(crate) fn check_names(context: &mut Context<'_>) {
    let (options, document) = (context.options, context.document);
    let functions = document.resources.iter().filter(|resource| is_function(resource));
    let functions: Vec<&str> = functions.map(|resource| resource.id.as_str()).collect();
    for (option, name) in &options.functions_named {
        if !functions.contains(&name.as_str()) && !context.report_broken(name) {
            let message = format!("{option}: the template has no function `{name}`");
            let help = suggest::did_you_mean(name, functions.iter().copied(), "functions");
            context.report(Diagnostic::error(Code::UnknownName, message).help(help));
        }
    }
    if options.selection.is_everything() {
        return;
    }
    let mappings = mappings(context);
    let known = || mappings.iter().map(String::as_str).chain(functions.iter().copied());
    let Selection { only, skip } = &options.selection;
    let named = only.iter().map(|name| ("--only", name)).chain(skip.iter().map(|name| ("--skip", name)));
    for (option, name) in named {
        if known().any(|known| known == name) || context.report_broken(name) {
            continue;
        }
        let message =
            format!("{option} {name}: the template has no event source mapping and no function `{name}`");
        let known: Vec<&str> = known().collect();
        let help = suggest::did_you_mean(name, known, "mappings and functions");
        context.report(Diagnostic::error(Code::UnknownName, message).help(help));
    }
}

/// The logical ids of all mappings, whatever they read.
pub(crate) fn mappings(context: &mut Context<'_>) -> Vec<String> {
    let document = context.document;
    let mut ids = Vec::new();
    context.quietly(|context| {
        for resource in &document.resources {
            if resource.kind == MAPPING {
                ids.push(resource.id.clone());
            }
            if resource.kind != SAM_FUNCTION {
                continue;
            }
            let events = resource.properties.get("Events");
            let events = events.and_then(|events| context.head(events, "a map of events").ok()).flatten();
            let id = |event: &str| format!("{}{event}", resource.id);
            ids.extend(events.unwrap_or_default().iter().map(|event| id(&event.key)));
        }
    });
    ids
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_problem, load_with, options, template};
    use crate::{FunctionsRun, LoadOptions, Loaded};

    /// `Ledger` with the mapping `LedgerOrders`, and `Python`, which cannot run here, with `PythonOrders` and `Second`.
    const PYTHON: &str = "  Python:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Events: {Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}}
  Other: {Type: AWS::Kinesis::Stream, Properties: {ShardCount: 1}}
  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Python, EventSourceArn: !GetAtt Other.Arn, StartingPosition: LATEST}";

    fn loaded(only: &[&str], skip: &[&str]) -> Loaded {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection { only: names(only), skip: names(skip) };
        load_with(&template("", "", PYTHON), &LoadOptions { selection, ..options() })
    }

    #[track_caller]
    fn check(only: &[&str], skip: &[&str], mappings: &[&str]) {
        let loaded = loaded(only, skip);
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        let ids: Vec<&str> = application.mappings.iter().map(|mapping| mapping.id.0.as_str()).collect();
        assert_eq!(ids, mappings);
    }

    #[test]
    fn a_mapping_or_a_function_is_chosen_by_name_and_what_is_not_chosen_need_not_be_able_to_run() {
        check(&["LedgerOrders"], &[], &["LedgerOrders"]);
        check(&["Ledger"], &[], &["LedgerOrders"]);
        check(&[], &["Python"], &["LedgerOrders"]);
        check(&[], &["PythonOrders", "Second"], &["LedgerOrders"]);
        check(&["Ledger", "Python"], &["PythonOrders", "Second"], &["LedgerOrders"]);
    }

    #[test]
    fn what_is_chosen_must_be_able_to_run() {
        for mapping in ["Python", "PythonOrders", "Second"] {
            check_problem(&loaded(&["Ledger", mapping], &[]), "the runtime `python3.13` is not supported");
        }
    }

    #[test]
    fn a_mapping_that_is_skipped_may_be_wrong() {
        let selection = Selection { skip: vec!["LedgerOrders".to_owned()], ..Selection::default() };
        let second = PYTHON.replace("python3.13", "provided.al2023");
        let wrong = template("", "BatchSize: 0", &second);
        check_problem(&load_with(&wrong, &LoadOptions { selection, ..options() }), "");
    }

    #[test]
    fn a_name_that_nothing_has_is_refused_with_the_nearest() {
        check_problem(&loaded(&["LedgerOrder"], &["Python"]), "did you mean `LedgerOrders`?");
        check_problem(
            &loaded(&["Ledger"], &["Pyhton"]),
            "--skip Pyhton: the template has no event source mapping and no function `Pyhton` |  | did you mean `Python`?",
        );
    }

    #[test]
    fn a_function_that_the_command_line_names_must_be_there() {
        let functions_named = vec![("--lambda-endpoint Legder=…".to_owned(), "Legder".to_owned())];
        let with = LoadOptions { functions_named, functions: FunctionsRun::Elsewhere, ..options() };
        check_problem(
            &load_with(&template("", "", ""), &with),
            "--lambda-endpoint Legder=…: the template has no function `Legder` |  | did you mean `Ledger`?",
        );
    }

    #[test]
    fn to_skip_everything_is_an_error() {
        check_problem(&loaded(&[], &["Ledger", "Python"]), "nothing is left to run");
    }
}
