//! What does not go well in one shard, each thing by itself: a read that succeeds says nothing about the function.

use crate::errors::chain;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;
use tracing::field::debug as debug_value;
use tracing::{debug, info, warn};

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Doing {
    Invoking,
    Delivering,
    Saving,
    Reading,
}

impl Doing {
    /// Its name in the log.
    fn name(self) -> &'static str {
        match self {
            Self::Invoking => "invoke",
            Self::Delivering => "deliver",
            Self::Saving => "store",
            Self::Reading => "read",
        }
    }
}

/// What goes wrong at the moment.
pub(super) struct Problems {
    mapping: MappingId,
    shard: ShardId,
    at_hand: BTreeMap<Doing, String>,
}

impl Problems {
    pub(super) fn none(mapping: MappingId, shard: ShardId) -> Self {
        Self { mapping, shard, at_hand: BTreeMap::new() }
    }

    /// Something goes wrong, and that was said. What went wrong before; `None` if all went well.
    pub(super) fn note(&mut self, doing: Doing, problem: String) -> Option<String> {
        self.at_hand.insert(doing, problem)
    }

    /// Whether this goes wrong.
    pub(super) fn is_at_hand(&self, doing: Doing) -> bool {
        self.at_hand.contains_key(&doing)
    }

    /// Something goes wrong: logged once at `warn`, then at `debug` until it goes well again. `again_in`: when it is tried again,
    /// if that is known.
    pub(super) fn has(
        &mut self,
        doing: Doing,
        message: &'static str,
        problem: &(dyn Error + 'static),
        again_in: Option<Duration>,
    ) {
        let error = chain(problem);
        let is_new = self.note(doing, error.clone()).is_none();
        let (mapping, shard, again_in) = (&self.mapping, &self.shard, again_in.map(debug_value));
        if is_new {
            warn!(%mapping, %shard, error, again_in, message);
        } else {
            debug!(%mapping, %shard, error, again_in, message);
        }
    }

    /// It goes well.
    pub(super) fn recovered(&mut self, doing: Doing) {
        if self.at_hand.remove(&doing).is_some() {
            info!(mapping = %self.mapping, shard = %self.shard, task = doing.name(), "recovered from errors");
        }
    }

    /// The one to show; `None` if all goes well.
    pub(super) fn first(&self) -> Option<String> {
        self.at_hand.values().next().cloned()
    }
}
