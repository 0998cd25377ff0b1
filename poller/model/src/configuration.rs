//! The settings of a mapping in AWS's names, as `GetEventSourceMapping` of the Lambda API shows them.
//!
//! In: a mapping. Out: JSON for programs, and for people what differs from the defaults.

mod kafka;

pub use kafka::KafkaConfiguration;

use super::kafka::KafkaSettings;
use super::limits::{FOREVER, KAFKA, KINESIS, Whole};
use super::mapping::{EventSource, Mapping, ShardSettings, SqsSettings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a mapping does with the records of its source. Names and values are AWS's; what its source does not take is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MappingConfiguration {
    /// Most records of one invocation.
    pub batch_size: u32,
    /// How long to gather records; absent: AWS's half a second of a mapping of Kafka, which is no whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_batching_window_in_seconds: Option<u64>,
    /// Batches of a shard that run side by side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallelization_factor: Option<u32>,
    /// Whether a batch that failed is split in two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bisect_batch_on_function_error: Option<bool>,
    /// How often a batch that failed is tried again; -1: until it expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_retry_attempts: Option<i64>,
    /// A record of this age is given up; -1: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_record_age_in_seconds: Option<i64>,
    /// 0: no windows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tumbling_window_in_seconds: Option<u64>,
    /// `ReportBatchItemFailures`, or nothing.
    pub function_response_types: Vec<String>,
    /// Which records are delivered; absent if all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter_criteria: Option<FilterConfiguration>,
    /// Where records go that were given up.
    pub destination_config: DestinationConfiguration,
    /// What only a mapping of Kafka has.
    #[serde(flatten)]
    pub kafka: Option<KafkaConfiguration>,
}

/// Filters, of which a record must match one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FilterConfiguration {
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
pub struct DestinationConfiguration {
    /// Those that were given up.
    pub on_failure: OnFailureConfiguration,
}

/// Where records go that were given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnFailureConfiguration {
    /// An ARN, or `file:PATH`; absent if they go nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
}

/// AWS's defaults for a Kinesis stream.
impl Default for MappingConfiguration {
    fn default() -> Self {
        Self {
            batch_size: KINESIS.batch_size.default_count(),
            maximum_batching_window_in_seconds: Some(
                KINESIS.maximum_batching_window_in_seconds.default.as_secs(),
            ),
            parallelization_factor: KINESIS.parallelization_factor.as_ref().map(Whole::default_count),
            bisect_batch_on_function_error: KINESIS.bisect_batch_on_function_error,
            maximum_retry_attempts: KINESIS.maximum_retry_attempts.as_ref().map(|whole| whole.default),
            maximum_record_age_in_seconds: KINESIS
                .maximum_record_age_in_seconds
                .as_ref()
                .map(|whole| whole.default),
            tumbling_window_in_seconds: KINESIS
                .tumbling_window_in_seconds
                .as_ref()
                .map(|whole| u64::from(whole.default_count())),
            function_response_types: Vec::new(),
            filter_criteria: None,
            destination_config: DestinationConfiguration::default(),
            kafka: None,
        }
    }
}

impl MappingConfiguration {
    /// The settings of a mapping.
    #[must_use]
    pub fn of(mapping: &Mapping) -> Self {
        let patterns = mapping.filter_patterns.iter();
        let filters: Vec<Filter> = patterns.map(|pattern| Filter { pattern: pattern.clone() }).collect();
        let destination = mapping.on_failure.as_ref().map(ToString::to_string);
        let types = mapping.report_batch_item_failures.then(|| "ReportBatchItemFailures".to_owned());
        let of_every_source = Self {
            batch_size: mapping.batch_size,
            maximum_batching_window_in_seconds: whole_seconds(mapping.batching_window),
            parallelization_factor: None,
            bisect_batch_on_function_error: None,
            maximum_retry_attempts: None,
            maximum_record_age_in_seconds: None,
            tumbling_window_in_seconds: None,
            function_response_types: types.into_iter().collect(),
            filter_criteria: (!filters.is_empty()).then_some(FilterConfiguration { filters }),
            destination_config: DestinationConfiguration {
                on_failure: OnFailureConfiguration { destination },
            },
            kafka: None,
        };
        match &mapping.source {
            EventSource::Kinesis { stream: _, shards } | EventSource::DynamoDb { stream: _, shards } => {
                of_every_source.with_shards(shards)
            }
            EventSource::Kafka(settings) => of_every_source.with_kafka(settings),
            EventSource::Sqs(SqsSettings { queue: _, maximum_concurrency: _, pollers: _ }) => of_every_source,
        }
    }

