//! Says what the core noticed, for people.

use super::Remarks;
use pelton_core::Notice;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use tracing::{error, warn};

/// Logs a notice.
pub(super) fn say(mapping: &MappingId, shard: &ShardId, remarks: &Remarks, notice: &Notice) {
    match notice {
        Notice::ResponseIgnored(ignored) => remarks.say(mapping, shard, *ignored),
        Notice::RecordsLost { after, before } => {
            let before = before.as_ref().map(tracing::field::display);
            warn!(%mapping, %shard, %after, before, "records between these positions were lost to the stream's retention");
        }
        Notice::WindowEndedEarly { state_bytes } => {
            warn!(%mapping, %shard, state_bytes, "the state of a tumbling window is too large: the window ends early");
        }
        Notice::WindowDropped => {
            warn!(%mapping, %shard, "dropped an open tumbling window: the mapping no longer has windows");
        }
        // Logged with what becomes of the batch.
        Notice::AttemptFailed(_) => {}
        Notice::DeliveryAbandoned { records } => {
            error!(
                %mapping, %shard, records,
                "dropped records that were given up: the on-failure destination did not accept them"
            );
        }
    }
}
