//! What several pollers of a group handled, put together.

use pelton_tests::kafka::{Event, Journal, Step};
use std::collections::BTreeMap;

/// A batch that a poller handed to its function.
#[derive(Clone, Debug)]
pub(super) struct Handled {
    /// Which of the journals.
    pub(super) poller: usize,
    pub(super) began_ns: u64,
    /// `None`: it did not end well.
    pub(super) ended_ns: Option<u64>,
    pub(super) offsets: Vec<i64>,
}

/// The batches of each partition, in the order in which they began.
pub(super) fn by_partition(journals: &[Journal]) -> BTreeMap<i32, Vec<Handled>> {
    let mut all: BTreeMap<i32, Vec<Handled>> = BTreeMap::new();
    for (poller, journal) in journals.iter().enumerate() {
        let mut open: BTreeMap<i32, Event> = BTreeMap::new();
        for event in journal.events() {
            let partition = event.partition();
            if event.step == Step::Began {
                let cut_short = open.insert(partition, event);
                cut_short
                    .into_iter()
                    .for_each(|began| all.entry(partition).or_default().push(handled(poller, &began, None)));
            } else if let Some(began) = open.remove(&partition) {
                let ended = (event.step == Step::Ended).then_some(event.at_ns);
                all.entry(partition).or_default().push(handled(poller, &began, ended));
            }
        }
        for (partition, began) in open {
            all.entry(partition).or_default().push(handled(poller, &began, None));
        }
    }
    for batches in all.values_mut() {
        batches.sort_by_key(|batch| batch.began_ns);
    }
    all
}

fn handled(poller: usize, began: &Event, ended_ns: Option<u64>) -> Handled {
    Handled { poller, began_ns: began.at_ns, ended_ns, offsets: began.offsets() }
}

/// Every record below `end` was done with, and no batch begins behind a record that was not. Returns how many records were handed
/// over again.
#[track_caller]
pub(super) fn assert_in_order(partition: i32, batches: &[Handled], end: i64) -> usize {
    let (mut done, mut again) = (0, 0);
    for batch in batches {
        let (first, last) = (batch.offsets[0], batch.offsets[batch.offsets.len() - 1]);
        assert!(
            first <= done,
            "partition {partition}: {first} is handed over, but {done} is not done with: {batches:#?}"
        );
        let consecutive = batch.offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        assert!(consecutive, "partition {partition}: {:?}", batch.offsets);
        again += batch.offsets.iter().filter(|offset| **offset < done).count();
        if batch.ended_ns.is_some() {
            done = done.max(last + 1);
        }
    }
    assert_eq!(done, end, "partition {partition}: everything is done with");
    again
}

/// No poller begins a batch before another one has ended its own.
#[track_caller]
pub(super) fn assert_one_at_a_time(partition: i32, batches: &[Handled]) {
    for pair in batches.windows(2) {
        let is_over = pair[0].ended_ns.is_some_and(|ended| ended <= pair[1].began_ns);
        assert!(
            pair[0].poller == pair[1].poller || is_over,
            "partition {partition}: two at a time: {pair:#?}"
        );
    }
}
