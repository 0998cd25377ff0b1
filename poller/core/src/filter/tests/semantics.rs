//! What a pattern means (specification 6.1).

use super::{Explanation, bare, check};

#[test]
fn filters_are_ored() {
    let filters = bare(&[r#"{"a":["x"]}"#, r#"{"b":["y"]}"#]);
    for (document, passes) in [(r#"{"a":"x"}"#, true), (r#"{"b":"y"}"#, true), (r#"{"a":"y"}"#, false)] {
        assert_eq!(filters.explain_document(document).unwrap() == Explanation::Pass, passes, "{document}");
    }
}

#[test]
fn inside_one_pattern_all_fields_are_anded() {
    let pattern = r#"{"a":["x"],"b":{"c":["y"]}}"#;
    check(pattern, r#"{"a":"x","b":{"c":"y"},"d":1}"#, true);
    check(pattern, r#"{"a":"x","b":{"c":"z"}}"#, false);
    check(pattern, r#"{"b":{"c":"y"}}"#, false);
}

#[test]
fn the_values_of_one_field_are_ored() {
    check(r#"{"a":["x",1,null]}"#, r#"{"a":1}"#, true);
    check(r#"{"a":["x",1,null]}"#, r#"{"a":2}"#, false);
}

#[test]
fn strings_compare_exactly_no_case_folding_or_unicode_normalization() {
    check(r#"{"a":["é"]}"#, r#"{"a":"é"}"#, true);
    check(r#"{"a":["é"]}"#, "{\"a\":\"e\u{301}\"}", false);
    check(r#"{"a":["x"]}"#, r#"{"a":"X"}"#, false);
    check(r#"{"a":["\u0078\ud83d\ude00"]}"#, r#"{"\u0061":"x😀"}"#, true);
    check(r#"{"a":["a/b"]}"#, r#"{"a":"a\/b"}"#, true);
}

#[test]
fn numbers_given_as_literals_compare_by_their_text_and_by_their_value() {
    let groups: [&[&str]; 6] = [
        &["300", "300.0", "3.0e2", "3E2", "30000e-2"],
        &["0", "-0", "0.0", "0e5"],
        &["-1.5", "-15e-1", "-1.50"],
        // No double is one of these: only the text counts.
        &["12345678901234567890123"],
        &["1e999999999"],
        &["1.0e999999999"],
    ];
    for (number, patterns) in groups.iter().enumerate() {
        for (other, values) in groups.iter().enumerate() {
            for (pattern, value) in
                patterns.iter().flat_map(|pattern| values.iter().map(move |v| (pattern, v)))
            {
                check(&format!(r#"{{"a":[{pattern}]}}"#), &format!(r#"{{"a":{value}}}"#), number == other);
                check(
                    &format!(r#"{{"a":["x",{pattern}]}}"#),
                    &format!(r#"{{"a":[1,{value}]}}"#),
                    number == other,
                );
            }
        }
    }
}

#[test]
fn a_number_given_as_a_literal_matches_no_string_and_a_string_no_number() {
    check(r#"{"a":[300]}"#, r#"{"a":"300"}"#, false);
    check(r#"{"a":["300"]}"#, r#"{"a":300}"#, false);
    check(r#"{"a":[1]}"#, r#"{"a":true}"#, false);
}

#[test]
fn numeric_compares_as_double() {
    for value in ["300", "300.0", "3.0e2", "3E2", "30000e-2"] {
        check(r#"{"a":[{"numeric":["=",300]}]}"#, &format!(r#"{{"a":{value}}}"#), true);
    }
    check(r#"{"a":[{"numeric":[">",0.1]}]}"#, r#"{"a":0.10000000000000002}"#, true);
}

#[test]
fn an_event_value_that_is_an_array_matches_if_any_element_matches() {
    check(r#"{"a":["x"]}"#, r#"{"a":["y","x"]}"#, true);
    check(r#"{"a":["x"]}"#, r#"{"a":[["y"],["x"]]}"#, true);
    check(r#"{"a":["x"]}"#, r#"{"a":["y"]}"#, false);
    check(r#"{"a":["x"]}"#, r#"{"a":[]}"#, false);
    check(r#"{"a":["x"],"b":["y"]}"#, r#"{"a":["x","z"],"b":["z","y"]}"#, true);
}

#[test]
fn arrays_of_objects_are_matched_per_element_path() {
    let pattern = r#"{"a":{"b":["x"],"c":["y"]}}"#;
    check(pattern, r#"{"a":[{"b":"x","c":"y"}]}"#, true);
    check(pattern, r#"{"a":[{"b":"x"},{"c":"y"}]}"#, false);
    check(pattern, r#"{"a":[{"b":"x","c":"z"},{"b":"z","c":"y"},{"b":"x","c":["z","y"]}]}"#, true);
    check(r#"{"a":{"b":["x"]},"d":["y"]}"#, r#"{"a":[{"b":"z"},{"b":"x"}],"d":"y"}"#, true);
    let nested = r#"{"a":{"b":{"c":["x"],"d":["y"]},"e":["z"]}}"#;
    check(nested, r#"{"a":[{"b":[{"c":"x"},{"c":"x","d":"y"}],"e":"z"}]}"#, true);
    check(nested, r#"{"a":[{"b":[{"c":"x","d":"y"}]},{"e":"z"}]}"#, false);
    check(nested, r#"{"a":[{"b":[{"c":"x"},{"d":"y"}],"e":"z"}]}"#, false);
}

#[test]
fn what_one_array_leaves_open_does_not_matter_to_another() {
    let pattern = r#"{"a":{"x":[1]},"b":{"x":[1],"y":[2]}}"#;
    check(pattern, r#"{"a":[{"x":1},{"x":1}],"b":[{"x":1},{"x":1,"y":2}]}"#, true);
    check(pattern, r#"{"a":[{"x":1},{"x":1}],"b":[{"x":1},{"y":2}]}"#, false);
}

#[test]
fn exists_false_is_true_when_the_path_is_missing_or_is_an_intermediate_object() {
    check(r#"{"a":[{"exists":false}]}"#, r#"{"b":1}"#, true);
    check(r#"{"a":[{"exists":false}]}"#, r#"{"a":{"b":1}}"#, true);
    check(r#"{"a":[{"exists":false}]}"#, r#"{"a":[]}"#, true);
    check(r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":1}"#, true);
    check(r#"{"a":{"b":[{"exists":false}]}}"#, r#"{"a":{"b":null}}"#, false);
}

#[test]
fn exists_true_never_matches_an_intermediate_node() {
    check(r#"{"a":[{"exists":true}]}"#, r#"{"a":{"b":1}}"#, false);
    check(r#"{"a":[{"exists":true}]}"#, r#"{"a":[{"b":1}]}"#, false);
}

#[test]
fn exists_false_is_judged_within_the_element_that_the_fields_before_it_need() {
    let pattern = r#"{"a":{"b":["x"],"c":[{"exists":false}]}}"#;
    check(pattern, r#"{"a":[{"b":"x"},{"b":"y","c":1}]}"#, true);
    check(pattern, r#"{"a":[{"b":"x","c":1},{"b":"y"}]}"#, false);
}

#[test]
fn a_missing_field_never_matches_anything_else_anything_but_included() {
    for operator in
        [r#"{"anything-but":"x"}"#, r#"{"anything-but":[1]}"#, "null", r#""""#, r#"{"numeric":["<",9]}"#]
    {
        check(&format!(r#"{{"a":[{operator}]}}"#), r#"{"b":"y"}"#, false);
    }
}

#[test]
fn repeated_object_keys_are_merged() {
    let pattern = r#"{"dynamodb":{"NewImage":{"a":{"S":["x"]}}},"dynamodb":{"OldImage":{"a":{"S":["y"]}}}}"#;
    check(pattern, r#"{"dynamodb":{"NewImage":{"a":{"S":"x"}},"OldImage":{"a":{"S":"y"}}}}"#, true);
    check(pattern, r#"{"dynamodb":{"NewImage":{"a":{"S":"x"}},"OldImage":{"a":{"S":"z"}}}}"#, false);
    check(pattern, r#"{"dynamodb":{"NewImage":{"a":{"S":"z"}},"OldImage":{"a":{"S":"y"}}}}"#, false);
}

#[test]
fn of_a_repeated_leaf_the_last_wins() {
    check(r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"y"}"#, true);
    check(r#"{"a":["x"],"a":["y"]}"#, r#"{"a":"x"}"#, false);
}

#[test]
fn names_joined_by_dots_are_those_on_the_way() {
    check(r#"{"a.b":["x"]}"#, r#"{"a":{"b":"x"}}"#, true);
    check(r#"{"a":{"b":["x"]}}"#, r#"{"a.b":"x"}"#, true);
}
