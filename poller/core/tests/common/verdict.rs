//! What a response says, read once more in the plainest way there is.

use super::number_of;
use pelton_core::{Ignored, Invocation, Policy};
use serde_json::Value;

/// What a response says of a batch.
pub(crate) enum Verdict {
    Succeeded {
        state: Option<String>,
        ignored: Option<Ignored>,
    },
    /// From the record at this index on.
    FailedFrom {
        first: usize,
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
    let mut first = usize::MAX;
    for failure in &failures {
        let named = failure["itemIdentifier"].as_str().and_then(|text| text.parse::<u64>().ok());
        let records = invocation.batch.records();
        let place = records.iter().position(|record| Some(number_of(record.position())) == named);
        match place {
            Some(place) => first = first.min(place),
            None => return Verdict::Refused,
        }
    }
    match first {
        usize::MAX => Verdict::Succeeded { state, ignored: None },
        first => Verdict::FailedFrom { first, state },
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
