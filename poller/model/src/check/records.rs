//! What a mapping asks about its records, whatever their source: which are delivered, which may be reported, and where those go that
//! are given up.

use super::super::limits::{DESTINATION_CHARS_MAX, KAFKA, METRICS_MAX};
use super::super::on_failure::{NoDestination, OnFailure};
use super::super::problem::{Allowed, ProblemKind};
use super::super::settings::Parameter;
use super::Check;
use super::kafka_and_sqs::is_topic;
use pelton_core::filter::Filters;

impl Check {
    pub(super) fn response_types(&mut self, given: &[String]) -> bool {
        let known = self.table.function_response_types;
        let parameter = Parameter::FunctionResponseTypes;
        for kind in given.iter().filter(|kind| !known.contains(&kind.as_str())) {
            self.refuse(parameter, kind, Allowed::OneOrNoneOf(known));
        }
        if given.len() > 1 && !self.is_wrong(parameter) {
            self.refuse(parameter, &given.join(", "), Allowed::OneOrNoneOf(known));
        }
        !given.is_empty()
    }

    pub(super) fn filters(&mut self, given: &[Option<String>]) -> Vec<String> {
        let limits = &self.table.filter_criteria;
        let (count, max) = (given.len(), limits.count_max);
        if count > max {
            self.report(Parameter::Filters, ProblemKind::TooMany { count, max });
        }
        let mut patterns = Vec::new();
        for (index, pattern) in given.iter().enumerate() {
            let parameter = Parameter::Pattern(index);
            let Some(text) = pattern else {
                self.report(parameter, ProblemKind::Missing);
                continue;
            };
            let (chars, max) = (text.chars().count(), limits.pattern_chars_max);
            if chars > max {
                self.report(parameter, ProblemKind::TooLong { chars, max });
            } else if let Err(error) = Filters::compile(self.kind.records(), std::slice::from_ref(text)) {
                self.report(parameter, ProblemKind::NoPattern(error));
            }
            patterns.push(text.clone());
        }
        patterns
    }

    /// An empty text is no destination.
    pub(super) fn destination(&mut self, given: Option<&str>) -> Option<OnFailure> {
        let text = given.filter(|text| !text.is_empty() && self.table.takes(Parameter::Destination))?;
        let parameter = Parameter::Destination;
        let named = OnFailure::named(text);
        let (chars, max) = (text.chars().count(), DESTINATION_CHARS_MAX);
        let is_file = matches!(&named, Ok(OnFailure::File(_)) | Err(NoDestination::NoFile));
        if chars > max && !is_file {
            self.report(parameter, ProblemKind::TooLong { chars, max });
            return None;
        }
        match named {
            Ok(OnFailure::File(path)) => return Some(OnFailure::File(path)),
            Ok(OnFailure::Kafka { topic }) if !is_topic(&topic) => {
                self.refuse(parameter, text, Allowed::Destination);
            }
            Ok(named) if self.table.on_failure.contains(&named.kind()) => return Some(named),
            Ok(_) => self.refuse_here(parameter, text, Allowed::Destination),
            Err(NoDestination::Unknown) => self.refuse(parameter, text, Allowed::Destination),
            Err(NoDestination::NoFile) => self.refuse(parameter, text, Allowed::File),
            Err(NoDestination::Fifo) => self.report(parameter, ProblemKind::Fifo),
        }
        None
    }

    /// Which metrics AWS keeps: there is nothing to remember, as Pelton always counts all that `EventCount` stands for.
    pub(super) fn metrics(&mut self, given: &[String]) {
        let (parameter, known) = (Parameter::Metrics, self.table.metrics);
        for group in given.iter().filter(|group| !known.contains(&group.as_str())) {
            let is_known = KAFKA.metrics.contains(&group.as_str());
            let refuse = if is_known { Self::refuse_here } else { Self::refuse };
            refuse(self, parameter, group, Allowed::ListOf(known));
        }
        if given.len() > METRICS_MAX {
            self.report(parameter, ProblemKind::TooMany { count: given.len(), max: METRICS_MAX });
        }
    }
}
