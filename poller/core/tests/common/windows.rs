//! The books on tumbling windows: which one is open, with which state.

use bytes::Bytes;
use pelton_core::event::window::WindowInvocation;
use pelton_core::shard::window::{LATENESS_MAX, STATE_BYTES_MAX};
use pelton_core::{Batch, Envelope, OpenWindow, Policy, Record, Timestamp};

/// The window of a shard.
#[derive(Debug)]
pub(crate) struct Windows {
    pub(crate) open: Option<OpenWindow>,
    /// Whether anything succeeded in it.
    has_begun: bool,
    /// When the last read began, if it left nothing to read.
    pub(crate) caught_up_at: Option<Timestamp>,
    /// When the last record that was read arrived.
    pub(crate) last_arrival: Option<Timestamp>,
    pub(crate) is_read_to_end: bool,
}

impl Windows {
    pub(crate) fn new(kept: Option<OpenWindow>, policy: &Policy) -> Self {
        let open = kept.filter(|_| policy.tumbling.is_some());
        Self {
            has_begun: open.is_some(),
            open,
            caught_up_at: None,
            last_arrival: None,
            is_read_to_end: false,
        }
    }

    /// The open window, if anything succeeded in it: what is kept.
    pub(crate) fn begun(&self) -> Option<OpenWindow> {
        self.open.clone().filter(|_| self.has_begun)
    }

    /// A batch is cut: its records are of one window. If none has begun, it is that of one of the `candidates`: the first
    /// record that was cut, though that may have been given up since.
    pub(crate) fn check_cut<'r>(
        &mut self,
        batch: &Batch,
        candidates: impl Iterator<Item = &'r Record>,
        policy: &Policy,
    ) {
        let Some(tumbling) = &policy.tumbling else { return };
        if !self.has_begun {
            let length = u64::try_from(tumbling.length.as_millis()).expect("a short window");
            let tail = batch.body().pop().expect("an event has an end");
            let of = |record: &Record| {
                let start = record.arrival().as_millis() / length * length;
                let [start, end] = [start, start + length].map(Timestamp::from_millis);
                OpenWindow { start, end, state: Bytes::from_static(b"{}") }
            };
            let is_it = |window: &OpenWindow| {
                tumbling.envelope.around(window, WindowInvocation::Gathering).empty_event()[1] == tail
            };
            let open = candidates.map(of).find(is_it);
            self.open = Some(open.expect("a window begins with its first record"));
        }
        let open = self.open.as_ref().expect("just opened");
        let is_within = batch.records().iter().all(|record| record.arrival() < open.end);
        assert!(is_within, "records of two windows are never mixed in one batch");
    }

    /// What stands around the records of an event now.
    pub(crate) fn envelope(&self, policy: &Policy) -> Envelope {
        match (&policy.tumbling, &self.open) {
            (Some(tumbling), Some(open)) => tumbling.envelope.around(open, WindowInvocation::Gathering),
            (Some(_), None) | (None, _) => policy.envelope.clone(),
        }
    }

    /// Whether a final event with this state would be within the limit.
    pub(crate) fn has_room_for(&self, state: &str, policy: &Policy) -> bool {
        let (Some(tumbling), Some(open)) = (&policy.tumbling, &self.open) else { return true };
        let with = OpenWindow { state: Bytes::copy_from_slice(state.as_bytes()), ..open.clone() };
        let len = |invocation| tumbling.envelope.around(&with, invocation).event_len(0, 0);
        len(WindowInvocation::Final) <= policy.event_bytes_max
    }

    pub(crate) fn set_state(&mut self, state: String) {
        self.open.as_mut().expect("a state belongs to an open window").state = Bytes::from(state);
        self.has_begun = true;
    }

    /// A final invocation with this body; `next` is the first record that is not settled, and `is_cut` says that it is in a
    /// batch already. Returns whether it comes early.
    pub(crate) fn check_last(
        &self,
        body: &[u8],
        next: Option<&Record>,
        is_cut: bool,
        policy: &Policy,
    ) -> bool {
        let (tumbling, open) =
            (policy.tumbling.as_ref().expect("windows"), self.open.as_ref().expect("an open window"));
        let body_of = |invocation| tumbling.envelope.around(open, invocation).empty_event().concat();
        if body == body_of(WindowInvocation::Final) {
            let is_over = match next {
                Some(next) => !is_cut && next.arrival() >= open.end,
                None => self.is_over(),
            };
            assert!(is_over, "a window is over when a later record or nothing more comes");
            return false;
        }
        assert_eq!(body, body_of(WindowInvocation::FinalEarly), "the final event of this window");
        let room = tumbling.envelope.around(open, WindowInvocation::Gathering);
        let is_tight =
            next.is_some_and(|next| room.event_len(1, next.encoded_len()) > policy.event_bytes_max);
        assert!(self.is_overfull() || is_tight, "a window ends early only when its state is large");
        true
    }

    /// Whether nothing more comes for the open window, once what was read is settled.
    pub(crate) fn is_over(&self) -> bool {
        let Some(open) = self.begun() else { return false };
        let is_late = |at: Timestamp| at >= open.end.after(LATENESS_MAX);
        let is_later = |arrival: Timestamp| arrival >= open.end;
        self.is_read_to_end
            || self.caught_up_at.is_some_and(is_late)
            || self.last_arrival.is_some_and(is_later)
    }

    /// Whether the state alone ends the window.
    pub(crate) fn is_overfull(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.state.len() > STATE_BYTES_MAX)
    }

    /// The final invocation is done, or was given up.
    pub(crate) fn close(&mut self, is_early: bool, is_cut: bool) {
        let closed = self.open.take();
        self.has_begun = false;
        if is_early && is_cut {
            self.open = closed.map(|window| OpenWindow { state: Bytes::from_static(b"{}"), ..window });
        }
    }
}
