//! What a response says, read once more in the plainest way there is.

use super::number_of;
use pelton_core::{Ignored, Invocation, PartialFailures, Policy};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a response says of a batch.
pub(crate) enum Verdict {
    Succeeded {
        state: Option<String>,
        ignored: Option<Ignored>,
    },
    /// The records at these places are tried again, and there is one at least.
    Failed {
        places: BTreeSet<usize>,
        state: Option<String>,
    },
    Refused,
}

/// What `payload` says; `is_last`: the event was the last of its window.
pub(crate) fn verdict(payload: &[u8], invocation: &Invocation, policy: &Policy, is_last: bool) -> Verdict {
    let needs_state = policy.tumbling.is_some() && !is_last;
    let response = match payload {
        b"" => Ok(Value::Null),
        _ => serde_json::from_slice(payload),
    };
    let Ok(response) = response else {
        let is_read = needs_state || policy.reports_item_failures;
        return if is_read { Verdict::Refused } else { Verdict::Succeeded { state: None, ignored: None } };
    };
    // In these tests a state is written the way that serde_json writes it.
    let state = Some(&response["state"]).filter(|state| needs_state && !state.is_null());
    let state = state.map(Value::to_string);
    if needs_state && state.is_none() {
        return Verdict::Refused;
    }
    let failures = &response["batchItemFailures"];
    if !policy.reports_item_failures {
        let is_ignored = !failures.is_null() && *failures != Value::Array(Vec::new());
        return Verdict::Succeeded { state, ignored: is_ignored.then_some(Ignored::Failures) };
    }
    let failures = match failures {
        Value::Array(failures) => failures.clone(),
        Value::Null => return Verdict::Succeeded { state, ignored: content(&response) },
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => return Verdict::Refused,
    };
    let records = invocation.batch.records();
    let mut places = BTreeSet::new();
    for failure in &failures {
        let named = named(&failure["itemIdentifier"], policy);
        match records.iter().position(|record| Some(number_of(record.position())) == named) {
            Some(place) => {
                places.insert(place);
            }
            None => return Verdict::Refused,
        }
    }
    if let (PartialFailures::FromLowest, Some(first)) = (&policy.partial_failures, places.first()) {
        places = (*first..records.len()).collect();
    }
    match places.is_empty() {
        true => Verdict::Succeeded { state, ignored: None },
        false => Verdict::Failed { places, state },
    }
}

/// The number of the record that an identifier names, if it names one.
fn named(identifier: &Value, policy: &Policy) -> Option<u64> {
    match &policy.partial_failures {
        PartialFailures::FromLowest => identifier.as_str()?.parse().ok(),
        PartialFailures::Listed { partition } => {
            identifier["offset"].as_u64().filter(|_| identifier["partition"] == **partition)
        }
    }
}

/// Whether a response without failures says something else than a state.
fn content(response: &Value) -> Option<Ignored> {
    let is_content = match response {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => {
            !members.is_empty()
                && ["state", "batchItemFailures"].iter().all(|name| !members.contains_key(*name))
        }
    };
    is_content.then_some(Ignored::Content)
}
