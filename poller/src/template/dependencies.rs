//! `DependsOn`: CloudFormation refuses a template whose resources wait for what is not there.
//!
//! In: the resources that Pelton reads. Out: nothing; names that are not there are reported.

use super::context::Context;
use super::diagnostics::{Code, Diagnostic};
use super::generated::is_generated;
use super::resource_types::READ;
use super::suggest;

/// Reports what is not there.
pub(super) fn check(context: &mut Context<'_>) {
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
    fn what_other_resources_depend_on_is_not_looked_at() {
        check_problem(&load(&template("", "", "  Other: {Type: Custom::T, DependsOn: Nope}")), "");
    }
}
