//! `DependsOn`: the order in which AWS makes resources, which changes nothing here.
//!
//! In: the resources that Pelton reads. Out: nothing; names that are not there are warned of.

use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::generated;
use super::resource_types::READ;
use super::suggest;

/// Warns of what is not there.
pub(crate) fn check(context: &mut Context<'_>) {
    let document = context.document;
    for resource in document.resources.iter().filter(|resource| READ.contains(&resource.kind.as_str())) {
        for (name, span) in &resource.depends_on {
            let is_known = document.resource(name).is_some() || document.broken.contains_key(name);
            if is_known || !document.unseen.is_empty() || generated::find(document, name).is_some() {
                continue;
            }
            let message =
                format!("`{}` depends on `{name}`, which is not a resource of the template", resource.id);
            context.report(
                Diagnostic::warning(Code::UnknownReference, message)
                    .at(*span, "not defined")
                    .help(suggest::did_you_mean(name, document.resource_ids(), "resources")),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, template};

    #[track_caller]
    fn check(depends_on: &str, expected: &str) {
        let stream = format!(
            "  Late: {{Type: AWS::Kinesis::Stream, DependsOn: {depends_on}, Properties: {{ShardCount: 1}}}}"
        );
        check_problem(&load(&template("", "", &stream)), expected);
    }

    #[test]
    fn a_name_to_depend_on_that_is_not_there_is_warned_of() {
        check("Orders", "");
        check("[Orders, Ledger, LedgerRole, LedgerAliaslive]", "");
        check(
            "Ordres",
            "warning unknown-reference: `Late` depends on `Ordres`, which is not a resource of the template | not defined | did you mean `Orders`?",
        );
        check("[Orders, Nope]", "`Late` depends on `Nope`");
    }

    #[test]
    fn what_is_wrong_with_a_condition_matters_only_where_it_is_needed() {
        let check = |condition: &str, needed: &str, expected: &str| {
            let sections = format!("Parameters: {{P: {{Type: String}}}}\nConditions: {{C: {condition}}}");
            let function = format!("Environment: {{Variables: {{VALUE: {needed}}}}}");
            check_problem(&load(&template(&function, "", &sections)), expected);
        };
        for (condition, expected) in [
            ("!Equals [!Ref P, a]", "error missing: the parameter `P` has no value"),
            ("!Or [!Equals [a, b], !Condition Nope]", "no condition `Nope`"),
            ("!Not [{Condition: Nope}]", "no condition `Nope`"),
            ("!Equals [!Join ['', [!Ref Nope]], x]", "no parameter `Nope`"),
            ("!Equals [!Ref Orders, x]", "no parameter `Orders`"),
        ] {
            check(condition, "a", "");
            check(condition, "!If [C, a, b]", expected);
        }
    }

    #[test]
    fn what_other_resources_depend_on_is_not_looked_at() {
        check_problem(&load(&template("", "", "  Other: {Type: Custom::T, DependsOn: Nope}")), "");
    }
}
