//! What a response says beside what counts (specification 4.3): whoever wrote the function may believe that it counts.
//!
//! In: a response that counts as a success. Out: what of it is ignored. Changes no verdict.

use super::read;
use crate::response::Ignored;
use memchr::memmem;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

const FAILURES: &str = "batchItemFailures";

/// Of a response to a mapping without ReportBatchItemFailures: the failures that it reports. A response without that word is not
/// read.
pub(super) fn failures(payload: &[u8]) -> Option<Ignored> {
    memmem::find(payload, FAILURES.as_bytes())?;
    let failures = read(payload).ok()?.failures?;
    let is_empty = serde_json::from_str::<[IgnoredAny; 0]>(failures.get()).is_ok();
    (!is_empty).then_some(Ignored::Failures)
}

/// Of a response without `batchItemFailures` to a mapping with ReportBatchItemFailures, which was read: the content that it has.
pub(super) fn content(payload: &[u8]) -> Option<Ignored> {
    let text = payload.trim_ascii();
    let has_content = match text.first() {
        None => false,
        Some(b'{') => {
            let mut reader = serde_json::Deserializer::from_slice(text);
            reader.deserialize_map(Members::default()).is_ok_and(Members::are_content)
        }
        Some(b'[') => text[1..].trim_ascii_start().first() != Some(&b']'),
        Some(_) => !matches!(text, b"null" | b"\"\""),
    };
    has_content.then_some(Ignored::Content)
}

/// Which members an object has.
#[derive(Default)]
struct Members {
    has_failures: bool,
    /// The state of a tumbling window counts.
    has_state: bool,
    has_others: bool,
    /// `batchItemFailures`, misspelt: `BatchItemFailures`, `batch_item_failures`.
    is_misspelt: bool,
}

impl Members {
    /// Beside a state, which counts, other members are no sign of a mistake unless they look like failures.
    fn are_content(self) -> bool {
        !self.has_failures && (self.is_misspelt || (self.has_others && !self.has_state))
    }

    fn note(&mut self, name: &str) {
        match name {
            FAILURES => self.has_failures = true,
            "state" => self.has_state = true,
            _ => {
                let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
                let is_plural = letters.eq_ignore_ascii_case(FAILURES);
                self.is_misspelt |= is_plural || letters.eq_ignore_ascii_case("batchItemFailure");
                self.has_others = true;
            }
        }
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Self, A::Error> {
        while let Some((name, IgnoredAny)) = members.next_entry::<Cow<'de, str>, IgnoredAny>()? {
            self.note(&name);
        }
        Ok(self)
    }
}
