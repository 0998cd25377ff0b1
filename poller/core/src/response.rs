//! What a function's response says about its batch (specification 4.3 and 5.1).
//!
//! In: the response, to the byte, and the records it is about. Out: a verdict. A response that nobody asked to be read decides
//! nothing. Whatever cannot be understood fails the batch: it is tried again, and no record is lost.

mod ignored;
mod partial_failures;

pub use partial_failures::PartialFailures;

use crate::record::Record;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// What of a response is ignored, as AWS does (specification 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It reports records that failed in `batchItemFailures`, and the mapping has no ReportBatchItemFailures: these records count
    /// as settled, and all behind them.
    Failures,
    /// The mapping has ReportBatchItemFailures, and the response says something, but has no `batchItemFailures`.
    Content,
}

/// What the mapping asks of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rules<'a> {
    /// ReportBatchItemFailures: it may name records that failed, in this way.
    pub(crate) item_failures: Option<&'a PartialFailures>,
    /// A tumbling window: it brings the new state.
    pub(crate) brings_state: bool,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole batch succeeded, as far as AWS reads the response.
    Succeeded { state: Option<Bytes>, ignored: Option<Ignored> },
    /// The records at these places of the batch are tried again, at least one; the others succeeded. In order.
    Failed { places: Vec<usize>, state: Option<Bytes> },
    /// The response counts as a failure of the whole batch.
    Refused { reason: String },
}

/// The members of a response that count.
#[derive(Debug, Default, Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    state: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "batchItemFailures")]
    failures: Option<&'a RawValue>,
}

/// What `payload` says about `records`.
pub(crate) fn judge(payload: &Bytes, records: &[Record], rules: Rules<'_>) -> Verdict {
    if rules.item_failures.is_none() && !rules.brings_state {
        return Verdict::Succeeded { state: None, ignored: ignored::failures(payload) };
    }
    let response = match read(payload) {
        Ok(response) => response,
        Err(reason) => return Verdict::Refused { reason },
    };
    let state = response.state.filter(|_| rules.brings_state);
    let state = state.map(|state| payload.slice_ref(state.get().as_bytes()));
    if rules.brings_state && state.is_none() {
        return Verdict::Refused {
            reason: "the response has no `state`, though the event had a window".into(),
        };
    }
    let Some(item_failures) = rules.item_failures else {
        return Verdict::Succeeded { state, ignored: ignored::failures(payload) };
    };
    let Some(failures) = response.failures else {
        return Verdict::Succeeded { state, ignored: ignored::content(payload) };
    };
    match items(failures).and_then(|items| item_failures.tried_again(&items, records)) {
        Ok(places) if places.is_empty() => Verdict::Succeeded { state, ignored: None },
        Ok(places) => Verdict::Failed { places, state },
        Err(reason) => Verdict::Refused { reason },
    }
}

/// Anything that is JSON and no object says nothing, and so does nothing at all.
fn read(payload: &[u8]) -> Result<Response<'_>, String> {
    let text = payload.trim_ascii();
    if text.is_empty() {
        return Ok(Response::default());
    }
    let response = if text.starts_with(b"{") {
        serde_json::from_slice(text)
    } else {
        serde_json::from_slice::<IgnoredAny>(text).map(|_| Response::default())
    };
    response.map_err(|error| format!("the response is not one of a batch: {error}"))
}

fn items(failures: &RawValue) -> Result<Vec<&RawValue>, String> {
    serde_json::from_str(failures.get()).map_err(|error| format!("`batchItemFailures` is no list: {error}"))
}

#[cfg(test)]
mod tests;
