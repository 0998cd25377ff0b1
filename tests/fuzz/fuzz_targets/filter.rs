//! Filters: whatever the pattern and the record, no panic, no hang, and the same verdict however it is asked for.
//!
//! In: a pattern and a record, parted by the first zero byte. It is judged as the data of a record of Kinesis, as a document, and as a
//! record of every source.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pelton_core::Timestamp;
use pelton_core::event::kinesis::{KinesisOrigin, KinesisRecord, KinesisView};
use pelton_core::filter::{Explanation, Filters, PatternError, Source, Verdict};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(pattern), Some(record)) = (parts.next(), parts.next()) else { return };
    let Ok(pattern) = std::str::from_utf8(pattern) else { return };
    judge_data(pattern, record);
    let Ok(record) = std::str::from_utf8(record) else { return };
    judge_text(pattern, record, Filters::compile_bare(&[pattern.to_owned()]));
    for source in [Source::Kinesis, Source::DynamoDb, Source::Kafka, Source::Sqs] {
        judge_text(pattern, record, Filters::compile(source, &[pattern.to_owned()]));
    }
});

fn judge_data(pattern: &str, data: &[u8]) {
    let Ok(Some(filters)) = Filters::compile(Source::Kinesis, &[pattern.to_owned()]) else { return };
    let origin = KinesisOrigin {
        shard_id: "s".into(),
        event_source_arn: "a".into(),
        region: "r".into(),
        invoke_identity_arn: "i".into(),
    };
    let (partition_key, arrival) = (Some("k"), Timestamp::from_millis(1));
    let record = KinesisRecord { data, partition_key, sequence_number: "1", arrival };
    let view = KinesisView { record, origin: &origin };
    let passes = filters.judge(&view) == Verdict::Pass;
    assert_eq!(passes, filters.explain(&view) == Explanation::Pass);
}

fn judge_text(pattern: &str, record: &str, filters: Result<Option<Filters>, PatternError>) {
    match filters {
        Ok(filters) => {
            let explanation = filters.expect("one pattern was given").explain_event_record(record);
            if let Ok(Explanation::Drop(decided) | Explanation::DropNotJson { decided, .. }) = explanation {
                assert_eq!(decided.len(), 1, "the one pattern says why it does not match");
            }
        }
        Err(error) => assert!(error.offset <= pattern.len(), "{error}"),
    }
}
