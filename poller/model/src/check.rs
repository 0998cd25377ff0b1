//! From the parameters of a mapping to a mapping: the one door, whoever gives them.
//!
//! In: the parameters, what the mapping reads from, the time. Out: a mapping, or all that AWS would not take. Which ranges and
//! defaults there are, stands in `limits`; which parameters go together, stands here.

mod kafka_access;
mod kafka_and_sqs;
mod records;
mod schema_registry;
mod stream;

use super::limits::{self, ENABLED_DEFAULT, Table, Whole, Window};
use super::mapping::{EventSource, Mapping, MappingNames, ReadsFrom, ShardSettings, SourceKind};
use super::problem::{Allowed, Problem, ProblemKind};
use super::settings::{MappingSettings, Parameter};
use pelton_core::Timestamp;
use std::ops::RangeInclusive;
use std::time::Duration;

impl MappingSettings {
    /// The mapping that these parameters ask for.
    ///
    /// # Errors
    ///
    /// For all that AWS would not take of this source.
    pub fn check(
        self,
        names: MappingNames,
        reads_from: ReadsFrom,
        now: Timestamp,
    ) -> Result<Mapping, Vec<Problem>> {
        let kind = reads_from.kind();
        let mut check = Check { kind, table: limits::of(kind), now, problems: Vec::new() };
        check.refuse_what_is_not_taken(&self);
        let mapping = Mapping {
            enabled: check.boolean(Parameter::Enabled, self.enabled.as_deref(), ENABLED_DEFAULT),
            batching_window: check.batching_window(&self),
            batch_size: check.batch_size(&self, &reads_from),
            report_batch_item_failures: check.response_types(&self.function_response_types),
            filter_patterns: check.filters(&self.filters),
            on_failure: check.destination(self.destination.as_deref()),
            source: check.source(&self, reads_from, &names),
            id: names.id,
            function: names.function,
        };
        check.metrics(&self.metrics);
        check.go_together(&mapping);
        if check.problems.is_empty() { Ok(mapping) } else { Err(check.problems) }
    }
}

/// A check under way. A parameter that is wrong counts as if it had its default, so that the others are checked as well; with a
/// problem there is no mapping in the end.
struct Check {
    kind: SourceKind,
    table: &'static Table,
    now: Timestamp,
    problems: Vec<Problem>,
}

impl Check {
    fn report(&mut self, parameter: Parameter, kind: ProblemKind) {
        self.problems.push(Problem { parameter, kind });
    }

    fn refuse(&mut self, parameter: Parameter, given: &str, allowed: Allowed) {
        self.report(parameter, ProblemKind::NotAllowed { given: given.to_owned(), allowed });
    }

    fn refuse_here(&mut self, parameter: Parameter, given: &str, allowed: Allowed) {
        let kind = ProblemKind::ValueNotTaken { given: given.to_owned(), by: self.kind, allowed };
        self.report(parameter, kind);
    }

    fn is_wrong(&self, parameter: Parameter) -> bool {
        self.problems.iter().any(|problem| problem.parameter == parameter)
    }

    /// Each parameter that is given must be one that the source takes.
    fn refuse_what_is_not_taken(&mut self, settings: &MappingSettings) {
        for parameter in settings.given() {
            if !self.table.takes(parameter) {
                self.report(parameter, ProblemKind::NotTaken { by: self.kind });
            }
        }
    }

    fn boolean(&mut self, parameter: Parameter, given: Option<&str>, default: bool) -> bool {
        let Some(text) = given else { return default };
        match text.to_ascii_lowercase().as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.refuse(parameter, text, Allowed::Boolean);
                default
            }
        }
    }

    fn whole(&mut self, parameter: Parameter, given: Option<&str>, whole: &Whole) -> i64 {
        let Some(text) = given else { return whole.default };
        match text.trim().parse() {
            Ok(number) if whole.has(number) => number,
            Ok(_) | Err(_) => {
                self.refuse(parameter, text, Allowed::whole(whole));
                whole.default
            }
        }
    }

    fn count(&mut self, parameter: Parameter, given: Option<&str>, whole: &Whole) -> u32 {
        u32::try_from(self.whole(parameter, given, whole)).expect("the tables have no counts below 0")
    }

    fn batching_window(&mut self, settings: &MappingSettings) -> Duration {
        let Window { range, default } = &self.table.maximum_batching_window_in_seconds;
        let given = settings.maximum_batching_window_in_seconds.as_deref();
        let parameter = Parameter::MaximumBatchingWindowInSeconds;
        self.in_range(parameter, given, range).map_or(*default, seconds_long)
    }

    /// A number without a default.
    fn in_range(
        &mut self,
        parameter: Parameter,
        given: Option<&str>,
        range: &RangeInclusive<i64>,
    ) -> Option<i64> {
        let text = given?;
        let number = text.trim().parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(parameter, text, Allowed::Whole(range.clone()));
        }
        number
    }

    fn batch_size(&mut self, settings: &MappingSettings, reads_from: &ReadsFrom) -> u32 {
        let is_fifo = matches!(reads_from, ReadsFrom::Sqs(queue) if queue.is_fifo());
        let mut whole = self.table.batch_size.clone();
        if let (true, Some(max)) = (is_fifo, self.table.batch_size_of_fifo_max) {
            whole.range = *whole.range.start()..=max;
        }
        self.count(Parameter::BatchSize, settings.batch_size.as_deref(), &whole)
    }

    fn source(
        &mut self,
        settings: &MappingSettings,
        reads_from: ReadsFrom,
        names: &MappingNames,
    ) -> EventSource {
        match reads_from {
            ReadsFrom::Stream(stream) => EventSource::of_stream(stream, self.shards(settings)),
            ReadsFrom::Kafka(cluster) => EventSource::Kafka(self.kafka(settings, cluster, names)),
            ReadsFrom::Sqs(queue) => EventSource::Sqs(self.sqs(settings, queue)),
        }
    }

    /// What is allowed alone may not be allowed together.
    fn go_together(&mut self, mapping: &Mapping) {
        // A window has one state: batches that run side by side would each need one.
        if let Some(ShardSettings { tumbling_window: Some(_), parallelization_factor: 2.., .. }) =
            mapping.source.shards()
        {
            let with = Parameter::TumblingWindowInSeconds;
            self.report(Parameter::ParallelizationFactor, ProblemKind::Conflict { with });
        }
        self.kafka_goes_together(mapping);
        let window = Parameter::MaximumBatchingWindowInSeconds;
        if let Some(max) = self.table.batch_size_without_window_max
            && i64::from(mapping.batch_size) > max
            && mapping.batching_window.is_zero()
            && !self.is_wrong(window)
        {
            self.report(Parameter::BatchSize, ProblemKind::Needs { other: window });
        }
    }
}

impl Whole {
    fn has(&self, number: i64) -> bool {
        self.range.contains(&number) || (self.or_forever && number == limits::FOREVER)
    }
}

fn seconds_long(seconds: i64) -> Duration {
    Duration::from_secs(u64::try_from(seconds).expect("the tables have no window below 0"))
}

#[cfg(test)]
mod tests;
