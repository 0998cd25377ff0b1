//! Makes the sources of mappings: each with the pace at which it may be read, and with what stands around its records in an event.

use super::aws::{Endpoint, KinesisClient};
use super::budget::ByteBudget;
use super::dynamodb::{DynamoDbSource, DynamoDbStreamsClient};
use super::embedded::Arrivals;
use super::kinesis::KinesisSource;
use crate::clock::Clock;
use crate::ports::{Pace, Stream};
use pelton_core::Envelope;
use pelton_core::event::page::records_envelope;
use pelton_core::filter::Filters;
use pelton_model::{EventSource, Mapping, ShardSettings, StreamArn};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Reads of one shard in a second on AWS (Kinesis API, GetRecords), as a pause between two of them.
const KINESIS_READ_GAP_MIN: Duration = Duration::from_millis(200);
/// `--poll-interval` where nobody gives it: what AWS waits for between two reads of an idle shard of Kinesis.
const POLL_INTERVAL_DEFAULT: Duration = Duration::from_secs(1);
/// Most records that Kinesis hands out in one read.
const KINESIS_READ_RECORDS_MAX: usize = 10_000;
/// AWS allows four reads of a shard of DynamoDB Streams in a second.
pub(super) const DYNAMODB_READ_GAP_MIN: Duration = Duration::from_millis(250);
/// Most records that DynamoDB Streams hands out in one read.
pub(super) const DYNAMODB_READ_RECORDS_MAX: usize = 1_000;
/// Records of one read at the least, where reads are free. Pages of a few hundred kilobytes stay in the processor's caches and
/// come while the handler still has the page before; larger ones only take memory.
const FREE_READ_RECORDS_MIN: usize = 500;

/// Where the streams are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamsAt {
    /// In this very process: they may be read as often as one likes, and are new ones at every start.
    ThisProcess,
    /// Embedded in another process of this machine: they may be read as often as one likes.
    AnotherProcess,
    /// At a service, with the limits that AWS has.
    Service,
}

impl StreamsAt {
    fn are_reads_free(self) -> bool {
        match self {
            Self::ThisProcess | Self::AnotherProcess => true,
            Self::Service => false,
        }
    }
}

/// Makes the sources of one poller.
pub struct Sources {
    /// Speaks to Kinesis.
    pub kinesis: KinesisClient,
    /// Speak to DynamoDB Streams, by region: one for each that a mapping reads from.
    pub dynamodb: BTreeMap<String, DynamoDbStreamsClient>,
    /// Where the Kinesis streams are.
    pub streams_at: StreamsAt,
    /// Tells when records arrive, if the Kinesis streams are in this process.
    pub arrivals: Option<Arrivals>,
    /// Bytes of records held by all shards together.
    pub budget: ByteBudget,
    /// From one read of an idle shard to the next.
    pub poll_interval: Duration,
    /// The time.
    pub clock: Clock,
}

/// A stream, and how it is read.
#[derive(Clone)]
pub struct OpenedSource {
    /// What a mapping reads.
    pub source: Arc<dyn Stream>,
    /// How often, and how much at once.
    pub pace: Pace,
    /// What stands around the records of an event.
    pub envelope: Envelope,
    /// Whether its stream ends with this process: the next one finds a new stream under its name.
    pub ends_with_process: bool,
}

impl Sources {
    /// What a mapping reads. `invoke_identity_arn` is the role that its function would have on AWS.
    ///
    /// # Panics
    ///
    /// If a pattern of the mapping does not compile, if its source is no stream, without a client for its region, and if the stream
    /// of its table is still to be found.
    #[must_use]
    pub fn open(&self, mapping: &Mapping, invoke_identity_arn: &str) -> OpenedSource {
        let filters = Filters::compile(mapping.source.kind().records(), &mapping.filter_patterns)
            .expect("the patterns of a mapping compile");
        match &mapping.source {
            EventSource::Kinesis { stream, shards } => OpenedSource {
                source: self.kinesis(stream, shards, filters, invoke_identity_arn),
                pace: kinesis_pace(self.streams_at, self.poll_interval, mapping.batch_size, shards),
                envelope: records_envelope(),
                ends_with_process: self.streams_at == StreamsAt::ThisProcess,
            },
            EventSource::DynamoDb { stream, shards } => OpenedSource {
                source: self.dynamodb(stream, shards, filters),
                pace: dynamodb_pace(self.poll_interval),
                envelope: records_envelope(),
                ends_with_process: false,
            },
            EventSource::Kafka(_) | EventSource::Sqs(_) => unreachable!("a topic and a queue are no streams"),
        }
    }

