//! The event of Kinesis and of DynamoDB Streams: `Records`, and what a tumbling window adds.

use crate::source::{Invocation, Run};
use crate::window::{Window, WindowEvent};
use aws_lambda_events::time_window;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Read here instead of by `aws_lambda_events`, whose window state is a map of strings: a number in it would fail the
/// whole event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamEvent<R> {
    #[serde(rename = "Records")]
    records: Vec<R>,
    window: Option<time_window::Window>,
    state: Option<Box<RawValue>>,
    shard_id: Option<String>,
    #[serde(rename = "eventSourceARN")]
    event_source_arn: Option<String>,
    #[serde(default)]
    is_final_invoke_for_window: bool,
    #[serde(default)]
    is_window_terminated_early: bool,
}

impl<R> From<StreamEvent<R>> for Invocation<R> {
    fn from(event: StreamEvent<R>) -> Self {
        let window = event.window.map(|window| WindowEvent {
            window: Window {
                start: window.start,
                end: window.end,
                stream: event.event_source_arn.unwrap_or_default(),
                shard: event.shard_id.unwrap_or_default(),
                is_terminated_early: event.is_window_terminated_early,
            },
            state: event.state,
            is_final: event.is_final_invoke_for_window,
        });
        Self { runs: vec![Run { stream: None, records: event.records }], window }
    }
}
