//! Says what the core noticed, for people.

use super::Remarks;
use crate::application::MappingId;
use pelton_core::plan::ShardId;
use pelton_core::{AfterFailure, Notice};
use tracing::{error, warn};

/// Logs a notice.
pub(super) fn say(mapping: &MappingId, shard: &ShardId, remarks: &Remarks, notice: &Notice) {
    match notice {
        Notice::PartialFailure { first, records, then } => match then {
            AfterFailure::TriedAgain => {
                warn!(%mapping, %shard, %first, records, "the function reports records that failed: they will be tried again");
            }
            AfterFailure::GivenUp => {
                warn!(%mapping, %shard, %first, records, "the function reports records that failed: they are given up");
            }
            AfterFailure::Left => {
                warn!(
                    %mapping, %shard, %first, records,
                    "the function reports records that failed: they are left for the next start"
                );
            }
        },
        Notice::ResponseIgnored(ignored) => remarks.say(mapping, shard, *ignored),
        Notice::ResponseRefused { reason } => {
            warn!(%mapping, %shard, reason, "the function's response counts as a failure of the whole batch");
        }
        Notice::WindowEndedEarly { state_bytes } => {
            warn!(%mapping, %shard, state_bytes, "the state of a tumbling window is too large: the window ends early");
        }
        Notice::WindowDropped => {
            warn!(%mapping, %shard, "the tumbling window that was open is none of the mapping any more: its state is dropped");
        }
        Notice::DeliveryAbandoned { records } => {
            error!(
                %mapping, %shard, records,
                "records given up could not be handed to the on-failure destination: they are dropped"
            );
        }
    }
}

/// What is wrong with the function, if the notice is of that.
pub(super) fn problem_of_function(notice: &Notice) -> Option<String> {
    match notice {
        Notice::PartialFailure { first, records, then: _ } => {
            Some(format!("the function reports that {records} records failed, from {first} on"))
        }
        Notice::ResponseRefused { reason } => Some(format!("the function's response is refused: {reason}")),
        Notice::ResponseIgnored(_)
        | Notice::WindowEndedEarly { .. }
        | Notice::WindowDropped
        | Notice::DeliveryAbandoned { .. } => None,
    }
}
