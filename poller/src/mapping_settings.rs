//! The settings of a mapping in AWS's names, as `GetEventSourceMapping` of the Lambda API shows them.
//!
//! In: a mapping. Out: JSON for programs, and for people what differs from the defaults.

use crate::application::{Mapping, OnFailure};
use serde::{Deserialize, Serialize};

/// What stands for no limit.
const FOREVER: i64 = -1;

/// What a mapping does with the records of its stream. Names and values are AWS's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MappingSettings {
    /// Most records of one invocation.
    pub batch_size: u32,
    /// How long to gather records.
    pub maximum_batching_window_in_seconds: u64,
    /// Batches of a shard that run side by side.
    pub parallelization_factor: u32,
    /// Whether a batch that failed is split in two.
    pub bisect_batch_on_function_error: bool,
    /// How often a batch that failed is tried again; -1: until it expires.
    pub maximum_retry_attempts: i64,
    /// A record of this age is given up; -1: never.
    pub maximum_record_age_in_seconds: i64,
    /// 0: no windows.
    pub tumbling_window_in_seconds: u64,
    /// `ReportBatchItemFailures`, or nothing.
    pub function_response_types: Vec<String>,
    /// Which records are delivered; absent if all are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<FilterCriteria>,
    /// Where records go that were given up.
    pub destination_config: DestinationConfig,
}

/// Filters, of which a record must match one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterCriteria {
    /// At least one.
    pub filters: Vec<Filter>,
}

/// One filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Filter {
    /// JSON, as the template has it.
    pub pattern: String,
}

/// Where records go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DestinationConfig {
    /// Those that were given up.
    pub on_failure: OnFailureConfig,
}

/// Where records go that were given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnFailureConfig {
    /// An ARN, or `file:PATH`; absent if they go nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// AWS's defaults for a Kinesis stream.
impl Default for MappingSettings {
    fn default() -> Self {
        Self {
            batch_size: 100,
            maximum_batching_window_in_seconds: 0,
            parallelization_factor: 1,
            bisect_batch_on_function_error: false,
            maximum_retry_attempts: FOREVER,
            maximum_record_age_in_seconds: FOREVER,
            tumbling_window_in_seconds: 0,
            function_response_types: Vec::new(),
            filter_criteria: None,
            destination_config: DestinationConfig::default(),
        }
    }
}

impl MappingSettings {
    /// The settings of a mapping.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        let patterns = mapping.filter_patterns.iter();
        let filters: Vec<Filter> = patterns.map(|pattern| Filter { pattern: pattern.clone() }).collect();
        let destination = mapping.on_failure.as_ref().map(|on_failure| match on_failure {
            OnFailure::Sqs(arn) | OnFailure::Sns(arn) => arn.clone(),
            OnFailure::S3 { bucket } => format!("arn:{}:s3:::{bucket}", mapping.stream.partition),
            OnFailure::File(path) => format!("file:{}", path.display()),
        });
        let types = mapping.report_batch_item_failures.then(|| "ReportBatchItemFailures".to_owned());
        Self {
            batch_size: mapping.batch_size,
            maximum_batching_window_in_seconds: mapping.batching_window.as_secs(),
            parallelization_factor: mapping.parallelization_factor,
            bisect_batch_on_function_error: mapping.bisect_batch_on_function_error,
            maximum_retry_attempts: mapping.maximum_retry_attempts.map_or(FOREVER, i64::from),
            maximum_record_age_in_seconds: mapping
                .maximum_record_age
                .map_or(FOREVER, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX)),
            tumbling_window_in_seconds: mapping.tumbling_window.map_or(0, |length| length.as_secs()),
            function_response_types: types.into_iter().collect(),
            filter_criteria: (!filters.is_empty()).then_some(FilterCriteria { filters }),
            destination_config: DestinationConfig { on_failure: OnFailureConfig { destination } },
        }
    }

    /// Names and values of what is not AWS's default, but for batch size and batching window: every mapping has its own.
    #[must_use]
    pub fn changes(&self) -> Vec<(&'static str, String)> {
        // Taken apart, so that a setting which is new is not forgotten here.
        let Self {
            batch_size: _,
            maximum_batching_window_in_seconds: _,
            parallelization_factor,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            maximum_record_age_in_seconds,
            tumbling_window_in_seconds,
            function_response_types,
            filter_criteria,
            destination_config: DestinationConfig { on_failure: OnFailureConfig { destination } },
        } = self;
        let defaults = Self::default();
        let mut changes = Vec::new();
        let mut add = |is_changed: bool, name, value: &dyn ToString| {
            if is_changed {
                changes.push((name, value.to_string()));
            }
        };
        let (factor, attempts) = (*parallelization_factor, *maximum_retry_attempts);
        add(factor != defaults.parallelization_factor, "ParallelizationFactor", &factor);
        add(*bisect_batch_on_function_error, "BisectBatchOnFunctionError", &true);
        add(attempts != defaults.maximum_retry_attempts, "MaximumRetryAttempts", &attempts);
        let (age, window) = (*maximum_record_age_in_seconds, *tumbling_window_in_seconds);
        add(age != defaults.maximum_record_age_in_seconds, "MaximumRecordAgeInSeconds", &age);
        add(window != defaults.tumbling_window_in_seconds, "TumblingWindowInSeconds", &window);
        for kind in function_response_types {
            add(true, "FunctionResponseTypes", kind);
        }
        for Filter { pattern } in filter_criteria.iter().flat_map(|criteria| &criteria.filters) {
            add(true, "FilterCriteria", pattern);
        }
        if let Some(destination) = destination {
            add(true, "OnFailure", destination);
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{MappingId, StreamArn};
    use pelton_core::plan::StartingPosition;

    #[test]
    fn the_defaults_are_no_changes() {
        let defaults = MappingSettings::default();
        let [partition, region, account, name] =
            ["aws", "eu-west-1", "123456789012", "orders"].map(str::to_owned);
        let stream = StreamArn { partition, region, account, name };
        let mapping = Mapping::new(MappingId("M".into()), "F".into(), stream, StartingPosition::Latest);
        assert_eq!(MappingSettings::of(&mapping), defaults);
        assert_eq!(defaults.changes(), []);
        let told = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<MappingSettings>(&told).unwrap(), defaults);
        let own = MappingSettings { batch_size: 5, maximum_batching_window_in_seconds: 1, ..defaults };
        assert_eq!(own.changes(), [], "every mapping has its own");
    }
}
