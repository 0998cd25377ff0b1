//! Every setting of a Kinesis stream's mapping: its range and its default (specification 1.1), and every refusal (1.2) that
//! a template can bring about. `FilterCriteria`, `DestinationConfig`, the event source and the function have tests of their own, beside
//! what reads them.

use super::testing::{check_problem, load, template};
use pelton_model::{Mapping, ShardSettings};
use std::time::Duration;

mod metrics_config;
mod not_taken;
mod response_types;
mod starting_position;

#[track_caller]
fn check(settings: &str, is_expected: impl FnOnce(&Mapping) -> bool) {
    let loaded = load(&template("", settings, ""));
    check_problem(&loaded, "");
    let application = loaded.application.expect("there is no problem");
    assert!(is_expected(&application.mappings[0]), "{:#?}", application.mappings);
}

fn shards(mapping: &Mapping) -> &ShardSettings {
    mapping.source.shards().expect("a stream has shards")
}

#[track_caller]
fn check_refused(settings: &str, expected: &str) {
    check_problem(&load(&template("", settings, "")), expected);
}

/// A mapping as CloudFormation has it, beside that of the event.
#[track_caller]
fn check_plain_refused(properties: &str, expected: &str) {
    let mapping = format!("  M: {{Type: AWS::Lambda::EventSourceMapping, Properties: {{{properties}}}}}");
    check_problem(&load(&template("", "", &mapping)), expected);
}

const OTHER_STREAM: &str = "EventSourceArn: 'arn:aws:kinesis:eu-west-1:123456789012:stream/other'";

#[test]
fn settings_have_the_defaults_of_aws() {
    check("", |mapping| {
        mapping.id.0 == "LedgerOrders"
            && mapping.function == "Ledger"
            && mapping.source.to_string() == "arn:aws:kinesis:eu-west-1:123456789012:stream/Orders"
            && mapping.enabled
            && mapping.batch_size == 100
            && mapping.batching_window == Duration::ZERO
            && shards(mapping).parallelization_factor == 1
            && !shards(mapping).bisect_batch_on_function_error
            && shards(mapping).maximum_retry_attempts.is_none()
            && shards(mapping).maximum_record_age.is_none()
            && shards(mapping).tumbling_window.is_none()
            && !mapping.report_batch_item_failures
            && mapping.filter_patterns.is_empty()
            && mapping.on_failure.is_none()
    });
}

#[test]
fn enabled_is_a_boolean_and_true_by_default() {
    check("Enabled: false", |mapping| !mapping.enabled);
    check("Enabled: 'True'", |mapping| mapping.enabled);
    check("Enabled: off", |mapping| !mapping.enabled);
    check_refused("Enabled: perhaps", "must be `true` or `false`");
}

#[test]
fn batch_size_is_1_to_10000_and_100_by_default() {
    check("BatchSize: 10000", |mapping| mapping.batch_size == 10_000);
    check("BatchSize: '1'", |mapping| mapping.batch_size == 1);
    check("BatchSize: !Ref AWS::NoValue", |mapping| mapping.batch_size == 100);
    check_refused("BatchSize: 0", "`BatchSize` is `0` | must be a whole number from 1 to 10000");
    check_refused("BatchSize: 10001", "`BatchSize` is `10001` | must be a whole number from 1 to 10000");
    check_refused("BatchSize: 1.5", "`BatchSize` is `1.5`");
    check_refused("BatchSize: [1]", "`BatchSize` is a list");
    check("BatchSize:", |mapping| mapping.batch_size == 100);
}

#[test]
fn a_batch_size_greater_than_10_needs_no_window() {
    check("BatchSize: 11", |mapping| mapping.batch_size == 11 && mapping.batching_window.is_zero());
}

#[test]
fn maximum_batching_window_in_seconds_is_0_to_300_and_0_by_default() {
    for window in [0, 1, 300] {
        let expected = Duration::from_secs(window);
        let setting = format!("MaximumBatchingWindowInSeconds: {window}");
        check(&setting, |mapping| mapping.batching_window == expected);
    }
    check_refused("MaximumBatchingWindowInSeconds: 301", "whole number from 0 to 300");
    check_refused("MaximumBatchingWindowInSeconds: -1", "whole number from 0 to 300");
}

#[test]
fn parallelization_factor_is_1_to_10_and_1_by_default() {
    for factor in [1, 2, 10] {
        check(&format!("ParallelizationFactor: {factor}"), |mapping| {
            shards(mapping).parallelization_factor == factor
        });
    }
    check_refused(
        "ParallelizationFactor: 0",
        "`ParallelizationFactor` is `0` | must be a whole number from 1 to 10",
    );
    check_refused("ParallelizationFactor: 11", "whole number from 1 to 10");
    check_refused("ParallelizationFactor: many", "whole number from 1 to 10");
}

#[test]
fn bisect_batch_on_function_error_is_a_boolean_and_false_by_default() {
    check("BisectBatchOnFunctionError: true", |mapping| shards(mapping).bisect_batch_on_function_error);
    check("BisectBatchOnFunctionError: false", |mapping| !shards(mapping).bisect_batch_on_function_error);
    check_refused("BisectBatchOnFunctionError: maybe", "must be `true` or `false`");
    check_refused("BisectBatchOnFunctionError: 1", "must be `true` or `false`");
}

