//! The tumbling windows of a shard (specification 5).
//!
//! In: times of arrival, states that the function returned, how far the shard is read. Out: which records belong
//! together, and when a window is over. One window is open at a time; its state is that of the last success.

use super::policy::Tumbling;
use crate::batch::Envelope;
use crate::event::window::OpenWindow;
use crate::event::window::WindowInvocation;
use crate::record::Record;
use crate::time::Timestamp;
use bytes::Bytes;
use std::time::Duration;

/// A state that is larger ends its window early: 1 MB (AWS Lambda's documentation of tumbling windows).
pub const STATE_BYTES_MAX: usize = 1024 * 1024;

/// A window that nothing more comes for is over once a read that began this long after its end left nothing to read: records
/// may show up a little later than they arrived. AWS waits for up to two minutes.
pub const LATENESS_MAX: Duration = Duration::from_secs(2);

/// The state that every window begins with.
const EMPTY_STATE: &[u8] = b"{}";

/// How far the shard is read, as far as it matters to windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadSoFar {
    /// The shard has ended, and was read to its end.
    pub(crate) has_ended: bool,
    /// When the last read began, if nothing was left to read after it.
    pub(crate) caught_up_at: Option<Timestamp>,
    /// When the last record that was read arrived, also if it matches no filter.
    pub(crate) last_arrival: Option<Timestamp>,
}

impl OpenWindow {
    /// The window of `length` that `moment` is in: borders are multiples of `length` since the Unix epoch.
    pub(crate) fn of(moment: Timestamp, length: Duration) -> Self {
        let length_ms = u64::try_from(length.as_millis()).unwrap_or(u64::MAX).max(1);
        let start = Timestamp::from_millis(moment.as_millis() / length_ms * length_ms);
        Self { start, end: start.after(length), state: Bytes::from_static(EMPTY_STATE) }
    }

    /// The same window as it began.
    pub(crate) fn begun_anew(&self) -> Self {
        Self { start: self.start, end: self.end, state: Bytes::from_static(EMPTY_STATE) }
    }

    /// Whether the record goes into this window. One that is older does too: arrival times are only about in order.
    pub(crate) fn takes(&self, record: &Record) -> bool {
        record.arrival() < self.end
    }

    /// Whether nothing more comes for this window, once all that was read is settled: a record of a later one was seen,
    /// though it matches no filter, or nothing new arrives.
    pub(crate) fn is_over(&self, read: ReadSoFar) -> bool {
        let is_late = |caught_up_at| caught_up_at >= self.end.after(LATENESS_MAX);
        let is_later = |arrival| arrival >= self.end;
        read.has_ended || read.caught_up_at.is_some_and(is_late) || read.last_arrival.is_some_and(is_later)
    }

    /// Whether the state is so large that the window ends early.
    pub(crate) fn is_overfull(&self) -> bool {
        self.state.len() > STATE_BYTES_MAX
    }
}

impl Tumbling {
    /// What stands around the records of an event of `window`.
    pub(crate) fn around(&self, window: &OpenWindow, invocation: WindowInvocation) -> Envelope {
        self.envelope.around(window, invocation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, millis, records};

    fn window(start_ms: u64, end_ms: u64) -> OpenWindow {
        OpenWindow {
            start: Timestamp::from_millis(start_ms),
            end: Timestamp::from_millis(end_ms),
            state: Bytes::from_static(EMPTY_STATE),
        }
    }

    #[test]
    fn window_borders_come_from_the_records_arrival_time_fixed_length_aligned() {
        let of = |moment, length| OpenWindow::of(Timestamp::from_millis(moment), millis(length));
        assert_eq!(of(0, 1_000), window(0, 1_000));
        assert_eq!(of(999, 1_000), window(0, 1_000));
        assert_eq!(of(1_000, 1_000), window(1_000, 2_000));
        assert_eq!(of(1_767_942_245_123, 120_000), window(1_767_942_240_000, 1_767_942_360_000));
    }

    #[test]
    fn the_end_of_a_window_is_exclusive_and_what_is_older_goes_into_the_open_one() {
        let start = at(0);
        let window = OpenWindow { start, end: at(100), state: Bytes::new() };
        let takes = |arrival| window.takes(&records("a", arrival)[0]);
        assert!(takes(at(0)) && takes(at(99)) && takes(Timestamp::from_millis(0)));
        assert!(!takes(at(100)) && !takes(at(5_000)));
    }

    fn first_second() -> OpenWindow {
        OpenWindow { start: at(0), end: at(1_000), state: Bytes::new() }
    }

    #[test]
    fn a_window_is_over_when_nothing_new_arrives() {
        let is_over =
            |caught_up_at| first_second().is_over(ReadSoFar { caught_up_at, ..ReadSoFar::default() });
        assert!(!is_over(None) && !is_over(Some(at(999))) && !is_over(Some(at(2_999))));
        assert!(is_over(Some(at(3_000))) && is_over(Some(at(90_000))));
        assert!(LATENESS_MAX <= Duration::from_secs(120), "Lambda waits up to 2 minutes");
    }

    #[test]
    fn a_window_is_over_when_a_record_of_a_later_window_is_seen_though_it_matches_no_filter() {
        let is_over = |arrival| {
            first_second().is_over(ReadSoFar { last_arrival: Some(arrival), ..ReadSoFar::default() })
        };
        assert!(!is_over(at(0)) && !is_over(at(999)));
        assert!(is_over(at(1_000)));
    }

    #[test]
    fn shard_end_closes_the_current_window() {
        assert!(first_second().is_over(ReadSoFar { has_ended: true, ..ReadSoFar::default() }));
    }

    #[test]
    fn a_state_of_one_megabyte_is_not_too_large_and_one_byte_more_is() {
        let with = |bytes| OpenWindow { state: Bytes::from(vec![b' '; bytes]), ..window(0, 1) };
        assert!(!with(1_048_576).is_overfull());
        assert!(with(1_048_577).is_overfull());
    }
}