    fn with_shards(self, shards: &ShardSettings) -> Self {
        let ShardSettings {
            starting_position: _,
            parallelization_factor,
            bisect_batch_on_function_error,
            maximum_retry_attempts,
            maximum_record_age,
            tumbling_window,
        } = shards;
        Self {
            parallelization_factor: Some(*parallelization_factor),
            bisect_batch_on_function_error: Some(*bisect_batch_on_function_error),
            maximum_retry_attempts: Some(attempts(*maximum_retry_attempts)),
            maximum_record_age_in_seconds: Some(age(*maximum_record_age)),
            tumbling_window_in_seconds: Some(tumbling_window.map_or(0, |length| length.as_secs())),
            ..self
        }
    }

    fn with_kafka(self, settings: &KafkaSettings) -> Self {
        let factor = settings.parallelization_factor;
        Self {
            // AWS has none of Kafka: only where somebody asks for it, it is shown.
            parallelization_factor: (factor > 1).then_some(factor),
            bisect_batch_on_function_error: Some(settings.bisect_batch_on_function_error),
            maximum_retry_attempts: Some(attempts(settings.maximum_retry_attempts)),
            maximum_record_age_in_seconds: Some(age(settings.maximum_record_age)),
            kafka: Some(KafkaConfiguration::of(settings)),
            ..self
        }
    }

    /// How many seconds records are gathered, for people.
    #[must_use]
    pub fn batching_window(&self) -> String {
        let default = || KAFKA.maximum_batching_window_in_seconds.default.as_secs_f64().to_string();
        self.maximum_batching_window_in_seconds.map_or_else(default, |seconds| seconds.to_string())
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
            destination_config:
                DestinationConfiguration { on_failure: OnFailureConfiguration { destination } },
            kafka,
        } = self;
        let defaults = Self::default();
        let factor = changed(*parallelization_factor, defaults.parallelization_factor);
        let bisects = changed(*bisect_batch_on_function_error, defaults.bisect_batch_on_function_error);
        let attempts = changed(*maximum_retry_attempts, defaults.maximum_retry_attempts);
        let age = changed(*maximum_record_age_in_seconds, defaults.maximum_record_age_in_seconds);
        let window = changed(*tumbling_window_in_seconds, defaults.tumbling_window_in_seconds);
        let single_values = [
            ("ParallelizationFactor", factor),
            ("BisectBatchOnFunctionError", bisects),
            ("MaximumRetryAttempts", attempts),
            ("MaximumRecordAgeInSeconds", age),
            ("TumblingWindowInSeconds", window),
        ];
        let single_values = single_values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let types = function_response_types.iter().map(|kind| ("FunctionResponseTypes", kind.clone()));
        let filters = filter_criteria.iter().flat_map(|criteria| &criteria.filters);
        let patterns = filters.map(|Filter { pattern }| ("FilterCriteria", pattern.clone()));
        let destination = destination.iter().map(|destination| ("OnFailure", destination.clone()));
        let kafka = kafka.iter().flat_map(KafkaConfiguration::lines);
        single_values.chain(types).chain(patterns).chain(destination).chain(kafka).collect()
    }
}

/// A value that is shown, if it is not the default.
fn changed<T: PartialEq + ToString>(shown: Option<T>, default: Option<T>) -> Option<String> {
    if shown == default { None } else { shown.map(|value| value.to_string()) }
}

fn whole_seconds(window: Duration) -> Option<u64> {
    (window.subsec_nanos() == 0).then_some(window.as_secs())
}

fn attempts(most: Option<u32>) -> i64 {
    most.map_or(FOREVER, i64::from)
}

fn age(most: Option<Duration>) -> i64 {
    most.map_or(FOREVER, |age| i64::try_from(age.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::mapping::MappingId;
    use super::*;
    use pelton_core::starting_position::StartingPosition;

    #[test]
    fn the_defaults_are_no_changes() {
        let defaults = MappingConfiguration::default();
        let stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders".parse().unwrap();
        let mapping = Mapping::new(MappingId("M".into()), "F".into(), stream, StartingPosition::Latest);
        assert_eq!(MappingConfiguration::of(&mapping), defaults);
        assert_eq!(defaults.changes(), []);
        let told = serde_json::to_string(&defaults).unwrap();
        assert_eq!(serde_json::from_str::<MappingConfiguration>(&told).unwrap(), defaults);
        let own =
            MappingConfiguration { batch_size: 5, maximum_batching_window_in_seconds: Some(1), ..defaults };
        assert_eq!(own.changes(), [], "every mapping has its own");
    }
}