#[test]
fn maximum_retry_attempts_is_minus_1_to_10000_and_by_default_minus_1_until_expiry() {
    for (attempts, expected) in [(-1, None), (0, Some(0)), (1, Some(1)), (10_000, Some(10_000))] {
        check(&format!("MaximumRetryAttempts: {attempts}"), |mapping| {
            shards(mapping).maximum_retry_attempts == expected
        });
    }
    check_refused(
        "MaximumRetryAttempts: -2",
        "`MaximumRetryAttempts` is `-2` | must be a whole number from -1 to 10000",
    );
    check_refused("MaximumRetryAttempts: 10001", "whole number from -1 to 10000");
    check_refused("MaximumRetryAttempts: forever", "whole number from -1 to 10000");
}

#[test]
fn maximum_record_age_in_seconds_is_either_minus_1_for_forever_or_between_60_and_604800_inclusive() {
    for (age, expected) in [(-1, None), (60, Some(60)), (604_800, Some(604_800))] {
        let expected = expected.map(Duration::from_secs);
        check(&format!("MaximumRecordAgeInSeconds: {age}"), |mapping| {
            shards(mapping).maximum_record_age == expected
        });
    }
    let allowed = "must be -1 (forever), or a whole number from 60 to 604800";
    for age in ["-2", "0", "1", "59", "604801", "60.5", "1h"] {
        let expected = format!("`MaximumRecordAgeInSeconds` is `{age}` | {allowed}");
        check_refused(&format!("MaximumRecordAgeInSeconds: {age}"), &expected);
    }
}

#[test]
fn tumbling_window_in_seconds_is_0_to_900_and_by_default_0_which_is_off() {
    for (length, expected) in [(0, None), (1, Some(1)), (900, Some(900))] {
        let expected = expected.map(Duration::from_secs);
        check(&format!("TumblingWindowInSeconds: {length}"), |mapping| {
            shards(mapping).tumbling_window == expected
        });
    }
    check_refused("TumblingWindowInSeconds: -1", "whole number from 0 to 900");
    check_refused(
        "TumblingWindowInSeconds: 901",
        "`TumblingWindowInSeconds` is `901` | must be a whole number from 0 to 900",
    );
}

#[test]
fn a_tumbling_window_with_a_parallelization_factor_greater_than_1_is_not_allowed() {
    let both = |window: u32, factor: u32| {
        format!("TumblingWindowInSeconds: {window}\n            ParallelizationFactor: {factor}")
    };
    check(&both(30, 1), |mapping| shards(mapping).tumbling_window.is_some());
    check(&both(0, 10), |mapping| shards(mapping).parallelization_factor == 10);
    check_refused(
        &both(30, 2),
        "tumbling windows are not allowed with a `ParallelizationFactor` greater than 1 | must be 1",
    );
}

#[test]
fn tags_are_about_aws_itself() {
    check("Tags: {team: gates}", |_| true);
}

#[test]
fn a_mapping_without_event_source_is_refused() {
    check_plain_refused(
        "FunctionName: !Ref Ledger, StartingPosition: LATEST",
        "the mapping `M` has no `EventSourceArn` | needs the ARN of a stream",
    );
}

#[test]
fn a_mapping_of_a_function_that_does_not_exist_is_refused() {
    check_plain_refused(
        &format!("FunctionName: nobody, StartingPosition: LATEST, {OTHER_STREAM}"),
        "the template has no function named `nobody`",
    );
}

#[test]
fn a_starting_position_that_is_omitted_or_not_in_the_enum_is_refused() {
    check_plain_refused(
        &format!("FunctionName: !Ref Ledger, {OTHER_STREAM}"),
        "the mapping `M` has no `StartingPosition`",
    );
    check_plain_refused(
        &format!("FunctionName: !Ref Ledger, StartingPosition: invalid, {OTHER_STREAM}"),
        "`StartingPosition` is `invalid` | must be one of `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`",
    );
}

#[test]
fn a_duplicate_of_the_same_source_and_the_same_function_is_refused() {
    check_plain_refused(
        "FunctionName: !Ref Ledger, EventSourceArn: !GetAtt Orders.Arn, StartingPosition: LATEST",
        "conflict: a mapping of the stream `Orders` to the function `Ledger` already exists",
    );
}

#[test]
fn an_unknown_setting_is_refused_with_the_nearest_name() {
    check_refused(
        "BatchSise: 5",
        "an event of type Kinesis has no property `BatchSise` | unknown property | did you mean `BatchSize`?",
    );
    check_refused("FunctionName: x", "has no property `FunctionName`");
}

#[test]
fn a_mapping_has_its_settings_not_its_function_nor_the_globals() {
    for name in ["ParallelizationFactor", "FilterCriteria"] {
        let globals = format!("Globals: {{Function: {{{name}: 2}}}}");
        check_problem(&load(&template("", "", &globals)), &format!("`{name}`"));
        check_problem(&load(&template(&format!("{name}: 2"), "", "")), &format!("`{name}`"));
    }
}

#[test]
fn a_setting_without_a_value_is_absent() {
    let settings = [
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "FilterCriteria",
        "FunctionResponseTypes",
        "KmsKeyArn",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "MetricsConfig",
        "ParallelizationFactor",
        "StartingPositionTimestamp",
        "Tags",
        "Topics",
        "TumblingWindowInSeconds",
    ];
    let expected = load(&template("", "", "")).application;
    for setting in settings {
        for nothing in ["", " # later", " ~", " null"] {
            let loaded = load(&template("", &format!("{setting}:{nothing}"), ""));
            check_problem(&loaded, "");
            assert_eq!(loaded.application, expected, "{setting}:{nothing}");
        }
    }
}
