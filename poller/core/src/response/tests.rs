//! Every form of response that the specification names, by tables.

mod listed;

use super::*;
use crate::testing::{at, records};

const NUMBERED: [&str; 3] = [
    "49590338271490256608559692538361571095921575989136588888",
    "49590338271490256608559692538361571095921575989136588898",
    "100000000000000000000000000000000000000000000000000000000",
];

fn numbered() -> Vec<Record> {
    let names = NUMBERED.map(crate::Position::new);
    records("abc", at(0))
        .iter()
        .zip(names)
        .map(|(record, position)| {
            let page = record.encoded();
            let len = page.len();
            Record::new(position, record.arrival(), page, 0..len)
        })
        .collect()
}

static FROM_LOWEST: PartialFailures = PartialFailures::FromLowest;

const REPORTS: Rules<'static> = Rules { item_failures: Some(&FROM_LOWEST), brings_state: false };
const IN_WINDOW: Rules<'static> = Rules { item_failures: Some(&FROM_LOWEST), brings_state: true };
const NOT_ASKED: Rules<'static> = Rules { item_failures: None, brings_state: false };
const STATE_ONLY: Rules<'static> = Rules { item_failures: None, brings_state: true };

/// `ok`, the position of the first record that failed, or `refused`; and the state if there is one.
fn verdict(payload: &str, records: &[Record], rules: Rules<'_>) -> String {
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    let shown = |state: Option<Bytes>| match state {
        Some(state) => format!(" {}", String::from_utf8(state.to_vec()).expect("JSON is text")),
        None => String::new(),
    };
    match judge(&payload, records, rules) {
        Verdict::Succeeded { state, .. } => format!("ok{}", shown(state)),
        Verdict::Failed { places, state } => {
            let is_all_from = places.iter().copied().eq(places[0]..records.len());
            assert!(is_all_from, "also what succeeded behind the lowest: {places:?}");
            format!("from {}{}", records[places[0]].position(), shown(state))
        }
        Verdict::Refused { reason } => {
            assert!(!reason.is_empty());
            "refused".to_owned()
        }
    }
}

#[track_caller]
fn check(payload: &str, expected: &str) {
    assert_eq!(verdict(payload, &records("abc", at(0)), REPORTS), expected, "{payload}");
    assert_eq!(
        verdict(payload, &records("abc", at(0)), NOT_ASKED),
        "ok",
        "ignored unless asked for: {payload}"
    );
}

#[test]
fn function_returned_an_empty_string_an_empty_list_null_an_empty_object_or_no_failures_success() {
    for payload in [
        r#""""#,
        "[]",
        "null",
        "{}",
        r#"{"batchItemFailures":[]}"#,
        r#"{"batchItemFailures":null}"#,
        "",
        " \n",
    ] {
        check(payload, "ok");
    }
}

