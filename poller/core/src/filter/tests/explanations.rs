//! What is said of a record that is dropped.

use super::*;

/// The clause that a bare pattern gives as the reason to drop a document.
#[track_caller]
fn check(pattern: &str, document: &str, clause: &str) {
    let explanation = bare(&[pattern]).explain_document(document).unwrap();
    assert_eq!(explanation.clause().as_deref(), Some(clause), "{pattern} {document}");
}

#[test]
fn the_clause_that_decided_is_named_with_the_values_that_it_allows() {
    check(r#"{"a":[1],"b":["x", "y"]}"#, r#"{"a":1,"b":"z"}"#, r#"b: ["x", "y"]"#);
    check("{\"a\":[\n  1,\n  2\n]}", r#"{"a":3}"#, "a: [ 1, 2 ]");
}

#[test]
fn of_alternatives_that_all_fail_the_one_that_came_furthest_decided() {
    let document = r#"{"a":1,"b":2,"c":9}"#;
    check(r#"{"a":[1],"$or":[{"b":[1]},{"b":[2],"c":[3]}]}"#, document, "c: [3]");
    check(r#"{"a":[1],"$or":[{"b":[2],"c":[3]},{"b":[1]}]}"#, document, "c: [3]");
}

#[test]
fn of_alternatives_that_came_as_far_the_first_decided() {
    check(r#"{"$or":[{"b":[1]},{"c":[1]}]}"#, r#"{"b":2,"c":9}"#, "b: [1]");
}

#[test]
fn a_clause_that_holds_only_in_another_element_is_told_apart() {
    let pattern = r#"{"a":{"b":[1],"c":[2]}}"#;
    let why = "a.c: [2] (not in the same element of an array as the rest)";
    check(pattern, r#"{"a":[{"b":1,"c":3},{"b":4,"c":2}]}"#, why);
}

#[test]
fn of_several_patterns_each_has_its_clause() {
    let filters = bare(&[r#"{"a":[1]}"#, r#"{"b":[2]}"#]);
    let clause = filters.explain_document(r#"{"a":2,"b":1}"#).unwrap().clause();
    assert_eq!(clause.unwrap(), "pattern 1: a: [1]; pattern 2: b: [2]");
    assert_eq!(filters.explain_document(r#"{"a":1,"b":1}"#).unwrap().clause(), None);
}
