//! The operators of Lambda's table (specification 6.1), and those of event-ruler that it does not list.

use super::check;

/// A field `a` with that value matches that operator.
#[track_caller]
fn matches(operator: &str, value: &str) {
    check(&format!(r#"{{"a":[{operator}]}}"#), &format!(r#"{{"a":{value}}}"#), true);
}

#[track_caller]
fn differs(operator: &str, value: &str) {
    check(&format!(r#"{{"a":[{operator}]}}"#), &format!(r#"{{"a":{value}}}"#), false);
}

#[test]
fn null_empty_and_equals() {
    matches("null", "null");
    differs("null", r#""null""#);
    differs("null", r#""""#);
    matches(r#""""#, r#""""#);
    differs(r#""""#, "null");
    differs(r#""""#, r#"" ""#);
    matches(r#""Alice""#, r#""Alice""#);
    differs(r#""Alice""#, r#""Alic""#);
    matches("true", "true");
    differs("true", r#""true""#);
    differs("true", "false");
    matches("300", "300");
    differs("300", r#""300""#);
    matches(r#"{"exactly":"Alice"}"#, r#""Alice""#);
}

#[test]
fn equals_ignore_case() {
    matches(r#"{"equals-ignore-case":"alice"}"#, r#""ALICE""#);
    matches(r#"{"equals-ignore-case":"ÄRGER"}"#, r#""ärger""#);
    differs(r#"{"equals-ignore-case":"alice"}"#, r#""alices""#);
    differs(r#"{"equals-ignore-case":"true"}"#, "true");
}

#[test]
fn or_of_values() {
    for value in [r#""Credit""#, r#""Debit""#] {
        matches(r#""Credit","Debit""#, value);
    }
    differs(r#""Credit","Debit""#, r#""Cash""#);
    matches(r#""Credit",{"prefix":"C"},null"#, "null");
}

#[test]
fn or_over_fields() {
    let pattern = r#"{"$or":[{"a":["x"]},{"b":["y"]}]}"#;
    check(pattern, r#"{"a":"x"}"#, true);
    check(pattern, r#"{"b":"y"}"#, true);
    check(pattern, r#"{"a":"y","b":"x"}"#, false);
    let pattern = r#"{"c":["z"],"$or":[{"a":["x"],"d":[1]},{"b":["y"]}],"e":{"$or":[{"f":[1]},{"f":[2]}]}}"#;
    check(pattern, r#"{"a":"x","c":"z","d":1,"e":{"f":2}}"#, true);
    check(pattern, r#"{"a":"x","c":"z","e":{"f":2}}"#, false);
    check(pattern, r#"{"a":"x","d":1,"e":{"f":2}}"#, false);
    check(pattern, r#"{"b":"y","c":"z","e":{"f":3}}"#, false);
}

#[test]
fn or_with_less_than_two_objects_or_with_reserved_operator_names_is_an_ordinary_field() {
    check(r#"{"$or":["x"]}"#, r#"{"$or":"x"}"#, true);
    check(r#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#, r#"{"$or":"xz"}"#, true);
    check(r#"{"$or":[{"prefix":"x"},{"suffix":"y"}]}"#, r#"{"$or":"zz"}"#, false);
    check(r#"{"$or":{"a":["x"]}}"#, r#"{"$or":{"a":"x"}}"#, true);
}

#[test]
fn anything_but() {
    matches(r#"{"anything-but":["Raining"]}"#, r#""Sunny""#);
    differs(r#"{"anything-but":["Raining"]}"#, r#""Raining""#);
    differs(r#"{"anything-but":"Raining"}"#, r#""Raining""#);
    matches(r#"{"anything-but":"Raining"}"#, "1");
    matches(r#"{"anything-but":"Raining"}"#, "null");
    differs(r#"{"anything-but":[100,200]}"#, "2e2");
    matches(r#"{"anything-but":[100,200]}"#, "300");
    matches(r#"{"anything-but":100}"#, r#""100""#);
}

#[test]
fn numeric() {
    let operator = r#"{"numeric":[">",10,"<=",20]}"#;
    for (value, is_in) in
        [("10", false), ("10.0001", true), ("20", true), ("2e1", true), ("20.1", false), (r#""15""#, false)]
    {
        if is_in { matches(operator, value) } else { differs(operator, value) }
    }
    matches(r#"{"numeric":["=",300]}"#, "3.0e2");
    matches(r#"{"numeric":["<",0]}"#, "-0.5");
    differs(r#"{"numeric":["<",0]}"#, "-0");
    matches(r#"{"numeric":["<=",0]}"#, "0");
    matches(r#"{"numeric":[">=",5]}"#, "5.00");
    matches(r#"{"numeric":[">=",5,"<",6]}"#, "5.99");
    differs(r#"{"numeric":[">=",5,"<",6]}"#, "6");
}

#[test]
fn exists() {
    for value in ["1", "null", r#""""#, "false", "[1]"] {
        matches(r#"{"exists":true}"#, value);
        differs(r#"{"exists":false}"#, value);
    }
    check(r#"{"a":[{"exists":true}]}"#, "{}", false);
    check(r#"{"a":[{"exists":false}]}"#, "{}", true);
}

#[test]
fn prefix_and_suffix() {
    matches(r#"{"prefix":"us-"}"#, r#""us-east-1""#);
    matches(r#"{"prefix":""}"#, r#""""#);
    differs(r#"{"prefix":"us-"}"#, r#""eu-us-""#);
    differs(r#"{"prefix":"3"}"#, "300");
    matches(r#"{"suffix":".png"}"#, r#""a.png""#);
    matches(r#"{"suffix":"é"}"#, r#""caf\u00e9""#);
    differs(r#"{"suffix":".png"}"#, r#""a.jpg""#);
}

#[test]
fn wildcard_cidr_and_the_operators_that_take_operators_are_accepted() {
    matches(r#"{"wildcard":"a*c"}"#, r#""abbbc""#);
    differs(r#"{"wildcard":"a*c"}"#, r#""abbb""#);
    differs(r#"{"wildcard":"a*b*b"}"#, r#""ab""#);
    matches(r#"{"cidr":"10.0.0.0/8"}"#, r#""10.1.2.3""#);
    differs(r#"{"cidr":"10.0.0.0/8"}"#, r#""11.1.2.3""#);
    matches(r#"{"prefix":{"equals-ignore-case":"US-"}}"#, r#""us-east-1""#);
    differs(r#"{"prefix":{"equals-ignore-case":"US-"}}"#, r#""usa-us-""#);
    matches(r#"{"suffix":{"equals-ignore-case":".PNG"}}"#, r#""a.png""#);
    differs(r#"{"suffix":{"equals-ignore-case":".PNG"}}"#, r#""a.png.b""#);
    for (operator, excluded) in [
        (r#"{"prefix":"us-"}"#, r#""us-east-1""#),
        (r#"{"prefix":["eu-","us-"]}"#, r#""us-east-1""#),
        (r#"{"suffix":".png"}"#, r#""a.png""#),
        (r#"{"wildcard":"a*c"}"#, r#""abc""#),
        (r#"{"equals-ignore-case":["b","ABC"]}"#, r#""abc""#),
    ] {
        let operator = format!(r#"{{"anything-but":{operator}}}"#);
        differs(&operator, excluded);
        matches(&operator, r#""zzz""#);
        matches(&operator, "7");
    }
}

#[test]
fn a_literal_that_is_an_address_matches_however_it_is_written() {
    matches(r#""::1""#, r#""0:0:0:0:0:0:0:1""#);
    matches(r#""10.0.0.1""#, r#""010.0.0.1""#);
    differs(r#""10.0.0.1""#, r#""10.0.0.2""#);
    differs(r#""10.0.0.1""#, r#""\"10.0.0.1\"""#);
}
