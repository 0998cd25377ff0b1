//! Whether a shard is still this poller's: ours, to be given back by a moment, or somebody else's already.
//!
//! After the moment, or after a save that was refused because the shard is not ours, nothing of it is kept or settled any more:
//! what is in flight is ignored, and whoever goes on from the checkpoint reads it again.

use super::Shard;
use crate::time::Timestamp;

/// For how long the shard is this poller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenure {
    Ours,
    /// Told to stop. What is not done at this moment is somebody else's.
    Draining {
        by: Option<Timestamp>,
    },
    /// Somebody else's: nothing is settled, saved or started any more.
    Lost,
}

impl Shard {
    /// Of two moments by which a drain must be done, the earlier one counts.
    pub(super) fn drain(&mut self, by: Option<Timestamp>) {
        let by = match self.tenure {
            Tenure::Draining { by: Some(before) } => Some(by.map_or(before, |by| by.min(before))),
            Tenure::Ours | Tenure::Draining { by: None } | Tenure::Lost => by,
        };
        self.tenure = Tenure::Draining { by };
        self.let_go();
    }

    pub(super) fn is_draining(&self) -> bool {
        matches!(self.tenure, Tenure::Draining { .. })
    }

    /// When what is not done yet becomes somebody else's.
    pub(super) fn drain_due(&self) -> Option<Timestamp> {
        match self.tenure {
            Tenure::Draining { by } => by.filter(|_| self.finished().is_none()),
            Tenure::Ours | Tenure::Lost => None,
        }
    }

    pub(super) fn lose(&mut self) {
        self.tenure = Tenure::Lost;
        self.commands.clear();
        self.let_go();
    }

    /// Forgets every record that is not in flight: whoever goes on from the checkpoint reads it again.
    pub(super) fn let_go(&mut self) {
        self.records_left += self.lanes.let_go();
        (self.records_held, self.bytes_held) = self.lanes.held();
    }
}
