//! What a function's response says about its batch (specification 4.3 and 5.1).
//!
//! In: the response, to the byte, and the records it is about. Out: a verdict. A response that nobody asked to be read decides
//! nothing. Whatever cannot be understood fails the batch: it is tried again, and no record is lost.

mod identifier;
mod ignored;

use crate::record::Record;
use bytes::Bytes;
use identifier::ItemIdentifier;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

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
pub(crate) struct Rules {
    /// ReportBatchItemFailures: it may name records that failed.
    pub(crate) reports_item_failures: bool,
    /// A tumbling window: it brings the new state.
    pub(crate) brings_state: bool,
}

/// What a response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The whole batch succeeded, as far as AWS reads the response.
    Succeeded { state: Option<Bytes>, ignored: Option<Ignored> },
    /// The records from `first` on failed, or came after one that did.
    FailedFrom { first: usize, state: Option<Bytes> },
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

#[derive(Deserialize)]
struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    identifier: String,
}

/// What `payload` says about `records`.
pub(crate) fn judge(payload: &Bytes, records: &[Record], rules: Rules) -> Verdict {
    if !rules.reports_item_failures && !rules.brings_state {
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
    if !rules.reports_item_failures {
        return Verdict::Succeeded { state, ignored: ignored::failures(payload) };
    }
    let Some(failures) = response.failures else {
        return Verdict::Succeeded { state, ignored: ignored::content(payload) };
    };
    match first_failed(failures, records) {
        Ok(None) => Verdict::Succeeded { state, ignored: None },
        Ok(Some(first)) => Verdict::FailedFrom { first, state },
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

/// The earliest of the records that the response names.
fn first_failed(failures: &RawValue, records: &[Record]) -> Result<Option<usize>, String> {
    let failures: Vec<&RawValue> = serde_json::from_str(failures.get())
        .map_err(|error| format!("`batchItemFailures` is no list: {error}"))?;
    if failures.is_empty() {
        return Ok(None);
    }
    let identified: BTreeMap<ItemIdentifier<'_>, usize> =
        records.iter().enumerate().map(|(index, record)| (ItemIdentifier::of(record), index)).collect();
    let mut first = records.len();
    for failure in failures {
        let ItemFailure { identifier } = serde_json::from_str(failure.get())
            .map_err(|_| "an item of `batchItemFailures` has no text as `itemIdentifier`".to_owned())?;
        let index = identified.get(&ItemIdentifier::written(&identifier)).ok_or_else(|| {
            let shown: String = identifier.chars().take(SHOWN_CHARS_MAX).collect();
            format!("`itemIdentifier` is `{shown}`, which is no record of the batch")
        })?;
        first = first.min(*index);
    }
    Ok(Some(first))
}

/// Most characters of an identifier that a message shows.
const SHOWN_CHARS_MAX: usize = 80;

#[cfg(test)]
mod tests;
