//! What filters may cost (specification 6.1).

use super::*;

#[test]
fn ten_filters_are_allowed_and_too_many_are_refused() {
    let pattern = r#"{"data":{"a":["x"]}}"#.to_owned();
    assert!(Filters::compile(Source::Kinesis, &vec![pattern.clone(); 10]).unwrap().is_some());
    let error = Filters::compile(Source::Kinesis, &vec![pattern; 11]).unwrap_err();
    assert_eq!(error.to_string(), "pattern 11, line 1, column 1: a mapping has at most 10 filters");
}

#[test]
fn a_pattern_has_at_most_4096_characters() {
    let pattern = |characters: usize| format!(r#"{{"a":["{}"]}}"#, "é".repeat(characters - 10));
    assert!(Filters::compile_bare(&[pattern(4096)]).is_ok());
    let error = Filters::compile_bare(&[pattern(4097)]).unwrap_err();
    assert_eq!((error.column, error.message.as_str()), (4097, "a pattern has at most 4096 characters"));
}

#[test]
fn no_filter_is_nothing() {
    assert!(Filters::compile(Source::Kinesis, &[]).unwrap().is_none());
}

#[test]
fn the_alternatives_of_or_make_at_most_a_thousand_combinations() {
    let either = |n: usize| {
        let alternatives: Vec<String> = (0..10).map(|m| format!(r#"{{"a{n}{m}":[1]}}"#)).collect();
        format!(r#""$or":[{}]"#, alternatives.join(","))
    };
    let pattern = |ors: usize| format!("{{{}}}", (0..ors).map(either).collect::<Vec<_>>().join(","));
    assert!(Filters::compile_bare(&[pattern(3)]).is_ok(), "1000");
    let error = Filters::compile_bare(&[pattern(4)]).unwrap_err();
    assert!(error.message.contains("at most 1000 combinations"), "{error}");
}

#[test]
fn a_pattern_may_be_as_deep_as_it_has_characters() {
    let depth = 800;
    let pattern = format!("{}[1]{}", "{\"\":".repeat(depth), "}".repeat(depth));
    let filters = bare(&[&pattern]);
    let document = format!("{}1{}", "{\"\":".repeat(depth), "}".repeat(depth));
    // event-ruler leaves out the dot after one empty name in patterns, and not in events.
    assert_ne!(filters.explain_document(&document), Ok(Explanation::Pass));
}

#[test]
fn a_payload_may_be_as_deep_as_it_is_long() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(1_000_000), close.repeat(1_000_000));
    let pattern = json!({"data": {"a": [1], "b": [{"exists": false}]}});
    for payload in [deep(r#"{"a":"#, "}"), format!(r#"{{"c":{}}}"#, deep("[", "]"))] {
        check_kinesis(&pattern, payload.as_bytes(), false);
    }
    check_kinesis(&pattern, format!(r#"{{"a":{}}}"#, deep("[", "]")).as_bytes(), true);
}

/// Ten thousand elements: what grows with their square takes minutes, what grows with their number is not noticed.
#[test]
fn arrays_take_time_in_proportion_to_their_length() {
    let many = |element: &str| vec![element; 10_000].join(",");
    let within = json!({"data": {"a": {"b": [1], "c": [2], "d": [3]}}});
    let array = format!(r#"{{"a":[{},{}]}}"#, many(r#"{"b":1,"c":2}"#), many(r#"{"c":2,"d":3}"#));
    check_kinesis(&within, array.as_bytes(), false);
    check_kinesis(&within, array.replace("]}", r#",{"b":1,"c":2,"d":3}]}"#).as_bytes(), true);
    let beside = json!({"data": {"a": {"x": [1]}, "b": {"x": [1]}, "c": {"x": [1], "y": [2]}}});
    let ones = many(r#"{"x":1}"#);
    let arrays = format!(r#"{{"a":[{ones}],"b":[{ones}],"c":[{ones},{{"y":2}}]}}"#);
    check_kinesis(&beside, arrays.as_bytes(), false);
}

/// Each repeated array would have to be tried with each other one.
#[test]
fn a_record_that_would_take_too_much_work_passes() {
    let element = |n: usize| format!(r#"{{"x{n}":1}}"#);
    let array = |names: std::ops::Range<usize>| {
        format!(r#""a":[{}]"#, names.map(element).collect::<Vec<_>>().join(","))
    };
    let arrays: Vec<String> = (0..19).map(|_| array(0..20)).collect();
    let wanted: serde_json::Map<String, Value> = (0..20).map(|n| (format!("x{n}"), json!([1]))).collect();
    let payload = format!("{{{}}}", arrays.join(","));
    check_kinesis(&json!({"data": {"a": wanted}}), payload.as_bytes(), true);
}
