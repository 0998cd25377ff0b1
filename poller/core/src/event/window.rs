//! What stands around the records of an event inside a tumbling window (specification 5.1).
//!
//! In: the window and its state, which is passed on to the byte. Out: an envelope. Exactly AWS's keys.

use super::iso_8601_seconds;
use crate::batch::Envelope;
use crate::time::Timestamp;
use bytes::Bytes;

/// A tumbling window that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
    /// What the function returned last as `state`, to the byte; `{}` at first.
    pub state: Bytes,
}

/// Makes the envelopes of one shard's windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowEnvelope {
    /// `,"shardId":…,"eventSourceARN":…`
    source: String,
}

/// Which invocation of its window an event is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowInvocation {
    /// Any but the last.
    Gathering,
    /// The last, as the window is over.
    Final,
    /// The last, as the window ends before its time.
    FinalEarly,
}

impl WindowEnvelope {
    /// For the records of one shard; `event_source_arn` is the mapping's EventSourceArn.
    #[must_use]
    pub fn new(shard_id: &str, event_source_arn: &str) -> Self {
        let source = format!(
            r#","shardId":{},"eventSourceARN":{}"#,
            super::json_string(shard_id),
            super::json_string(event_source_arn)
        );
        Self { source }
    }

    /// The envelope of one event.
    #[must_use]
    pub fn around(&self, window: &OpenWindow, invocation: WindowInvocation) -> Envelope {
        let is_final = invocation != WindowInvocation::Gathering;
        let is_early = invocation == WindowInvocation::FinalEarly;
        // Borders of windows are whole seconds.
        let (start, end) = (iso_8601_seconds(window.start), iso_8601_seconds(window.end));
        let mut tail = format!(r#"],"window":{{"start":"{start}","end":"{end}"}},"state":"#).into_bytes();
        tail.extend_from_slice(&window.state);
        tail.extend_from_slice(self.source.as_bytes());
        tail.extend_from_slice(
            format!(r#","isFinalInvokeForWindow":{is_final},"isWindowTerminatedEarly":{is_early}}}"#)
                .as_bytes(),
        );
        Envelope::new(Bytes::from_static(br#"{"Records":["#), tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// The example of specification 5.1, byte for byte as it is sent, but for its records.
    const GOLDEN: &str = concat!(
        r#"{"Records":[],"window":{"start":"2026-01-09T07:04:00Z","end":"2026-01-09T07:06:00Z"},"#,
        r#""state":{"1":282,"2":715},"shardId":"shardId-000000000006","#,
        r#""eventSourceARN":"arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream","#,
        r#""isFinalInvokeForWindow":false,"isWindowTerminatedEarly":false}"#
    );

    fn check(state: &'static str, invocation: WindowInvocation, expected: &str) {
        let start = Timestamp::from_millis(1_767_942_240_000);
        let end = Timestamp::from_millis(1_767_942_360_000);
        let window = OpenWindow { start, end, state: Bytes::from_static(state.as_bytes()) };
        let envelope = WindowEnvelope::new(
            "shardId-000000000006",
            "arn:aws:kinesis:us-east-1:123456789012:stream/lambda-stream",
        );
        let event = envelope.around(&window, invocation).empty_event();
        assert_eq!(String::from_utf8(event.concat()).expect("an event is text"), expected);
    }

    #[test]
    fn an_event_of_a_window_is_that_of_the_specification_to_the_byte() {
        check(r#"{"1":282,"2":715}"#, WindowInvocation::Gathering, GOLDEN);
    }

    #[test]
    fn the_last_event_of_a_window_says_so() {
        let last = GOLDEN.replace(r#"Window":false,"#, r#"Window":true,"#);
        check(r#"{"1":282,"2":715}"#, WindowInvocation::Final, &last);
        let early = last.replace(r#"Early":false"#, r#"Early":true"#);
        check(r#"{"1":282,"2":715}"#, WindowInvocation::FinalEarly, &early);
    }

    #[test]
    fn the_state_is_passed_on_to_the_byte() {
        let state = r#"{ "b":1.50, "a":"\u00e9",  "b":1e400 }"#;
        let event = GOLDEN.replace(r#"{"1":282,"2":715}"#, state);
        check(state, WindowInvocation::Gathering, &event);
    }
}
