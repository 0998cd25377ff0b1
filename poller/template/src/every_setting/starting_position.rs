//! `StartingPosition` and `StartingPositionTimestamp` (specification 1.1).

use crate::Loaded;
use crate::testing::{check_problem, load, template};
use pelton_core::Timestamp;
use pelton_core::starting_position::StartingPosition;

/// `StartingPosition` and the like, in place of the one in the template.
fn positioned(settings: &str) -> Loaded {
    load(&template("", "", "").replace("StartingPosition: LATEST", settings))
}

#[track_caller]
fn check_position(settings: &str, expected: StartingPosition) {
    let loaded = positioned(settings);
    check_problem(&loaded, "");
    let application = loaded.application.expect("there is no problem");
    assert_eq!(application.mappings[0].source.starting_position(), Some(expected));
}

#[test]
fn a_starting_position_is_required() {
    use StartingPosition::{AtTimestamp, Latest, TrimHorizon};
    check_position("StartingPosition: LATEST", Latest);
    check_position("StartingPosition: TRIM_HORIZON", TrimHorizon);
    let at = |timestamp: &str| {
        format!("StartingPosition: AT_TIMESTAMP\n            StartingPositionTimestamp: {timestamp}")
    };
    let moment = AtTimestamp(Timestamp::from_millis(1_767_225_600_500));
    check_position(&at("1767225600.5"), moment);
    check_position(&at("2026-01-01T00:00:00.5Z"), moment);
    check_position(&at("'2026-01-01T01:00:00.5+01:00'"), moment);
    check_problem(&positioned("BatchSize: 1"), "the mapping `LedgerOrders` has no `StartingPosition`");
    check_problem(
        &positioned("StartingPosition: !Ref AWS::NoValue"),
        "the mapping `LedgerOrders` has no `StartingPosition` | needs `TRIM_HORIZON`, `LATEST` or `AT_TIMESTAMP`",
    );
    check_problem(
        &positioned("StartingPosition: latest"),
        "must be one of `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`",
    );
    check_problem(&positioned("StartingPosition: AT_TIMESTAMP"), "has no `StartingPositionTimestamp`");
    check_problem(&positioned(&at("tomorrow")), "must be seconds since 1970, or a time");
    check_problem(&positioned(&at("-1")), "must be seconds since 1970");
    check_problem(&positioned(&at("1767225600500")), "must be seconds since 1970");
    check_problem(&positioned(&at("1800000001")), "`StartingPositionTimestamp` is in the future");
    check_position(&at("1800000000"), AtTimestamp(Timestamp::from_millis(1_800_000_000_000)));
    check_problem(
        &positioned("StartingPosition: LATEST\n            StartingPositionTimestamp: 5"),
        "`StartingPositionTimestamp` is not allowed with `LATEST`",
    );
}
