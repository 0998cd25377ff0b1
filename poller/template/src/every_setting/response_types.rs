//! `FunctionResponseTypes`: whether a function may name the records of a batch that failed (specification 1.1).

use crate::testing::{check_problem, load, template};

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