#[test]
fn a_number_as_item_identifier_whole_batch_failure() {
    check(r#"{"batchItemFailures":[{"itemIdentifier":123}]}"#, "refused");
}

#[test]
fn string_id_not_contained_in_the_batch_whole_batch_failure() {
    check(r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#, "refused");
}

#[test]
fn an_empty_or_null_identifier_and_an_item_without_one_whole_batch_failure() {
    for item in
        [r#"{"itemIdentifier":""}"#, r#"{"itemIdentifier":null}"#, r#"{"foo":123}"#, r#"{"foo":null}"#]
    {
        check(&format!(r#"{{"batchItemFailures":[{item}]}}"#), "refused");
    }
}

#[test]
fn a_list_in_the_place_of_an_item_names_no_record() {
    check(r#"{"batchItemFailures":[["b"]]}"#, "refused");
}

#[test]
fn valid_and_invalid_ids_mixed_whole_batch_failure() {
    check(r#"{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}"#, "refused");
    check(r#"{"batchItemFailures":[{"itemIdentifier":7},{"itemIdentifier":"b"}]}"#, "refused");
}

#[test]
fn other_object_without_the_key_plain_string_number_success() {
    for payload in [r#"{"a":1}"#, r#""done""#, "12", "true", r#"[{"itemIdentifier":"a"}]"#] {
        check(payload, "ok");
    }
}

#[test]
fn what_is_no_json_or_no_list_fails_the_batch_so_that_nothing_is_lost() {
    for payload in [
        "{",
        "nope",
        r#"{"batchItemFailures":"a"}"#,
        r#"{"batchItemFailures":{"itemIdentifier":"a"}}"#,
        r#"{"batchItemFailures":[1]}"#,
        r#"{"batchItemFailures":[null]}"#,
        r#"{"batchItemFailures":[]}x"#,
    ] {
        check(payload, "refused");
    }
}

#[test]
fn a_valid_failed_id_in_the_batch_is_a_partial_failure() {
    check(r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#, "from a");
    check(r#"{"batchItemFailures":[{"itemIdentifier":"b","more":[1]}],"other":2}"#, "from b");
    check("{ \"batchItemFailures\" : [\n {\t\"itemIdentifier\" : \"b\" } ] }", "from b");
}

#[test]
fn several_ids_lowest_sequence_number_wins() {
    check(
        r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"b"},{"itemIdentifier":"c"}]}"#,
        "from b",
    );
}

#[test]
fn compare_as_big_integers_not_as_strings() {
    let [first, second, longest] = NUMBERED;
    let reply = |ids: &[&str]| {
        let items: Vec<String> = ids.iter().map(|id| format!(r#"{{"itemIdentifier":"{id}"}}"#)).collect();
        format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","))
    };
    let verdict = |ids: &[&str]| verdict(&reply(ids), &numbered(), REPORTS);
    assert_eq!(
        verdict(&[longest, second]),
        format!("from {second}"),
        "though `1…` sorts before `4…` as text"
    );
    assert_eq!(verdict(&[&format!("00{first}")]), format!("from {first}"));
    assert_eq!(verdict(&["0"]), "refused");
}

#[test]
fn an_identifier_may_be_escaped() {
    check(r#"{"batchItemFailures":[{"itemIdentifier":"\u0062"}]}"#, "from b");
}

#[test]
fn ten_thousand_identifiers_of_ten_thousand_records_take_no_time() {
    let all: Vec<Record> = (0..10_000)
        .map(|number| Record::new(crate::Position::new(number.to_string()), at(0), Bytes::new(), 0..0))
        .collect();
    let items: Vec<String> = (0..10_000).rev().map(|id| format!(r#"{{"itemIdentifier":"{id}"}}"#)).collect();
    let reply = format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","));
    assert_eq!(verdict(&reply, &all, REPORTS), "from 0");
}

mod window {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expected: &str) {
        assert_eq!(verdict(payload, &records("abc", at(0)), IN_WINDOW), expected, "{payload}");
    }

    #[test]
    fn a_response_without_state_counts_as_a_failed_invocation() {
        for payload in ["", "null", "{}", r#"{"batchItemFailures":[]}"#, r#"{"state":null}"#, r#""text""#] {
            check(payload, "refused");
        }
    }

    #[test]
    fn the_state_is_passed_on_byte_for_byte() {
        check(r#"{"state":{"1":282}}"#, r#"ok {"1":282}"#);
        check(
            r#"{"state": { "b":1.50,"b":2, "a":"\u00e9" } ,"batchItemFailures":[]}"#,
            r#"ok { "b":1.50,"b":2, "a":"\u00e9" }"#,
        );
        check(r#"{"state":7}"#, "ok 7");
        check(r#"{"state":""}"#, r#"ok """#);
    }

    #[test]
    fn a_partial_failure_brings_the_state_of_the_records_before_it() {
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}],"state":{"n":1}}"#, r#"from b {"n":1}"#);
        check(r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, "refused");
    }

    #[test]
    fn a_deep_state_is_no_trouble() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        check(&format!(r#"{{"state":{deep}}}"#), &format!("ok {deep}"));
    }

    #[test]
    fn a_state_is_ignored_where_the_window_ends() {
        assert_eq!(verdict(r#"{"state":{"n":1}}"#, &records("abc", at(0)), REPORTS), "ok");
    }

    #[test]
    fn failures_are_ignored_where_only_the_state_is_asked_for() {
        for failures in [r#"[{"itemIdentifier":"b"}]"#, r#""b""#, "7", "{}", "null"] {
            let reply = format!(r#"{{"batchItemFailures":{failures},"state":{{}}}}"#);
            assert_eq!(verdict(&reply, &records("abc", at(0)), STATE_ONLY), "ok {}", "{reply}");
        }
    }
}

mod ignored {
    use super::*;
    use crate::response::Ignored;

    #[track_caller]
    fn check(payload: &str, rules: Rules<'_>, expected: Option<Ignored>) {
        let verdict = judge(&Bytes::copy_from_slice(payload.as_bytes()), &records("abc", at(0)), rules);
        let Verdict::Succeeded { ignored, .. } = verdict else { panic!("{payload}: {verdict:?}") };
        assert_eq!(ignored, expected, "{payload}");
    }

    #[test]
    fn failures_reported_to_a_mapping_that_does_not_ask_are_noticed() {
        for failures in [r#"[{"itemIdentifier":"b"}]"#, r#"[{"itemIdentifier":"z"}]"#, "[1]", r#""b""#, "{}"]
        {
            let response = format!(r#" {{"batchItemFailures" : {failures}, "state":{{}}}}"#);
            check(&response, NOT_ASKED, Some(Ignored::Failures));
            check(&response, STATE_ONLY, Some(Ignored::Failures));
        }
    }

    #[test]
    fn a_response_without_failures_to_a_mapping_that_does_not_ask_is_no_mistake() {
        for response in [
            "",
            "null",
            "done",
            "{",
            "[1,2]",
            r#""batchItemFailures""#,
            r#"["batchItemFailures"]"#,
            r#"{"statusCode":200}"#,
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures": [ ]}"#,
            r#"{"batchItemFailures":null}"#,
            r#"{"inner":{"batchItemFailures":[{"itemIdentifier":"a"}]}}"#,
        ] {
            check(response, NOT_ASKED, None);
        }
        check(r#"{"batchItemFailures":[],"state":{"n":1}}"#, STATE_ONLY, None);
    }

    #[test]
    fn content_without_batch_item_failures_where_they_are_asked_for_is_noticed() {
        for response in [
            r#"{"BatchItemFailures":[{"itemIdentifier":"b"}]}"#,
            r#"{"batchItemFailure":[]}"#,
            r#"{"statusCode":200,"body":"{}"}"#,
            r#"[{"itemIdentifier":"b"}]"#,
            " [ 1 ] ",
            r#""done""#,
            "true",
            "0",
        ] {
            check(response, REPORTS, Some(Ignored::Content));
        }
    }

    #[test]
    fn a_response_that_says_nothing_or_names_its_failures_is_no_mistake() {
        for response in ["", " ", "null", "{}", "{ }", "[]", "[ \n ]", r#""""#] {
            check(response, REPORTS, None);
        }
        for response in [
            r#"{"batchItemFailures":[]}"#,
            r#"{"batchItemFailures":null,"other":1}"#,
            r#"{"other":1,"batchItemFailures":[]}"#,
            r#"{"batch\u0049temFailures":[],"BatchItemFailures":[1]}"#,
        ] {
            check(response, REPORTS, None);
        }
    }

    #[test]
    fn the_state_of_a_window_counts_also_at_the_end_of_one() {
        for rules in [IN_WINDOW, REPORTS] {
            check(r#"{"state":{"n":1}}"#, rules, None);
            check(r#"{"state":{"n":1},"processed":5}"#, rules, None);
            let misspelt = r#"{"state":{"n":1},"batch_item_failures":[{"itemIdentifier":"b"}]}"#;
            check(misspelt, rules, Some(Ignored::Content));
        }
        check(r#"{"state":{},"batchItemFailures":[]}"#, IN_WINDOW, None);
    }

    #[test]
    fn a_large_or_deep_response_is_no_trouble() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        check(&deep, REPORTS, Some(Ignored::Content));
        check(&format!(r#"{{"a":{deep}}}"#), REPORTS, Some(Ignored::Content));
        check(&format!(r#"{{"batchItemFailures":{deep}}}"#), NOT_ASKED, Some(Ignored::Failures));
    }
}
