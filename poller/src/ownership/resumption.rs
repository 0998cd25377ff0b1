//! Tells at the start where each shard resumes, and which records come again.
//!
//! In: the mappings that are about to start. Out: a log line for each shard; where these are many, one for each mapping. What was
//! tried is not stored: attempts count from 1 after each start.

use crate::ports::{KeptMapping, KeptShard};
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use tracing::info;

/// Most lines of one start.
const LINES_MAX: usize = 20;

/// Where a shard begins.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// Behind a record; beyond it, so many are settled, too (ParallelizationFactor).
    Checkpoint { position: String, settled_beyond: usize },
    /// Nothing is settled: at the place that was stored when the mapping first saw the shard.
    Start(&'static str),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Shard { mapping: MappingId, shard: ShardId, from: From },
    Mapping { mapping: MappingId, resuming: usize, starting: usize },
    More { mappings: usize },
}

type Shards = Vec<(ShardId, From)>;

/// Where the shards of a mapping begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    mapping: MappingId,
    shards: Shards,
}

impl Resumption {
    /// Of a mapping of which this is kept.
    #[must_use]
    pub fn of(mapping: &MappingId, state: &KeptMapping) -> Self {
        let shards = state.shards.iter().filter_map(|(id, state)| Some((id.clone(), from(state)?)));
        Self { mapping: mapping.clone(), shards: shards.collect() }
    }
}

/// Logs where the shards of these mappings begin.
pub(crate) fn say(mappings: Vec<Resumption>) {
    for line in lines(mappings) {
        match line {
            Line::Shard { mapping, shard, from: From::Checkpoint { position, settled_beyond } } => info!(
                %mapping, %shard, position, settled_beyond,
                "resuming after the checkpoint: the records after it are delivered again, and their attempts count from 1"
            ),
            Line::Shard { mapping, shard, from: From::Start(from) } => {
                info!(%mapping, %shard, from, "starting where the mapping began or was rewound to: nothing of the shard is settled yet");
            }
            Line::Mapping { mapping, resuming, starting } => info!(
                %mapping, resuming, starting,
                "resuming shards behind their checkpoints, starting the others: records behind a checkpoint come again, and their \
                 attempts count from 1"
            ),
            Line::More { mappings } => info!(mappings, "further mappings resume or start in the same way"),
        }
    }
}

/// `None`: the shard has ended.
fn from(KeptShard { start, checkpoint }: &KeptShard) -> Option<From> {
    if checkpoint.ended {
        return None;
    }
    if let Some(position) = &checkpoint.position {
        let settled_beyond = checkpoint.ahead.len();
        return Some(From::Checkpoint { position: position.to_string(), settled_beyond });
    }
    Some(From::Start(match start.as_ref()? {
        ShardStart::TrimHorizon => "TRIM_HORIZON",
        ShardStart::AtTimestamp(_) => "AT_TIMESTAMP",
        ShardStart::AfterLatest(_) => "LATEST",
    }))
}

/// A line for each shard if there is room for all, else one for each mapping, and the count of the rest.
fn lines(mappings: Vec<Resumption>) -> Vec<Line> {
    let shards: usize = mappings.iter().map(|mapping| mapping.shards.len()).sum();
    if shards <= LINES_MAX {
        let each = mappings.into_iter().flat_map(|Resumption { mapping, shards }| {
            shards.into_iter().map(move |(shard, from)| Line::Shard { mapping: mapping.clone(), shard, from })
        });
        return each.collect();
    }
    let more = mappings.len().saturating_sub(LINES_MAX);
    let of_mapping = |Resumption { mapping, shards }: Resumption| {
        let starting = shards.iter().filter(|(_, from)| matches!(from, From::Start(_))).count();
        Line::Mapping { mapping, resuming: shards.len() - starting, starting }
    };
    let mut lines: Vec<Line> = mappings.into_iter().take(LINES_MAX).map(of_mapping).collect();
    lines.extend((more > 0).then_some(Line::More { mappings: more }));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::{Checkpoint, Position};

    fn mapping(name: &str, shards: usize) -> Resumption {
        let shard = |number: usize| {
            let position = "7".to_owned();
            let from = if number == 0 {
                From::Start("LATEST")
            } else {
                From::Checkpoint { position, settled_beyond: 0 }
            };
            (ShardId::new(&number.to_string()), from)
        };
        Resumption { mapping: MappingId(name.to_owned()), shards: (0..shards).map(shard).collect() }
    }

    #[test]
    fn a_few_shards_have_a_line_each_and_many_have_one_for_their_mapping() {
        let few = lines(vec![mapping("A", 15), mapping("B", 5)]);
        assert_eq!(few.len(), 20);
        assert!(few.iter().all(|line| matches!(line, Line::Shard { .. })), "{few:?}");
        let many = lines(vec![mapping("A", 15), mapping("B", 6)]);
        let of = |name: &str, resuming, starting| Line::Mapping {
            mapping: MappingId(name.to_owned()),
            resuming,
            starting,
        };
        assert_eq!(many, [of("A", 14, 1), of("B", 5, 1)]);
    }

    #[test]
    fn however_many_mappings_there_are_the_lines_are_few() {
        let lines = lines((0..500).map(|number| mapping(&number.to_string(), 3)).collect());
        assert_eq!(lines.len(), LINES_MAX + 1);
        assert_eq!(lines.last(), Some(&Line::More { mappings: 480 }));
    }

    #[test]
    fn a_shard_begins_behind_its_checkpoint_or_where_its_start_was_stored() {
        let state = |position: Option<&str>, ended| KeptShard {
            start: Some(ShardStart::TrimHorizon),
            checkpoint: Checkpoint { position: position.map(Position::new), ended, ..Checkpoint::default() },
        };
        let behind = From::Checkpoint { position: "7".to_owned(), settled_beyond: 0 };
        assert_eq!(from(&state(Some("7"), false)), Some(behind));
        assert_eq!(from(&state(None, false)), Some(From::Start("TRIM_HORIZON")));
        assert_eq!(from(&state(Some("7"), true)), None, "it has ended");
    }
}
