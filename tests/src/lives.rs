//! What a poller that was killed again and again may have done: go on where it was, or repeat the batch in flight.

use crate::journal::Batch;

/// The batches of one shard, those of each life of the poller apart. `batches_at_kill` tells how many batches of all
/// shards had begun when each life but the last ended.
#[must_use]
pub fn lives_of<'a>(shard: &str, began: &'a [Batch], batches_at_kill: &[usize]) -> Vec<Vec<&'a Batch>> {
    let begins = [0].into_iter().chain(batches_at_kill.iter().copied());
    let ends = batches_at_kill.iter().copied().chain([began.len()]);
    begins
        .zip(ends)
        .map(|(from, to)| began[from..to].iter().filter(|batch| batch.shard == shard).collect())
        .collect()
}

/// Each life goes on after the last batch of the lives before, or with that batch, and leaves nothing out.
///
/// # Panics
/// If one does not.
#[track_caller]
pub fn assert_nothing_lost(shard: &str, records: &[String], lives: &[Vec<&Batch>]) {
    let mut last = 0..0;
    for (life, batches) in lives.iter().enumerate() {
        for (number, batch) in batches.iter().enumerate() {
            let data = batch.data();
            let from = records.iter().position(|record| record == data[0]).expect("it was put");
            let is_next = from == last.end;
            let is_repeated = number == 0 && from == last.start;
            assert!(
                is_next || is_repeated,
                "{shard}, life {life}, batch {number}: begins with record {from}, the batch before was {last:?}"
            );
            last = from..from + data.len();
            assert_eq!(
                records.get(last.clone()).map(|records| records == data),
                Some(true),
                "{shard} {last:?}"
            );
        }
    }
    assert_eq!(last.end, records.len(), "{shard}: nothing is left out");
}
