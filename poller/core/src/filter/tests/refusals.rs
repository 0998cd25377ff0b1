//! What is no pattern (specification 6.1), and what is said of it.

use super::*;

/// The pattern is refused with words that contain `message`, at that line and column.
#[track_caller]
fn refuse(pattern: &str, line: usize, column: usize, message: &str) {
    let error = Filters::compile_bare(&[pattern.to_owned()]).unwrap_err();
    assert!(error.message.contains(message), "{pattern}: {error}");
    assert_eq!((error.index, error.line, error.column), (0, line, column), "{pattern}: {error}");
}

#[test]
fn a_bare_leaf_value_is_invalid() {
    for value in [r#""x""#, "1", "null", "true"] {
        refuse(&format!(r#"{{"a":{value}}}"#), 1, 6, "a value stands in an array");
    }
}

#[test]
fn empty_objects_and_empty_arrays_in_a_pattern_are_invalid() {
    refuse("{}", 1, 2, "at least one field");
    refuse(r#"{"a":{}}"#, 1, 7, "at least one field");
    refuse(r#"{"a":[]}"#, 1, 7, "at least one value");
    refuse(r#"{"a":[{}]}"#, 1, 8, "an operator is one of");
    refuse(r#"{"a":[{"anything-but":[]}]}"#, 1, 24, "anything-but takes");
    refuse(r#"{"a":[{"anything-but":{"prefix":[]}}]}"#, 1, 24, "no empty list");
    refuse(r#"{"a":[{"numeric":[]}]}"#, 1, 19, "numeric takes");
}

#[test]
fn only_one_key_per_match_object() {
    refuse(r#"{"a":[{"prefix":"x","suffix":"y"}]}"#, 1, 21, "stands alone");
    refuse(r#"{"a":[{"anything-but":{"prefix":"x","suffix":"y"}}]}"#, 1, 37, "stands alone");
}

#[test]
fn numeric_takes_at_most_two_terms() {
    refuse(r#"{"a":[{"numeric":[">",1,"<",2,"<",3]}]}"#, 1, 31, "numeric takes");
    refuse(r#"{"a":[{"numeric":["=",1,"<",2]}]}"#, 1, 25, "numeric takes");
    refuse(r#"{"a":[{"numeric":["<",2,">",1]}]}"#, 1, 25, "numeric takes");
    refuse(r#"{"a":[{"numeric":[">",2,"<",1]}]}"#, 1, 29, "a larger one");
    refuse(r#"{"a":[{"numeric":[">","2"]}]}"#, 1, 23, "numeric takes");
    refuse(r#"{"a":[{"numeric":["!=",2]}]}"#, 1, 24, "numeric takes");
    refuse(r#"{"a":[{"numeric":["=",9007199254740993]}]}"#, 1, 23, "a double");
}

#[test]
fn anything_but_takes_all_strings_or_all_numbers() {
    refuse(r#"{"a":[{"anything-but":["x",1]}]}"#, 1, 29, "either strings or numbers");
    refuse(r#"{"a":[{"anything-but":null}]}"#, 1, 23, "anything-but takes");
    refuse(r#"{"a":[{"anything-but":{"exists":true}}]}"#, 1, 24, "anything-but takes");
    refuse(r#"{"a":[{"anything-but":{"prefix":""}}]}"#, 1, 24, "no empty prefix");
}

#[test]
fn what_an_operator_does_not_take_is_refused() {
    refuse(r#"{"a":[{"exists":1}]}"#, 1, 17, "true or false");
    refuse(r#"{"a":[{"prefix":1}]}"#, 1, 17, "prefix and suffix take");
    refuse(r#"{"a":[{"prefix":{"wildcard":"x"}}]}"#, 1, 18, "prefix and suffix take");
    refuse(r#"{"a":[{"wildcard":"a**"}]}"#, 1, 19, "two asterisks");
    refuse(r#"{"a":[{"cidr":"10.0.0.0/64"}]}"#, 1, 15, "0 to 31 bits");
    refuse(r#"{"a":[{"matches":"x"}]}"#, 1, 8, "an operator is one of");
    refuse(r#"{"a":[["x"]]}"#, 1, 7, "a value is a string");
}

#[test]
fn or_takes_at_least_two_objects() {
    refuse(r#"{"$or":[{"a":["x"]}]}"#, 1, 20, "at least two objects");
    refuse(r#"{"$or":[{"a":["x"]},1]}"#, 1, 21, "at least two objects");
    refuse(r#"{"$or":[{"a":["x"]},{"prefix":["y"]}]}"#, 1, 22, "named like an operator");
}

#[test]
fn what_is_not_json_is_refused_with_its_line() {
    refuse("{\n  \"a\": [\"x\"],\n  \"ü\": [x]\n}", 3, 9, "a pattern is JSON");
    refuse(r#"{"a":["x"]"#, 1, 11, "ends too early");
    refuse(r#"{"a":["x"]} {}"#, 1, 13, "nothing may follow");
    refuse(r#"["x"]"#, 1, 1, "a pattern is an object");
    refuse("", 1, 1, "ends too early");
}

#[test]
fn the_pattern_that_is_none_is_named() {
    let patterns = [r#"{"a":["x"]}"#.to_owned(), "{".to_owned()];
    let error = Filters::compile(Source::Kinesis, &patterns).unwrap_err();
    let expected = "pattern 2, line 1, column 2: a pattern is JSON: the text ends too early";
    assert_eq!((error.to_string().as_str(), error.offset), (expected, 1));
}
