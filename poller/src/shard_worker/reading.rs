//! One read of a shard, which opens the shard if it is the first.

use super::WorkerView;
use super::judged_reader::JudgedReader;
use crate::ports::{OpenShard, ReadFrom, Source, SourceError, StreamChecks};
use crate::stream_checks::Required;
use pelton_core::Page;
use pelton_core::shard_end::Ending;
use pelton_core::stream::ShardId;
use std::sync::Arc;
use tokio::sync::watch;

/// A read, and what tells of arrivals if it opened the shard.
pub(super) struct Fetched {
    pub(super) slot: ReaderSlot,
    pub(super) arrivals: Option<watch::Receiver<u64>>,
    pub(super) page: Result<Page, SourceError>,
}

/// The reader, opened by the first read.
pub(super) enum ReaderSlot {
    NotOpen(ReadFrom),
    Open(JudgedReader),
}

/// What a read needs.
pub(super) struct Reading {
    pub(super) slot: ReaderSlot,
    pub(super) source: Arc<dyn Source>,
    pub(super) shard: ShardId,
    pub(super) ending: Ending,
    /// The stream must be checked first.
    pub(super) required: Option<Required>,
    pub(super) checks: Arc<StreamChecks>,
    pub(super) view: watch::Sender<WorkerView>,
}

impl Reading {
    pub(super) async fn read(self, records_max: usize) -> Fetched {
        let Self { slot, source, shard, ending, required, checks, view } = self;
        if let Some(required) = required {
            checks.passed(required).await;
        }
        let (mut reader, arrivals) = match slot {
            ReaderSlot::Open(reader) => (reader, None),
            ReaderSlot::NotOpen(from) => match source.open(&shard, from.clone()).await {
                Ok(OpenShard { reader, arrivals }) => (JudgedReader::new(reader, ending), arrivals),
                Err(error) => {
                    let slot = ReaderSlot::NotOpen(from.after_failure());
                    return Fetched { slot, arrivals: None, page: Err(error) };
                }
            },
        };
        // Told before the first page is there: that may take a while.
        view.send_modify(|view| view.is_open = true);
        let page = reader.next(records_max, &*source, &shard).await;
        Fetched { slot: ReaderSlot::Open(reader), arrivals, page }
    }
}
