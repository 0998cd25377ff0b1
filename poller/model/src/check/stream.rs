//! What a mapping asks of the shards of its stream, and what Kafka has in common with streams: where to begin, and how often and how
//! long to try.

use super::super::limits::{AT_TIMESTAMP, KINESIS, LATEST};
use super::super::mapping::ShardSettings;
use super::super::problem::{Allowed, ProblemKind};
use super::super::settings::{MappingSettings, Parameter};
use super::super::starting_position::timestamp;
use super::{Check, seconds_long};
use pelton_core::Timestamp;
use pelton_core::starting_position::StartingPosition;
use std::time::Duration;

impl Check {
    pub(super) fn shards(&mut self, settings: &MappingSettings) -> ShardSettings {
        let table = self.table;
        let factor = settings.parallelization_factor.as_deref();
        let window = settings.tumbling_window_in_seconds.as_deref();
        let parallelization_factor = table
            .parallelization_factor
            .as_ref()
            .map_or(1, |whole| self.count(Parameter::ParallelizationFactor, factor, whole));
        let tumbling_window = table
            .tumbling_window_in_seconds
            .as_ref()
            .map_or(0, |whole| self.whole(Parameter::TumblingWindowInSeconds, window, whole));
        ShardSettings {
            starting_position: self.starting_position(settings),
            parallelization_factor,
            bisect_batch_on_function_error: self.bisects(settings),
            maximum_retry_attempts: self.retry_attempts(settings),
            maximum_record_age: self.record_age(settings),
            tumbling_window: (tumbling_window > 0).then(|| seconds_long(tumbling_window)),
        }
    }

    pub(super) fn bisects(&mut self, settings: &MappingSettings) -> bool {
        let given = settings.bisect_batch_on_function_error.as_deref();
        let default = self.table.bisect_batch_on_function_error;
        default.is_some_and(|default| self.boolean(Parameter::BisectBatchOnFunctionError, given, default))
    }

    /// `None`: no limit.
    pub(super) fn retry_attempts(&mut self, settings: &MappingSettings) -> Option<u32> {
        let given = settings.maximum_retry_attempts.as_deref();
        let whole = self.table.maximum_retry_attempts.as_ref()?;
        u32::try_from(self.whole(Parameter::MaximumRetryAttempts, given, whole)).ok()
    }

    /// `None`: no limit.
    pub(super) fn record_age(&mut self, settings: &MappingSettings) -> Option<Duration> {
        let given = settings.maximum_record_age_in_seconds.as_deref();
        let whole = self.table.maximum_record_age_in_seconds.as_ref()?;
        let age = self.whole(Parameter::MaximumRecordAgeInSeconds, given, whole);
        u64::try_from(age).ok().map(Duration::from_secs)
    }

    pub(super) fn starting_position(&mut self, settings: &MappingSettings) -> StartingPosition {
        let words = self.table.starting_position;
        let moment = self.moment(settings.starting_position_timestamp.as_deref());
        let Some(word) = settings.starting_position.as_deref() else {
            self.report(Parameter::StartingPosition, ProblemKind::Missing);
            return StartingPosition::TrimHorizon;
        };
        if !words.contains(&word) {
            let is_known = KINESIS.starting_position.contains(&word);
            let refuse = if is_known { Self::refuse_here } else { Self::refuse };
            refuse(self, Parameter::StartingPosition, word, Allowed::OneOf(words));
            return StartingPosition::TrimHorizon;
        }
        let is_at_timestamp = word == AT_TIMESTAMP;
        match (is_at_timestamp, settings.starting_position_timestamp.is_some(), moment) {
            (true, true, Some(moment)) if moment > self.now => {
                self.report(Parameter::StartingPositionTimestamp, ProblemKind::InTheFuture);
            }
            (true, true, Some(moment)) => return StartingPosition::AtTimestamp(moment),
            (true, false, _) => self.report(Parameter::StartingPositionTimestamp, ProblemKind::Missing),
            (false, true, Some(_)) => {
                let with = Parameter::StartingPosition;
                self.report(Parameter::StartingPositionTimestamp, ProblemKind::Conflict { with });
            }
            (_, true, None) | (false, false, _) => {}
        }
        if word == LATEST { StartingPosition::Latest } else { StartingPosition::TrimHorizon }
    }

    /// `None`: not given, not taken, or no time.
    fn moment(&mut self, given: Option<&str>) -> Option<Timestamp> {
        let text = given.filter(|_| self.table.takes(Parameter::StartingPositionTimestamp))?;
        let moment = timestamp(text);
        if moment.is_none() {
            self.refuse(Parameter::StartingPositionTimestamp, text, Allowed::Time);
        }
        moment
    }
}
