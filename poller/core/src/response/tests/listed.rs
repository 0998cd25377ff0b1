//! Responses about Kafka, which name records by partition and offset (specification 4.3).

use super::*;
use crate::Position;
use crate::response::Ignored;

/// The offsets that are tried again of records with these offsets of the partition `my-topic-0`; `ok` or `refused`.
fn verdict(payload: &str, offsets: &[i64]) -> String {
    let of = |offset: &i64| Record::new(Position::new(offset.to_string()), at(0), Bytes::new(), 0..0);
    let records: Vec<Record> = offsets.iter().map(of).collect();
    let listed = PartialFailures::Listed { partition: "my-topic-0".into() };
    let rules = Rules { item_failures: Some(&listed), brings_state: false };
    match judge(&Bytes::copy_from_slice(payload.as_bytes()), &records, rules) {
        Verdict::Succeeded { .. } => "ok".to_owned(),
        Verdict::Failed { places, state: None } => {
            let offsets: Vec<&str> = places.iter().map(|place| records[*place].position().as_str()).collect();
            offsets.join(" ")
        }
        Verdict::Failed { state: Some(_), .. } => panic!("Kafka has no windows"),
        Verdict::Refused { reason } => {
            assert!(!reason.is_empty());
            "refused".to_owned()
        }
    }
}

/// A batch of the offsets 7, 9, 10 and 100, of whose items these are the identifiers.
#[track_caller]
fn check(identifiers: &[&str], expected: &str) {
    let items: Vec<String> =
        identifiers.iter().map(|identifier| format!(r#"{{"itemIdentifier":{identifier}}}"#)).collect();
    let payload = format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","));
    assert_eq!(verdict(&payload, &[7, 9, 10, 100]), expected, "{payload}");
}

/// The identifier of an offset of the partition.
fn at_offset(offset: &str) -> String {
    format!(r#"{{"partition":"my-topic-0","offset":{offset}}}"#)
}

#[test]
fn empty_json_or_null_is_a_success() {
    for payload in ["", "null", "{}", r#""""#, r#"{"batchItemFailures":[]}"#, r#"{"batchItemFailures":null}"#]
    {
        assert_eq!(verdict(payload, &[7, 9]), "ok", "{payload}");
    }
}

#[test]
fn the_listed_offsets_are_tried_again_and_no_others() {
    check(&[&at_offset("9")], "9");
    check(&[&at_offset("7"), &at_offset("100")], "7 100");
    check(&[&at_offset("100"), &at_offset("7"), &at_offset("100")], "7 100");
    let all = ["100", "10", "9", "7"].map(at_offset);
    check(&all.each_ref().map(String::as_str), "7 9 10 100");
}

#[test]
fn the_members_of_an_identifier_may_come_in_any_order_and_beside_others() {
    check(&[r#"{"offset":9,"partition":"my-topic-0"}"#], "9");
    check(&[r#"{ "topic" : [1] , "offset" : 9 , "partition" : "my\u002dtopic-0" }"#], "9");
}

#[test]
fn an_offset_or_a_partition_that_is_not_in_the_event_fails_the_whole_batch() {
    for offset in ["8", "0", "101", "18446744073709551615"] {
        check(&[&at_offset(offset)], "refused");
    }
    for partition in ["my-topic-1", "my-topic", "topic-0", "my-topic-00", "MY-TOPIC-0", "", "0"] {
        check(&[&format!(r#"{{"partition":"{partition}","offset":9}}"#)], "refused");
    }
    check(&[&at_offset("9"), &at_offset("8")], "refused");
    check(&[r#"{"partition":"my-topic-1","offset":9}"#, &at_offset("9")], "refused");
}

#[test]
fn an_offset_is_a_whole_number_and_no_text() {
    for offset in [r#""9""#, "9.0", "9.5", "9e0", "-9", "null", "true", "[9]", "{}", "18446744073709551616"] {
        check(&[&at_offset(offset)], "refused");
    }
}

#[test]
fn a_malformed_identifier_fails_the_whole_batch() {
    for identifier in [
        "null",
        r#""""#,
        "9",
        r#""9""#,
        r#""my-topic-0""#,
        "{}",
        r#"{"offset":9}"#,
        r#"{"partition":"my-topic-0"}"#,
        r#"{"partition":0,"offset":9}"#,
        r#"{"partition":null,"offset":9}"#,
        r#"{"Partition":"my-topic-0","Offset":9}"#,
        r#"["my-topic-0",9]"#,
        r#"[{"partition":"my-topic-0","offset":9}]"#,
    ] {
        check(&[identifier], "refused");
        check(&[&at_offset("9"), identifier], "refused");
    }
    for payload in [
        r#"{"batchItemFailures":{"partition":"my-topic-0","offset":9}}"#,
        r#"{"batchItemFailures":[{"partition":"my-topic-0","offset":9}]}"#,
        r#"{"batchItemFailures":[9]}"#,
        r#"{"batchItemFailures":"9"}"#,
    ] {
        assert_eq!(verdict(payload, &[7, 9]), "refused", "{payload}");
    }
}

#[test]
fn a_refused_response_says_which_record_it_named() {
    let listed = PartialFailures::Listed { partition: "t-0".into() };
    let rules = Rules { item_failures: Some(&listed), brings_state: false };
    let reason = |identifier: &str| {
        let payload = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":{identifier}}}]}}"#);
        match judge(&Bytes::from(payload), &records("7", at(0)), rules) {
            Verdict::Refused { reason } => reason,
            verdict @ (Verdict::Succeeded { .. } | Verdict::Failed { .. }) => panic!("{verdict:?}"),
        }
    };
    assert_eq!(
        reason(r#"{"partition":"t-1","offset":7}"#),
        "`itemIdentifier` is offset 7 of `t-1`, which is no record of the batch"
    );
    assert_eq!(
        reason(r#""7""#),
        r#"an item of `batchItemFailures` has no `itemIdentifier` such as `{"partition":"t-0","offset":5}`"#
    );
    let long = reason(&format!(r#"{{"partition":"{}","offset":7}}"#, "x".repeat(1_000)));
    assert!(long.len() < 200, "{long}");
}

#[test]
fn failures_reported_to_a_mapping_that_does_not_ask_are_noticed() {
    let payload = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":{}}}]}}"#, at_offset("7"));
    let verdict = judge(&Bytes::from(payload), &records("7", at(0)), NOT_ASKED);
    assert_eq!(verdict, Verdict::Succeeded { state: None, ignored: Some(Ignored::Failures) });
}

#[test]
fn ten_thousand_identifiers_of_ten_thousand_records_take_no_time() {
    let offsets: Vec<i64> = (0..10_000).collect();
    let items: Vec<String> = (0..10_000)
        .rev()
        .map(|offset| format!(r#"{{"itemIdentifier":{}}}"#, at_offset(&offset.to_string())))
        .collect();
    let payload = format!(r#"{{"batchItemFailures":[{}]}}"#, items.join(","));
    assert_eq!(verdict(&payload, &offsets).split(' ').count(), 10_000);
}
