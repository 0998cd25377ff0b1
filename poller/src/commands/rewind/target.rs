//! Where a mapping is to go on, as the command line says it.

use crate::commands::moment;
use crate::supervisor::RewindTo;
use pelton_core::starting_position::StartingPosition;
use pelton_model::MappingId;

/// What stands before the name of the other mapping.
const CHECKPOINT_OF: &str = "checkpoint-of:";

/// Reads `trim-horizon`, `latest` (AWS's own spelling, too), a time, or `checkpoint-of:MAPPING`.
pub(in crate::commands) fn parse(text: &str) -> Result<RewindTo, String> {
    if let Some(other) = text.strip_prefix(CHECKPOINT_OF).filter(|other| !other.is_empty()) {
        return Ok(RewindTo::CheckpointOf(MappingId(other.to_owned())));
    }
    let position = match text.to_ascii_lowercase().replace('_', "-").as_str() {
        "trim-horizon" => Some(StartingPosition::TrimHorizon),
        "latest" => Some(StartingPosition::Latest),
        _ => moment::parse(text).ok().map(StartingPosition::AtTimestamp),
    };
    position.map(RewindTo::Start).ok_or_else(|| {
        format!("expected trim-horizon, latest, {CHECKPOINT_OF}MAPPING, or a time: {}", moment::forms())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::Timestamp;

    #[track_caller]
    fn check(text: &str, expected: Option<StartingPosition>) {
        assert_eq!(parse(text).ok(), expected.map(RewindTo::Start), "{text}");
    }

    #[test]
    fn a_position_is_one_of_aws_s_or_a_time() {
        let at = |millis| Some(StartingPosition::AtTimestamp(Timestamp::from_millis(millis)));
        check("trim-horizon", Some(StartingPosition::TrimHorizon));
        check("TRIM_HORIZON", Some(StartingPosition::TrimHorizon));
        check("latest", Some(StartingPosition::Latest));
        check("LATEST", Some(StartingPosition::Latest));
        check("1767225600.5", at(1_767_225_600_500));
        check("2026-01-01T00:00:00.5Z", at(1_767_225_600_500));
        check("2026-01-01T01:00:00+01:00", at(1_767_225_600_000));
        for wrong in
            ["", "yesterday", "5m", "2026-01-01", "2026-01-01T00:00:00", "-1", "1767225600000", "NaN"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn the_checkpoint_of_another_mapping_is_named_by_it() {
        let of = |name: &str| RewindTo::CheckpointOf(MappingId(name.to_owned()));
        assert_eq!(parse("checkpoint-of:KeeperOrders"), Ok(of("KeeperOrders")));
        parse("checkpoint-of:").unwrap_err();
        parse("checkpoint-of").unwrap_err();
    }
}
