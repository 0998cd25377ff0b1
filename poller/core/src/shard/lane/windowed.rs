//! What a lane does with tumbling windows: opens them, fits batches into them, closes them.

use super::work::{LastOfWindow, Task, Work};
use super::{Lane, WindowInvocation};
use crate::batch::{Batch, Envelope};
use crate::event::window::OpenWindow;
use crate::shard::policy::{Policy, Tumbling};
use crate::shard::window::ReadSoFar;
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;

/// A window that is open, and what stands around the records of its events.
#[derive(Debug)]
pub(super) struct Windowed {
    open: OpenWindow,
    envelope: Envelope,
    tumbling: Tumbling,
    /// Whether anything succeeded in it. Else it leaves no trace.
    has_begun: bool,
}

impl Windowed {
    /// A window of which nothing succeeded yet.
    fn fresh(open: OpenWindow, tumbling: &Tumbling) -> Self {
        let envelope = tumbling.around(&open, WindowInvocation::Gathering);
        Self { open, envelope, tumbling: tumbling.clone(), has_begun: false }
    }

    /// A window with the state of a success.
    pub(super) fn begun(open: OpenWindow, tumbling: &Tumbling) -> Self {
        Self { has_begun: true, ..Self::fresh(open, tumbling) }
    }

    pub(super) fn open(&self) -> &OpenWindow {
        &self.open
    }

    pub(super) fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The final invocation.
    fn last(&self, invocation: WindowInvocation) -> Work {
        let batch = Batch::without_records(self.tumbling.around(&self.open, invocation));
        let last = LastOfWindow { invocation, end: self.open.end };
        Work { last_of_window: Some(last), ..Work::new(batch) }
    }
}

impl Lane {
    /// Whether the open window is to have its final invocation.
    pub(super) fn is_window_over(&self, read: ReadSoFar) -> bool {
        let Some(window) = self.begun_window() else { return false };
        let is_passed = match self.waiting.front() {
            Some(next) => !window.takes(next),
            None => window.is_over(read),
        };
        is_passed || window.is_overfull()
    }

    /// Whether a record of a later window waits, so that the next batch cannot grow.
    pub(super) fn is_past_window(&self, policy: &Policy) -> bool {
        let (Some(tumbling), Some(first), Some(last)) =
            (&policy.tumbling, self.waiting.front(), self.waiting.back())
        else {
            return false;
        };
        match self.begun_window() {
            Some(window) => !window.takes(last),
            None => last.arrival() >= OpenWindow::of(first.arrival(), tumbling.length).end,
        }
    }

    /// Length of an event of everything that waits. One of a window that is not open yet is as long as that of any other.
    pub(super) fn waiting_event_len(&self, policy: &Policy) -> usize {
        let len = |envelope: &Envelope| envelope.event_len(self.waiting.len(), self.waiting_bytes);
        match (&self.window, &policy.tumbling) {
            (Some(window), _) => len(window.envelope()),
            (None, Some(tumbling)) => {
                let any = OpenWindow::of(Timestamp::default(), tumbling.length);
                len(&tumbling.around(&any, WindowInvocation::Gathering))
            }
            (None, None) => len(&policy.envelope),
        }
    }

    /// The open window, if anything succeeded in it.
    pub(crate) fn begun_window(&self) -> Option<&OpenWindow> {
        self.window.as_ref().filter(|window| window.has_begun).map(|window| &window.open)
    }

    /// Opens the window of the next record, if there are windows and none has begun.
    pub(super) fn open_window(&mut self, policy: &Policy) {
        if self.begun_window().is_some() {
            return;
        }
        let of_next = policy.tumbling.as_ref().zip(self.waiting.front());
        self.window = of_next.map(|(tumbling, next)| {
            Windowed::fresh(OpenWindow::of(next.arrival(), tumbling.length), tumbling)
        });
    }

    /// Whether the next record fits into an event, if only the open window's state were not in it.
    pub(super) fn would_fit_into_fresh_window(&self, policy: &Policy) -> bool {
        let (Some(window), Some(next)) = (&self.window, self.waiting.front()) else { return false };
        let envelope = window.tumbling.around(&window.open.begun_anew(), WindowInvocation::Gathering);
        envelope.event_len(1, next.encoded_len()) <= policy.event_bytes_max
    }

    /// The final invocation of the open window: in its time if it is over, else early.
    pub(super) fn last_of_window(&self) -> Work {
        let window = self.window.as_ref().expect("a window that ends is open");
        let is_passed = self.waiting.front().is_none_or(|next| !window.open.takes(next));
        let is_early = window.open.is_overfull() || !is_passed || !self.work.is_empty();
        window.last(if is_early { WindowInvocation::FinalEarly } else { WindowInvocation::Final })
    }

    /// Brings the batch at hand up to the state of its window. If they do not fit together into one event, the batch is
    /// made smaller; a single record has the window end before it.
    pub(super) fn fit_into_window(&mut self, policy: &Policy) {
        let Some(window) = &self.window else { return };
        loop {
            let Some(work) = self.work.front_mut() else { return };
            if work.last_of_window.is_some() || work.given_up().is_some() {
                return;
            }
            if window.open.is_overfull() {
                break;
            }
            if *work.batch.envelope() != window.envelope {
                work.batch = Arc::new(work.batch.in_envelope(window.envelope.clone()));
            }
            if work.batch.event_len() <= policy.event_bytes_max {
                return;
            }
            if work.batch.records().len() == 1 {
                break;
            }
            // Its state has grown since: by a success, after which this part of the batch has all its attempts before it.
            let (first, second) = work.halves();
            *work = first;
            self.work.insert(1, second);
        }
        let last = self.last_of_window();
        self.work.push_front(last);
    }

    /// Size of the state, if the batch at hand is the first try of a final invocation before its time.
    pub(super) fn window_ends_early(&self) -> Option<usize> {
        let last = self.work.front().filter(|work| work.task == Task::Try)?.last_of_window?;
        let window = self.window.as_ref().filter(|_| last.invocation == WindowInvocation::FinalEarly)?;
        Some(window.open.state.len())
    }

    /// Whether the final invocation of the window could still be made with this state.
    pub(super) fn has_room_for(&self, state: Option<&Bytes>, policy: &Policy) -> bool {
        let (Some(window), Some(state)) = (&self.window, state) else { return true };
        let last = window.tumbling.around(&window.open, WindowInvocation::Final).event_len(0, 0);
        last - window.open.state.len() + state.len() <= policy.event_bytes_max
    }

    /// The function returned a new state.
    pub(super) fn set_window_state(&mut self, state: Option<Bytes>) {
        if let (Some(window), Some(state)) = (&self.window, state) {
            let open = OpenWindow { state, ..window.open.clone() };
            self.window = Some(Windowed::begun(open, &window.tumbling));
        }
    }

    /// The final invocation is done, or was given up. A batch that was cut for the window goes on in a fresh one with the
    /// same borders.
    pub(super) fn close_window(&mut self, invocation: WindowInvocation) {
        let goes_on = invocation == WindowInvocation::FinalEarly && !self.work.is_empty();
        let closed = self.window.take().filter(|_| goes_on);
        self.window = closed.map(|closed| Windowed::fresh(closed.open.begun_anew(), &closed.tumbling));
    }
}
