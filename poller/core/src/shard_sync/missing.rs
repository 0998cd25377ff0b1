//! When a shard that the stream no longer lists is given up: after two listings in a row without it.
//!
//! One listing may have overlooked it. A shard that is gone has left the stream's retention; its children need not wait for it.

use crate::plan::ShardProgress;
use crate::stream::{ListedShard, ShardId};
use std::collections::{BTreeMap, BTreeSet};

/// The known shards that were missing from the last listing.
#[derive(Debug, Default)]
pub(super) struct Missing(BTreeSet<ShardId>);

impl Missing {
    /// The shards that this listing does not name either: they are gone.
    pub(super) fn gone(
        &self,
        listed: &[ListedShard],
        known: &BTreeMap<ShardId, ShardProgress>,
    ) -> Vec<ShardId> {
        unlisted(listed, known).intersection(&self.0).cloned().collect()
    }

    /// Remembers which shards the listing does not name. Whether there are any.
    pub(super) fn remember(
        &mut self,
        listed: &[ListedShard],
        known: &BTreeMap<ShardId, ShardProgress>,
    ) -> bool {
        self.0 = unlisted(listed, known);
        self.is_any()
    }

    /// Whether the last listing did not name a known shard.
    pub(super) fn is_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The shards that the last listing did not name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ShardId> {
        self.0.iter()
    }

    /// Another stream begins.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn unlisted(listed: &[ListedShard], known: &BTreeMap<ShardId, ShardProgress>) -> BTreeSet<ShardId> {
    let listed_ids: BTreeSet<&ShardId> = listed.iter().map(|shard| &shard.id).collect();
    known.keys().filter(|id| !listed_ids.contains(id)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shards;

    #[test]
    fn a_known_shard_is_gone_once_two_listings_in_a_row_do_not_name_it() {
        let known: BTreeMap<_, _> =
            ["0", "1", "2"].map(|name| (ShardId::new(name), ShardProgress::Unfinished)).into_iter().collect();
        let mut missing = Missing::default();
        let mut check = |listed: &[&str], gone: &[&str]| {
            let (listed, gone): (_, Vec<_>) =
                (shards(listed), gone.iter().map(|id| ShardId::new(id)).collect());
            assert_eq!(missing.gone(&listed, &known), gone);
            missing.remember(&listed, &known)
        };
        assert!(check(&["1"], &[]));
        assert!(check(&["0", "1"], &["2"]));
        assert!(check(&["1", "2"], &[]));
        assert!(!check(&["0", "1", "2"], &[]));
        assert!(check(&["1", "2", "3"], &[]));
    }
}
