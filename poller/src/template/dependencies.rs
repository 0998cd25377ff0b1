//! Names that must be there though nothing is evaluated for them: in `DependsOn`, and in conditions.
//!
//! In: the resources that Pelton reads, and all conditions. Out: nothing; names that are not there are reported.

use super::context::{Context, Scope};
use super::diagnostics::{Code, Diagnostic};
use super::generated::is_generated;
use super::node::{Node, Value};
use super::resource_types::READ;
use super::suggest;

/// Reports what is not there.
pub(super) fn check(context: &mut Context<'_>) {
    let document = context.document;
    let are_all_seen = !document.conditions.keys().any(|name| name.starts_with("Fn::"));
    for condition in document.conditions.values().filter(|_| are_all_seen) {
        let scope = std::mem::replace(&mut context.scope, Scope::Conditions);
        check_condition(context, &condition.value);
        context.scope = scope;
    }
    check_depends_on(context);
}

/// What is wrong in other ways with a condition matters only to whoever needs it: a parameter may have no value.
fn check_condition(context: &mut Context<'_>, node: &Node) {
    match &node.value {
        Value::Null | Value::Scalar(_) => {}
        Value::Sequence(items) => items.iter().for_each(|item| check_condition(context, item)),
        Value::Mapping(entries) => {
            for entry in entries {
                match (entry.key.as_str(), entry.value.as_scalar()) {
                    ("Condition", Some(name)) if !context.document.conditions.contains_key(name) => {
                        context.condition(name, entry.value.span).ok();
                    }
                    ("Ref", Some(name)) if !context.parameters.contains_key(name) => {
                        context.reference(&entry.value, node.span).ok();
                    }
                    _ => check_condition(context, &entry.value),
                }
            }
        }
    }
}

fn check_depends_on(context: &mut Context<'_>) {
    let document = context.document;
    for resource in document.resources.iter().filter(|resource| READ.contains(&resource.kind.as_str())) {
        for (name, span) in &resource.depends_on {
            let is_known = document.resource(name).is_some() || document.is_broken(name);
            if is_known || is_generated(document, name) {
                continue;
            }
            let message =
                format!("`{}` depends on `{name}`, which is no resource of the template", resource.id);
            context.report(
                Diagnostic::error(Code::UnknownReference, message)
                    .at(*span, "not defined")
                    .help(suggest::did_you_mean(name, document.resource_ids(), "resources")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, load, template};

    #[track_caller]
    fn check(depends_on: &str, expected: &str) {
        let stream = format!(
            "  Late: {{Type: AWS::Kinesis::Stream, DependsOn: {depends_on}, Properties: {{ShardCount: 1}}}}"
        );
        check_problem(&load(&template("", "", &stream)), expected);
    }

    #[test]
    fn what_a_resource_depends_on_must_be_there() {
        check("Orders", "");
        check("[Orders, Ledger, LedgerRole, LedgerAliaslive]", "");
        check(
            "Ordres",
            "`Late` depends on `Ordres`, which is no resource of the template | not defined | did you mean `Orders`?",
        );
        check("[Orders, Nope]", "`Late` depends on `Nope`");
    }

    #[test]
    fn what_a_condition_names_must_be_there_though_nobody_needs_it() {
        let check = |condition: &str, expected: &str| {
            let sections = format!("Parameters: {{P: {{Type: String}}}}\nConditions: {{C: {condition}}}");
            check_problem(&load(&template("", "", &sections)), expected);
        };
        check("!Equals [!Ref P, !Ref AWS::Region]", "");
        check("!Or [!Equals [a, b], !Condition Nope]", "no condition `Nope`");
        check("!Not [{Condition: Nope}]", "no condition `Nope`");
        check("!Equals [!Join ['', [!Ref Nope]], x]", "no parameter `Nope`");
        check("!Equals [!Ref Orders, x]", "no parameter `Orders`");
    }

    #[test]
    fn what_other_resources_depend_on_is_not_looked_at() {
        check_problem(&load(&template("", "", "  Other: {Type: Custom::T, DependsOn: Nope}")), "");
    }
}
