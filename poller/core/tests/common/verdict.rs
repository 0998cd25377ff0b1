//! What a response says, read once more in the plainest way there is.

use super::number_of;
use pelton_core::{Invocation, Policy};
use serde_json::Value;

/// What a response says of a batch.
pub(crate) enum Verdict {
    Succeeded {
        state: Option<String>,
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
    if !needs_state && !policy.reports_item_failures {
        return Verdict::Succeeded { state: None };
    }
    let response = match payload {
        b"" => Value::Null,
        _ => match serde_json::from_slice(payload) {
            Ok(response) => response,
            Err(_) => return Verdict::Refused,
        },
    };
    // In these tests a state is written the way that serde_json writes it.
    let state = Some(&response["state"]).filter(|state| needs_state && !state.is_null());
    let state = state.map(Value::to_string);
    if needs_state && state.is_none() {
        return Verdict::Refused;
    }
    let failures = match &response["batchItemFailures"] {
        Value::Array(failures) if policy.reports_item_failures => failures.clone(),
        Value::Null | Value::Array(_) => Vec::new(),
        _ if !policy.reports_item_failures => Vec::new(),
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
        usize::MAX => Verdict::Succeeded { state },
        first => Verdict::FailedFrom { first, state },
    }
}
