//! What an `itemIdentifier` names a record by (specification 4.3).

use crate::record::{Record, number_text};

/// The identifier of a record within its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemIdentifier<'a> {
    /// Its sequence number, without zeros in front: the records of a shard.
    SequenceNumber(&'a str),
}

impl<'a> ItemIdentifier<'a> {
    /// That of a record.
    pub(super) fn of(record: &'a Record) -> Self {
        Self::written(record.position().as_str())
    }

    /// That which a response has written.
    pub(super) fn written(text: &'a str) -> Self {
        Self::SequenceNumber(number_text(text))
    }
}
