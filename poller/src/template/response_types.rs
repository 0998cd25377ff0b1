//! `FunctionResponseTypes` of a mapping: whether its function may name the records of a batch that failed
//! (specification 1.1).

use super::context::{Context, Reported};
use super::node::Entry;

const REPORT_BATCH_ITEM_FAILURES: &str = "ReportBatchItemFailures";

/// Whether it may.
pub(super) fn read(context: &mut Context<'_>, property: &Entry) -> Result<bool, Reported> {
    let types = context.texts(property)?.unwrap_or_default();
    let allowed = format!("empty, or one `{REPORT_BATCH_ITEM_FAILURES}`");
    context.each(&types, |context, kind| match kind.as_str() {
        REPORT_BATCH_ITEM_FAILURES => Ok(()),
        _ => Err(context.not_allowed(property, kind, &allowed)),
    })?;
    match types.len() {
        0 | 1 => Ok(!types.is_empty()),
        _ => Err(context.not_allowed(property, &types.join(", "), &allowed)),
    }
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, load, template};

    #[track_caller]
    fn check(types: &str, expected: bool) {
        let loaded = load(&template("", &format!("FunctionResponseTypes: {types}"), ""));
        check_problem(&loaded, "");
        let mappings = loaded.application.expect("there is no problem").mappings;
        assert_eq!(mappings[0].report_batch_item_failures, expected);
    }

    #[track_caller]
    fn check_refused(types: &str, expected: &str) {
        check_problem(&load(&template("", &format!("FunctionResponseTypes: {types}"), "")), expected);
    }

    #[test]
    fn function_response_types_is_a_list_of_at_most_1_and_only_report_batch_item_failures() {
        check("[]", false);
        check("[ReportBatchItemFailures]", true);
        check("[!Ref AWS::NoValue]", false);
        let allowed = "must be empty, or one `ReportBatchItemFailures`";
        check_refused("[ReportItems]", allowed);
        check_refused("[ReportBatchItemFailures, ReportBatchItemFailures]", allowed);
        check_refused("ReportBatchItemFailures", "must be a list of single values");
    }
}
