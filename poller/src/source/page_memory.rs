//! The memory of a page, and its share of the budget.

use super::budget::Reservation;
use bytes::Bytes;

/// The page's memory, with its share of the budget: both live as long as any of its records.
pub(super) fn share(page: Vec<u8>, reservation: Reservation) -> Bytes {
    struct PageMemory {
        bytes: Vec<u8>,
        _reservation: Reservation,
    }
    impl AsRef<[u8]> for PageMemory {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    Bytes::from_owner(PageMemory { bytes: page, _reservation: reservation })
}
