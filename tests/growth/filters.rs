//! Filters: patterns of up to 4,096 characters, and records of any size.

use super::check;
use pelton_core::Timestamp;
use pelton_core::event::kinesis::{KinesisOrigin, KinesisRecord, KinesisView};
use pelton_core::filter::{Filters, Source, Verdict};

const ORIGIN: KinesisOrigin = KinesisOrigin {
    shard_id: String::new(),
    event_source_arn: String::new(),
    region: String::new(),
    invoke_identity_arn: String::new(),
};

fn compile(pattern: &str) -> Option<Filters> {
    Filters::compile(Source::Kinesis, &[pattern.to_owned()]).expect("it is a pattern")
}

fn judge(filters: Option<&Filters>, data: &[u8]) -> Verdict {
    let filters = filters.expect("there is a pattern");
    let arrival = Timestamp::from_millis(1);
    let record = KinesisRecord { data, partition_key: None, sequence_number: "1", arrival };
    filters.judge(&KinesisView { record, origin: &ORIGIN })
}

/// The larger of the patterns is as long as one may be.
#[track_caller]
fn check_pattern(part_chars: usize, pattern: impl Fn(usize) -> String) {
    check(4_000 / 4 / part_chars, pattern, |pattern| drop(compile(pattern)));
}

/// The records drop.
#[track_caller]
fn check_data(size: usize, pattern: &str, data: impl Fn(usize) -> String) {
    let filters = compile(pattern);
    check(size, data, |data| assert_eq!(judge(filters.as_ref(), data.as_bytes()), Verdict::Drop));
}

#[test]
fn patterns_of_many_values() {
    check_pattern(7, |size| format!(r#"{{"data": {{"a": [{}"x"]}}}}"#, r#""abcd","#.repeat(size)));
}

#[test]
fn patterns_of_many_fields() {
    let fields = |size| (0..size).map(|field| format!(r#""{field:05}": [1],"#)).collect::<String>();
    check_pattern(13, |size| format!(r#"{{"data": {{{}"x": [1]}}}}"#, fields(size)));
}

#[test]
fn patterns_of_one_field_again_and_again() {
    check_pattern(14, |size| {
        format!(r#"{{"data": {{{}"x": {{"y": [1]}}}}}}"#, r#""a":{"b":[1]},"#.repeat(size))
    });
}

#[test]
fn patterns_of_nested_objects() {
    check_pattern(6, |size| format!(r#"{{"data": {}["x"]{}}}"#, r#"{"a":"#.repeat(size), "}".repeat(size)));
}

#[test]
fn patterns_of_one_long_or() {
    check_pattern(12, |size| {
        format!(r#"{{"data": {{"$or": [{}{{"x": [1]}}]}}}}"#, r#"{"a": [1]},"#.repeat(size))
    });
}

#[test]
fn patterns_with_wildcards() {
    let letters = |size: usize| format!(r#"{{"data": {{"a": [{{"wildcard": "{}"}}]}}}}"#, "*ab".repeat(size));
    check_pattern(3, letters);
}

#[test]
fn data_with_many_fields() {
    let field = |number: usize| format!(r#""field-{number}": "value-{number}","#);
    check_data(2_000, r#"{"data": {"x": ["y"]}}"#, |size| {
        format!(r#"{{{}"x": 1}}"#, (0..size).map(field).collect::<String>())
    });
}

#[test]
fn data_with_one_field_again_and_again() {
    check_data(5_000, r#"{"data": {"x": ["y"]}}"#, |size| {
        format!(r#"{{{}"x": 1}}"#, r#""x": "z","#.repeat(size))
    });
}

#[test]
fn data_with_a_long_text() {
    for pattern in ["*aaab*aaab*aaab*", "*a*a*a*a*a*b"] {
        let pattern = format!(r#"{{"data": {{"x": [{{"wildcard": "{pattern}"}}]}}}}"#);
        check_data(20_000, &pattern, |size| format!(r#"{{"x": "{}"}}"#, "a".repeat(size)));
    }
}

#[test]
fn data_with_a_long_array() {
    check_data(10_000, r#"{"data": {"x": ["y", {"prefix": "b"}, {"anything-but": ["a"]}]}}"#, |size| {
        format!(r#"{{"x": [{}"a"]}}"#, r#""a","#.repeat(size))
    });
}

#[test]
fn data_with_a_long_number() {
    check_data(20_000, r#"{"data": {"x": [{"numeric": [">", 5, "<", 6]}, 7]}}"#, |size| {
        format!(r#"{{"x": 1.{}}}"#, "9".repeat(size))
    });
}

#[test]
fn data_with_many_escapes() {
    check_data(10_000, r#"{"data": {"x": ["y"]}}"#, |size| {
        format!(r#"{{"x": "{}"}}"#, r"\ud83d\ude00\n".repeat(size))
    });
}

#[test]
fn data_with_deep_nesting() {
    let nested = |size: usize| format!(r#"{{"x": {}1{}}}"#, r#"{"x":"#.repeat(size), "}".repeat(size));
    let filters = compile(r#"{"data": {"x": {"x": ["y"]}}}"#);
    // Too deep is no JSON that can be matched: whether it drops is not the question.
    check(10_000, nested, |data| {
        judge(filters.as_ref(), data.as_bytes());
    });
}

#[test]
fn data_with_arrays_of_objects_in_which_no_element_has_both() {
    let elements = |size: usize| r#"{"a": 1}, {"b": 1},"#.repeat(size);
    check_data(1_000, r#"{"data": {"x": {"a": [1], "b": [1]}}}"#, |size| {
        format!(r#"{{"x": [{}{{}}]}}"#, elements(size))
    });
}

#[test]
fn data_with_arrays_of_objects_and_three_fields_that_are_never_together() {
    let elements = |size: usize| r#"{"a": 1, "b": 1}, {"b": 1, "c": 1}, {"a": 1, "c": 1},"#.repeat(size);
    check_data(500, r#"{"data": {"x": {"a": [1], "b": [1], "c": [1]}}}"#, |size| {
        format!(r#"{{"x": [{}{{}}]}}"#, elements(size))
    });
}

#[test]
fn data_with_two_arrays_of_objects_beside_each_other() {
    let elements = |size: usize| r#"{"a": 1}, {"b": 1},"#.repeat(size);
    check_data(300, r#"{"data": {"x": {"a": [1]}, "y": {"a": [1], "b": [1]}}}"#, |size| {
        let elements = elements(size);
        format!(r#"{{"x": [{elements}{{}}], "y": [{elements}{{}}]}}"#)
    });
}
