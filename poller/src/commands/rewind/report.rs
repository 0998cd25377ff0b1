//! What a rewind did, for people: from where to where, shard by shard.

use crate::ports::KeptShard;
use crate::supervisor::{RewindTo, Rewound};
use pelton_core::starting_position::{ShardStart, StartingPosition};
use pelton_core::stream::ShardId;
use pelton_model::Mapping;
use pelton_model::shown_timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// One line for the mapping, one for each shard.
pub(super) fn render(mapping: &Mapping, to: &RewindTo, rewound: &Rewound) -> String {
    let Rewound { before, after } = rewound;
    let none = BTreeMap::new();
    let same_stream = before.as_ref().filter(|before| before.stream == after.stream);
    let known = same_stream.map_or(&none, |before| &before.shards);
    let origin = match (before, same_stream) {
        (None, _) => " (it never ran)",
        (Some(_), None) => " (it was in a stream of that name that is gone)",
        (Some(_), Some(_)) => "",
    };
    let (stream, target) = (mapping.source.name(), shown_target(to));
    let mut text = format!("{} resumes in {stream} {target}{origin}\n", mapping.id);
    let shards: BTreeSet<&ShardId> = known.keys().chain(after.shards.keys()).collect();
    for shard in shards {
        let from = known.get(shard).map_or_else(|| "not read yet".to_owned(), shown);
        let now = after.shards.get(shard).map_or_else(|| "no longer in the stream".to_owned(), shown);
        writeln!(text, "  {shard}: {from} → {now}").expect("a string takes what is written");
    }
    text
}

fn shown_target(to: &RewindTo) -> String {
    match to {
        RewindTo::Start(StartingPosition::TrimHorizon) => "at the oldest records".to_owned(),
        RewindTo::Start(StartingPosition::Latest) => "with what arrives from now on".to_owned(),
        RewindTo::Start(StartingPosition::AtTimestamp(moment)) => {
            format!("with what arrived at {} or later", shown_timestamp(*moment))
        }
        RewindTo::CheckpointOf(other) => format!("where {other} is"),
    }
}

/// Where reading begins, or that it does not.
fn shown(KeptShard { start, checkpoint }: &KeptShard) -> String {
    match (&checkpoint.position, start) {
        (_, None) => "skipped".to_owned(),
        _ if checkpoint.ended => "finished".to_owned(),
        (Some(position), Some(_)) => format!("after {position}"),
        (None, Some(ShardStart::TrimHorizon)) => "the oldest record".to_owned(),
        (None, Some(ShardStart::AtTimestamp(moment))) => format!("from {}", shown_timestamp(*moment)),
        (None, Some(ShardStart::AfterLatest(moment))) => {
            format!("what arrives after {}", shown_timestamp(*moment))
        }
    }
}
