//! Which records of a batch a response names as failed, and which are tried again with them (specification 4.3).
//!
//! In: the items of `batchItemFailures`, and the records. Out: the places of the records to try again; or why an item names none.

use crate::record::{Record, number_text};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How a response names records that failed, and which records are tried again with them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PartialFailures {
    /// By sequence number: Kinesis and DynamoDB Streams. The lowest one counts: everything from it on is tried again, what succeeded
    /// too.
    #[default]
    FromLowest,
    /// By partition and offset: Kafka. The records that are named are tried again, and no others.
    Listed {
        /// The partition of the shard: `mytopic-0`.
        partition: Arc<str>,
    },
}

#[derive(Deserialize)]
struct ItemFailure<'a> {
    #[serde(borrow, rename = "itemIdentifier")]
    identifier: &'a RawValue,
}

/// `{"partition":"mytopic-0","offset":5}`. AWS documents the offset as a number: a text is none.
#[derive(Deserialize)]
struct PartitionOffset {
    partition: String,
    offset: u64,
}

/// The place of each record in its batch, by its position without zeros in front.
type Places<'a> = BTreeMap<&'a str, usize>;

/// Most characters of an identifier that a message shows.
const SHOWN_CHARS_MAX: usize = 80;

impl PartialFailures {
    /// The places of the records that are tried again, in order; none if the response names none.
    ///
    /// # Errors
    ///
    /// If an item names no record of the batch: the reason, for people.
    pub(super) fn tried_again(&self, items: &[&RawValue], records: &[Record]) -> Result<Vec<usize>, String> {
        let in_order = records.iter().enumerate();
        let places: Places<'_> =
            in_order.map(|(place, record)| (number_text(record.position().as_str()), place)).collect();
        let named = items.iter().map(|item| self.named(item, &places));
        let named: BTreeSet<usize> = named.collect::<Result<_, String>>()?;
        Ok(match self {
            Self::FromLowest => (named.first().copied().unwrap_or(records.len())..records.len()).collect(),
            Self::Listed { .. } => named.into_iter().collect(),
        })
    }

    /// The place of the record that an item names.
    fn named(&self, item: &RawValue, places: &Places<'_>) -> Result<usize, String> {
        let identifier = object::<ItemFailure<'_>>(item).map(|item| item.identifier);
        let (place, shown) = match self {
            Self::FromLowest => {
                let named = identifier.and_then(|named| serde_json::from_str::<String>(named.get()).ok());
                let named = named.ok_or("an item of `batchItemFailures` has no text as `itemIdentifier`")?;
                (places.get(number_text(&named)), format!("`{}`", shortened(&named)))
            }
            Self::Listed { partition } => {
                let PartitionOffset { partition: of, offset } =
                    identifier.and_then(object).ok_or_else(|| {
                        format!(
                            "an item of `batchItemFailures` has no `itemIdentifier` such as \
                             `{{\"partition\":\"{partition}\",\"offset\":5}}`"
                        )
                    })?;
                let place = places.get(&*offset.to_string()).filter(|_| *of == **partition);
                (place, format!("offset {offset} of `{}`", shortened(&of)))
            }
        };
        place.copied().ok_or_else(|| format!("`itemIdentifier` is {shown}, which is no record of the batch"))
    }
}

/// Reads an object, and nothing else: the members of a list have no names.
fn object<'a, T: Deserialize<'a>>(json: &'a RawValue) -> Option<T> {
    json.get().starts_with('{').then(|| serde_json::from_str(json.get()).ok()).flatten()
}

fn shortened(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