    /// Who is asked for the records of a mapping; `None`: nobody, as it does not run.
    #[must_use]
    pub fn endpoint(&self, mapping: &Mapping) -> Option<&Endpoint> {
        match &mapping.source {
            EventSource::Kinesis { .. } => Some(self.kinesis.endpoint()),
            EventSource::DynamoDb { stream, .. } => {
                self.dynamodb.get(&stream.region).map(DynamoDbStreamsClient::endpoint)
            }
            EventSource::Kafka(_) | EventSource::Sqs(_) => None,
        }
    }

    /// The same of several mappings, for people.
    #[must_use]
    pub fn endpoints<'m>(&self, mappings: impl Iterator<Item = &'m Mapping>) -> String {
        let endpoints: BTreeSet<&str> =
            mappings.filter_map(|mapping| self.endpoint(mapping)).map(Endpoint::as_str).collect();
        endpoints.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn kinesis(
        &self,
        stream: &StreamArn,
        shards: &ShardSettings,
        filters: Option<Filters>,
        invoke_identity_arn: &str,
    ) -> Arc<dyn Stream> {
        let (client, clock, budget) = (self.kinesis.clone(), self.clock.clone(), self.budget.clone());
        let role = invoke_identity_arn.to_owned();
        let source = KinesisSource::new(client, clock, budget, stream.clone(), role)
            .with_filters(filters)
            .with_keys(has_lanes(shards))
            .with_arrivals(self.arrivals.clone());
        Arc::new(source)
    }

    fn dynamodb(
        &self,
        stream: &StreamArn,
        shards: &ShardSettings,
        filters: Option<Filters>,
    ) -> Arc<dyn Stream> {
        assert!(!stream.is_to_be_found(), "the stream of a table is found before it is opened");
        let client = self.dynamodb.get(&stream.region).cloned();
        let client = client.expect("there is a client for each region that a mapping reads from");
        let (clock, budget) = (self.clock.clone(), self.budget.clone());
        let (arn, region) = (stream.to_string(), stream.region.clone());
        Arc::new(DynamoDbSource::new(client, clock, budget, arn, region, filters, has_lanes(shards)))
    }
}

fn has_lanes(shards: &ShardSettings) -> bool {
    shards.parallelization_factor > 1
}

/// AWS reads an idle shard of a table as often as it is allowed to (specification 2.3): `poll_interval` only makes that rarer if it
/// is longer than its default.
fn dynamodb_pace(poll_interval: Duration) -> Pace {
    let poll_interval = match poll_interval <= POLL_INTERVAL_DEFAULT {
        true => DYNAMODB_READ_GAP_MIN,
        false => poll_interval,
    };
    let (read_gap_min, read_records_max) = (DYNAMODB_READ_GAP_MIN, DYNAMODB_READ_RECORDS_MAX);
    Pace { poll_interval, read_gap_min, read_records_max }
}

/// Where reads are few, each takes all that the API hands out; else enough to fill a batch of each lane, so that lanes do not run
/// half empty beside one another.
fn kinesis_pace(
    streams_at: StreamsAt,
    poll_interval: Duration,
    batch_size: u32,
    shards: &ShardSettings,
) -> Pace {
    if !streams_at.are_reads_free() {
        let (read_gap_min, read_records_max) = (KINESIS_READ_GAP_MIN, KINESIS_READ_RECORDS_MAX);
        return Pace { poll_interval, read_gap_min, read_records_max };
    }
    let all_lanes = batch_size as usize * shards.parallelization_factor as usize;
    let read_records_max = FREE_READ_RECORDS_MIN.next_multiple_of(all_lanes).min(KINESIS_READ_RECORDS_MAX);
    Pace { poll_interval, read_gap_min: Duration::ZERO, read_records_max }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::starting_position::StartingPosition;
    use pelton_model::MappingId;

    fn check(streams_at: StreamsAt, batch_size: u32, parallelization_factor: u32, records_max: usize) {
        let stream = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders".parse().unwrap();
        let mapping = Mapping::new(MappingId("M".into()), "F".into(), stream, StartingPosition::Latest);
        let shards = ShardSettings { parallelization_factor, ..mapping.source.shards().unwrap().clone() };
        let pace = kinesis_pace(streams_at, Duration::ZERO, batch_size, &shards);
        assert_eq!(pace.read_records_max, records_max);
    }

    #[test]
    fn where_reads_are_free_one_fills_a_batch_of_each_lane_and_no_batch_by_half() {
        check(StreamsAt::AnotherProcess, 100, 1, 500);
        check(StreamsAt::AnotherProcess, 100, 4, 800);
        check(StreamsAt::ThisProcess, 300, 1, 600);
        check(StreamsAt::ThisProcess, 1000, 4, 4000);
        check(StreamsAt::AnotherProcess, 10_000, 10, 10_000);
    }

    #[test]
    fn where_reads_are_few_each_takes_all_that_it_can() {
        check(StreamsAt::Service, 100, 4, 10_000);
    }
}
