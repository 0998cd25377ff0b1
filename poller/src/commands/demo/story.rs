//! The story of records that fail in the demo: which one was put, and where it is once it is given up.
//!
//! In: records that the traffic put, and what the poller shows. Out: texts for people.

use crate::control::StatusSnapshot;
use crate::control::snapshot::MappingStatus;
use crate::traffic::Refused;
use std::collections::BTreeMap;

/// What was told so far.
#[derive(Debug)]
pub(super) struct Story {
    /// How the program is called, with the options that lead to this demo.
    get: GetCommand,
    /// Records that were put and are not given up yet.
    refused: Vec<Refused>,
    /// Records given up by each mapping.
    given_up: BTreeMap<String, u64>,
}

/// What is before and behind the words of a `pelton get` that shows records of this demo.
#[derive(Debug)]
pub(super) struct GetCommand {
    pub(super) program: String,
    /// Begins with a blank, if there are any.
    pub(super) options: String,
}

impl Story {
    pub(super) fn new(get: GetCommand) -> Self {
        Self { get, refused: Vec::new(), given_up: BTreeMap::new() }
    }

    /// A record was put that a function refuses.
    pub(super) fn put(&mut self, refused: Refused) -> String {
        let Refused { stream, shard, key, .. } = &refused;
        let text = format!(
            "Put order {key} with a negative amount into {stream}, {shard}. Its function refuses it: the batch fails, is split and \
             tried again, until this record is alone and is given up."
        );
        self.refused.push(refused);
        text
    }

    /// What is to be told of records that were given up since the last look.
    pub(super) fn look(&mut self, snapshot: &StatusSnapshot) -> Vec<String> {
        let mut texts = Vec::new();
        for mapping in &snapshot.mappings {
            let told = self.given_up.entry(mapping.id.clone()).or_default();
            let grown = mapping.totals.given_up().saturating_sub(*told);
            *told += grown;
            if grown > 0 {
                texts.push(self.given_up(mapping, grown));
            }
        }
        texts
    }

    fn given_up(&mut self, mapping: &MappingStatus, records: u64) -> String {
        let settled = self.refused.iter().position(|refused| is_settled(refused, mapping));
        let settled = settled.map(|index| self.refused.remove(index));
        let subject = match &settled {
            Some(Refused { key, shard, .. }) => format!("order {key}; {shard} continues"),
            None if records == 1 => "a record".to_owned(),
            None => format!("{records} records"),
        };
        let mut text = format!("{} gave up {subject}.", mapping.id);
        if let Some(to) = &mapping.failed_records_to {
            text += &format!("\n    It was written to: {}", to.strip_prefix("file:").unwrap_or(to));
        }
        if let Some(refused) = settled {
            text += &format!("\n    To look at it:     {}", self.get.of(&refused));
        }
        text
    }
}

impl GetCommand {
    /// The command that shows this record.
    fn of(&self, refused: &Refused) -> String {
        let Self { program, options } = self;
        let from = match &refused.after {
            Some(after) => format!("--from after:{after}"),
            None => format!("--shard {}", refused.shard),
        };
        format!("{program} get {} {from} --limit 1{options}", refused.stream)
    }
}

/// Whether the mapping reads the record's stream, and has passed the record.
fn is_settled(refused: &Refused, mapping: &MappingStatus) -> bool {
    let reads_it = mapping.stream.rsplit('/').next() == Some(refused.stream.as_str());
    let shard = mapping.shards.iter().find(|shard| shard.shard == refused.shard);
    let checkpoint = shard.and_then(|shard| shard.checkpoint.as_deref());
    reads_it && checkpoint.is_some_and(|checkpoint| !is_before(checkpoint, &refused.sequence_number))
}

/// Sequence numbers are numbers without leading zeros.
fn is_before(one: &str, other: &str) -> bool {
    (one.len(), one) < (other.len(), other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::snapshot::{MappingState, ReadAhead, ShardPhase, ShardStatus};
    use pelton_core::stream::ShardId;
    use pelton_core::{Counts, Position, Timestamp};
    use pelton_model::MappingConfiguration;

    fn refused(after: Option<&str>) -> Refused {
        Refused {
            stream: "Orders".to_owned(),
            shard: "shardId-1".to_owned(),
            key: "o-7".to_owned(),
            sequence_number: "1000".to_owned(),
            after: after.map(str::to_owned),
        }
    }

    fn snapshot(stream: &str, checkpoint: &str, given_up: u64) -> StatusSnapshot {
        let position = Position::new(checkpoint);
        let shard = ShardStatus::unread(&ShardId::new("shardId-1"), ShardPhase::Polling, Some(&position));
        let mapping = MappingStatus {
            id: "M".to_owned(),
            function: "f".to_owned(),
            stream: format!("arn:aws:kinesis:us-east-1:000000000000:stream/{stream}"),
            state: MappingState::Polling,
            starting_position: String::new(),
            settings: MappingConfiguration::default(),
            failed_records_to: Some("file:/app/M.jsonl".to_owned()),
            positions_trimmed: 0,
            totals: Counts { retries_exhausted: given_up, ..Counts::default() },
            group: None,
            shards: vec![shard],
        };
        StatusSnapshot {
            pid: 1,
            version: String::new(),
            started_at: Timestamp::default(),
            taken_at: Timestamp::default(),
            read_ahead: ReadAhead::default(),
            functions: vec![],
            mappings: vec![mapping],
        }
    }

    fn story() -> Story {
        Story::new(GetCommand { program: "pelton".to_owned(), options: " --data-dir d".to_owned() })
    }

    const WRITTEN: &str = "It was written to: /app/M.jsonl";

    #[test]
    fn a_record_that_is_given_up_is_told_once_with_its_file_and_how_to_look_at_it() {
        let mut story = story();
        assert!(
            story.put(refused(Some("999"))).starts_with("Put order o-7 with a negative amount into Orders, ")
        );
        assert_eq!(story.look(&snapshot("Orders", "999", 0)), [""; 0]);
        let expected = format!(
            "M gave up order o-7; shardId-1 continues.\n    {WRITTEN}\n    \
             To look at it:     pelton get Orders --from after:999 --limit 1 --data-dir d"
        );
        assert_eq!(story.look(&snapshot("Orders", "1000", 1)), [expected]);
        assert_eq!(story.look(&snapshot("Orders", "1001", 1)), [""; 0]);
    }

    #[test]
    fn the_first_record_of_a_shard_is_found_at_its_start() {
        let mut story = story();
        story.put(refused(None));
        let texts = story.look(&snapshot("Orders", "1001", 1));
        assert!(
            texts[0].ends_with("pelton get Orders --shard shardId-1 --limit 1 --data-dir d"),
            "{texts:?}"
        );
    }

    #[test]
    fn other_records_that_are_given_up_are_told_with_their_file() {
        let mut story = story();
        story.put(refused(Some("999")));
        assert_eq!(
            story.look(&snapshot("Clicks", "1000", 2)),
            [format!("M gave up 2 records.\n    {WRITTEN}")]
        );
        assert_eq!(
            story.look(&snapshot("Orders", "999", 3)),
            [format!("M gave up a record.\n    {WRITTEN}")]
        );
    }
}
