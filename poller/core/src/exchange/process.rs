//! What the exchange knows of one process, and until when that may stay so.

use super::vocabulary::{Limits, RequestId, Ticket};
use crate::time::Timestamp;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) state: State,
    /// Runs code that was replaced.
    pub(super) is_stale: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) ticket: Ticket,
    pub(super) requested_at: Timestamp,
}

/// What a process is doing.
#[derive(Debug)]
pub(super) enum State {
    /// It has not asked for anything yet. `bound` is the request that it was started for, unless that was cancelled.
    Starting { since: Timestamp, bound: Option<Request> },
    /// It asked, and there was nothing for it.
    Idle { since: Timestamp },
    /// It was handed an invocation and has not answered.
    Running { request: Request, deadline: Timestamp },
    /// It has nothing to do and has not asked again. `is_expected`: it answered just now, and will ask in a moment, so
    /// that nobody needs to start another process in its place.
    Returning { since: Timestamp, is_expected: bool },
    /// It is being killed.
    Ending,
}

impl State {
    /// The request that a process holds.
    pub(super) fn request(&self) -> Option<RequestId> {
        match self {
            Self::Starting { bound, .. } => bound.map(|request| request.ticket.request),
            Self::Running { request, .. } => Some(request.ticket.request),
            Self::Idle { .. } | Self::Returning { .. } | Self::Ending => None,
        }
    }

    /// When this must change.
    pub(super) fn expiry(&self, limits: &Limits) -> Option<Timestamp> {
        match *self {
            Self::Starting { since, .. } => Some(since.after(limits.init_max).after(limits.timeout)),
            Self::Idle { since } => Some(since.after(limits.idle_max)),
            Self::Running { deadline, .. } => Some(deadline),
            Self::Returning { since, is_expected: true } => Some(since.after(limits.return_max)),
            Self::Returning { since, is_expected: false } => {
                Some(since.after(limits.return_max).after(limits.timeout))
            }
            Self::Ending => None,
        }
    }
}
