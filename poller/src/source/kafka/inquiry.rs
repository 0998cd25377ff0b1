//! Questions to the brokers that wait for an answer. To be asked on a thread that may wait.

use super::client::Consumer;
use super::settings::{ClientSettings, Outcome};
use crate::group_client::CommitAnswer;
use pelton_core::Timestamp;
use pelton_core::committed::Committed;
use pelton_core::group::{Bounds, Known, Partition};
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an answer is waited for.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// The partitions of the topic.
pub(super) fn partitions(consumer: &Consumer, settings: &ClientSettings) -> Result<Vec<Partition>, Outcome> {
    let metadata = consumer
        .fetch_metadata(Some(&settings.topic), WAIT_MAX)
        .map_err(|error| settings.outcome(consumer, "Metadata", &error))?;
    let topic = metadata.topics().iter().find(|topic| topic.name() == settings.topic);
    let Some(topic) = topic else { return Err(Outcome::NoTopic) };
    if let Some(error) = topic.error() {
        let code = RDKafkaErrorCode::from(error);
        if matches!(code, RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) {
            return Err(Outcome::NoTopic);
        }
        return Err(settings.outcome(consumer, "Metadata", &KafkaError::MetadataFetch(code)));
    }
    let mut partitions: Vec<Partition> = topic.partitions().iter().map(|partition| partition.id()).collect();
    partitions.sort_unstable();
    if partitions.is_empty() { Err(Outcome::NoTopic) } else { Ok(partitions) }
}

/// What is known of these, and what is committed of all others.
pub(super) fn known(
    consumer: &Consumer,
    settings: &ClientSettings,
    asked: &[Partition],
    since: Option<Timestamp>,
) -> Result<BTreeMap<Partition, Known>, Outcome> {
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut all = partitions(consumer, settings)?;
    all.extend(asked.iter().copied().filter(|partition| !all.contains(partition)).collect::<Vec<_>>());
    let mut committed = committed(consumer, settings, &all)?;
    // That nothing is committed passes records over where LATEST is asked for: one answer is not enough.
    if asked.iter().any(|partition| !committed.contains_key(partition)) {
        committed.extend(self::committed(consumer, settings, &all)?);
    }
    // The logs first: a record that comes between the two questions is found by the moment, or lies behind the end.
    let mut logs = BTreeMap::new();
    for partition in asked {
        let log = log_of(consumer, settings, *partition)
            .map_err(|error| settings.outcome(consumer, "ListOffsets", &error))?;
        logs.insert(*partition, log);
    }
    let since =
        since.map(|since| offsets_since(consumer, settings, asked, since)).transpose()?.unwrap_or_default();
    let mut known = BTreeMap::new();
    for partition in all {
        let mut bounds = logs.remove(&partition).unwrap_or(Bounds { start: 0, end: 0, since: None });
        bounds.since = since.get(&partition).copied();
        known.insert(partition, Known { committed: committed.remove(&partition), bounds });
    }
    Ok(known)
}

/// The logs of those that answer.
pub(super) fn bounds(
    consumer: &Consumer,
    settings: &ClientSettings,
    asked: &[Partition],
) -> BTreeMap<Partition, Bounds> {
    let bounds = |partition: &Partition| Some((*partition, log_of(consumer, settings, *partition).ok()?));
    asked.iter().filter_map(bounds).collect()
}

/// Commits these places. Those with a text are committed one by one: librdkafka tells nobody that a broker refused one of several.
pub(super) fn commit(
    consumer: &Consumer,
    settings: &ClientSettings,
    places: &BTreeMap<Partition, Committed>,
) -> CommitAnswer {
    let mut answer = CommitAnswer::default();
    let (with_text, without): (Vec<_>, Vec<_>) = places.iter().partition(|(_, place)| !place.text.is_empty());
    let mut commit = |places: &[(&Partition, &Committed)]| match commit_at_once(consumer, settings, places) {
        Ok(()) => answer.committed.extend(places.iter().map(|(partition, _)| **partition)),
        Err(error) => answer.refused = Some(said(&error).into()),
    };
    if !without.is_empty() {
        commit(&without);
    }
    with_text.iter().for_each(|place| commit(std::slice::from_ref(place)));
    if !answer.committed.is_empty() {
        consumer.client().context().heard();
    }
    answer
}

fn commit_at_once(
    consumer: &Consumer,
    settings: &ClientSettings,
    places: &[(&Partition, &Committed)],
) -> Result<(), KafkaError> {
    let list = settings.list_of(places.iter().copied());
    let committed = consumer.commit(&list, CommitMode::Sync);
    let Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OffsetMetadataTooLarge)) = committed else {
        return committed;
    };
    tracing::warn!(
        topic = settings.topic,
        group = settings.group_id,
        "the broker takes no text as long as this beside an offset (offset.metadata.max.bytes): attempts count from 1 after a restart"
    );
    let bare: Vec<(Partition, Committed)> =
        places.iter().map(|(partition, place)| (**partition, Committed::at(place.offset))).collect();
    let list = settings.list_of(bare.iter().map(|(partition, place)| (partition, place)));
    consumer.commit(&list, CommitMode::Sync)
}

/// The words of an error, without those of what was done: that is known.
fn said(error: &KafkaError) -> String {
    error.rdkafka_error_code().map_or_else(|| error.to_string(), |code| code.to_string())
}

fn log_of(
    consumer: &Consumer,
    settings: &ClientSettings,
    partition: Partition,
) -> Result<Bounds, KafkaError> {
    let (start, end) = consumer.fetch_watermarks(&settings.topic, partition, WAIT_MAX)?;
    let offset = |offset: i64| u64::try_from(offset).unwrap_or_default();
    Ok(Bounds { start: offset(start), end: offset(end), since: None })
}

fn committed(
    consumer: &Consumer,
    settings: &ClientSettings,
    partitions: &[Partition],
) -> Result<BTreeMap<Partition, Committed>, Outcome> {
    let answer = consumer
        .committed_offsets(settings.list(partitions.iter().copied()), WAIT_MAX)
        .map_err(|error| settings.outcome(consumer, "OffsetFetch", &error))?;
    let mut committed = BTreeMap::new();
    for element in answer.elements() {
        element.error().map_err(|error| settings.outcome(consumer, "OffsetFetch", &error))?;
        if let Some(offset) = offset_of(&element) {
            let text = element.metadata().to_owned();
            committed.insert(element.partition(), Committed { offset, text });
        }
    }
    Ok(committed)
}

fn offsets_since(
    consumer: &Consumer,
    settings: &ClientSettings,
    partitions: &[Partition],
    since: Timestamp,
) -> Result<BTreeMap<Partition, u64>, Outcome> {
    let mut asked = TopicPartitionList::new();
    let moment = Offset::Offset(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    for partition in partitions {
        asked
            .add_partition_offset(&settings.topic, *partition, moment)
            .map_err(|error| settings.outcome(consumer, "ListOffsets", &error))?;
    }
    let answer = consumer
        .offsets_for_times(asked, WAIT_MAX)
        .map_err(|error| settings.outcome(consumer, "ListOffsets", &error))?;
    let mut found = BTreeMap::new();
    for element in answer.elements() {
        element.error().map_err(|error| settings.outcome(consumer, "ListOffsets", &error))?;
        found.extend(offset_of(&element).map(|offset| (element.partition(), offset)));
    }
    Ok(found)
}

/// A real offset, and no word such as "the end".
fn offset_of(element: &TopicPartitionListElem<'_>) -> Option<u64> {
    match element.offset() {
        Offset::Offset(offset) => u64::try_from(offset).ok(),
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    }
}
