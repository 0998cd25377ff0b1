//! Tumbling windows: what an event says of its window, and the state in the handler's own type.
//!
//! In: the JSON of the state, byte for byte. Out: the author's type, and JSON again. Numbers stay what they are.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A tumbling window of one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub start: DateTime<Utc>,
    /// When it ends, exclusive.
    pub end: DateTime<Utc>,
    /// ARN of the stream; empty if the event does not say.
    pub stream: String,
    /// Id of the shard; empty if the event does not say.
    pub shard: String,
    /// It ended before its time, because its state had more than 1 MB. The same window goes on with a fresh state, and
    /// is finished again.
    pub is_terminated_early: bool,
}

/// What an event says of its window.
#[derive(Debug)]
pub struct WindowEvent {
    /// Which.
    pub window: Window,
    /// What the invocation before answered.
    pub state: Option<Box<RawValue>>,
    /// Whether this is the last invocation of the window.
    pub is_final: bool,
}

/// Why a state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another version of the function wrote it, perhaps.
    #[error("the window's state in the event is not what this handler keeps")]
    Unreadable(#[source] serde_json::Error),
    /// Its type does not go into JSON.
    #[error("the window's state cannot be written as JSON")]
    Unwritable(#[source] serde_json::Error),
    /// A number, a string, a list: AWS takes an object.
    #[error("the window's state is no JSON object: its type must be a struct with fields, or a map")]
    NotAnObject,
}

/// The state that an event carries. The first invocation of a window has `{}`, which is the default.
pub(crate) fn read_state<T: DeserializeOwned + Default>(state: Option<&RawValue>) -> Result<T, StateError> {
    match state {
        Some(state) if !is_empty_object(state.get()) => {
            serde_json::from_str(state.get()).map_err(StateError::Unreadable)
        }
        Some(_) | None => Ok(T::default()),
    }
}

/// The state as the answer carries it.
pub(crate) fn write_state<T: Serialize>(state: &T) -> Result<Box<RawValue>, StateError> {
    let json = serde_json::value::to_raw_value(state).map_err(StateError::Unwritable)?;
    if json.get().starts_with('{') { Ok(json) } else { Err(StateError::NotAnObject) }
}

/// What is left of a window that is finished.
pub(crate) fn no_state() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("braces are JSON")
}

fn is_empty_object(json: &str) -> bool {
    let inner = json.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
    struct Totals {
        sum: u64,
        mean: f64,
        pages: BTreeMap<String, u64>,
    }

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn the_first_state_of_a_window_is_the_default() {
        for empty in [Some("{}"), Some("{ \n}"), None] {
            let state: Totals = read_state(empty.map(raw).as_deref()).unwrap();
            assert_eq!(state, Totals::default());
        }
    }

    #[test]
    fn numbers_of_a_state_survive() {
        let json = r#"{"sum":18446744073709551615,"mean":0.1,"pages":{"1":282,"2":715}}"#;
        let state: Totals = read_state(Some(&raw(json))).unwrap();
        assert_eq!((state.sum, state.pages["1"]), (u64::MAX, 282));
        assert_eq!(write_state(&state).unwrap().get(), json);
    }

    #[test]
    fn a_state_of_another_shape_is_refused() {
        let error = read_state::<Totals>(Some(&raw(r#"{"sum":"many"}"#))).unwrap_err();
        assert!(matches!(error, StateError::Unreadable(_)), "{error:?}");
    }

    #[test]
    fn a_state_must_be_a_json_object() {
        assert!(matches!(write_state(&7_u64), Err(StateError::NotAnObject)));
        assert!(matches!(write_state(&[1, 2]), Err(StateError::NotAnObject)));
        let by_pair = BTreeMap::from([((1, 2), 3)]);
        assert!(matches!(write_state(&by_pair), Err(StateError::Unwritable(_))));
    }
}
