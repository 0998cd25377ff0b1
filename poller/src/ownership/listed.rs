//! A stream that lists its shards, all of which this poller reads: positions are kept on this machine.
//!
//! In: what the core wants to know and to keep. Out: what the stream answers, and what changes for the mapping. What to make of it
//! is decided by `pelton_core::shard_sync`.

use crate::clock::Clock;
use crate::errors::chain;
use crate::in_flight::finish;
use crate::ports::{
    CheckpointError, CheckpointStore, Checkpoints, KeptMapping, Ownership, SourceError, StoreError, Stream,
    StreamChecks,
};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use pelton_core::ownership::{Change, Released};
use pelton_core::shard_sync::{Command, FoundStream, Input, Keep, Notice, Settings, ShardSync};
use pelton_core::stream::ShardId;
use pelton_core::{Checkpoint, Position};
use pelton_model::MappingId;
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{info, warn};

/// A stream, and what keeps how far it is read.
pub struct ListedStream {
    /// The mapping.
    pub mapping: MappingId,
    /// The stream, for people.
    pub name: String,
    /// Whether it ends with this process: the next one finds a new stream under its name.
    pub ends_with_process: bool,
    /// What the mapping asks for.
    pub settings: Settings,
    /// The stream.
    pub source: Arc<dyn Stream>,
    /// Where positions are kept.
    pub store: Arc<dyn CheckpointStore>,
    /// The time.
    pub clock: Clock,
}

/// The shards of a listed stream.
pub struct ListedOwnership {
    stream: ListedStream,
    sync: ShardSync,
    checks: Arc<StreamChecks>,
    /// The answer that the core waits for.
    answer: Option<BoxFuture<'static, Input>>,
}

/// Why the core got no answer.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("cannot list the shards of the stream")]
    Source(#[from] SourceError),
    #[error("cannot store the list of shards")]
    Store(#[from] StoreError),
}

impl ListedOwnership {
    /// Finds the positions of a mapping whose stream was found; where there are none yet, keeps where it begins. Cancelling is
    /// safe.
    ///
    /// # Errors
    ///
    /// If the positions cannot be read or kept.
    pub async fn start(stream: ListedStream, found: FoundStream) -> Result<Self, StoreError> {
        let ListedStream { mapping, settings, store, clock, .. } = &stream;
        let kept = store.load(mapping).await?;
        let seed = fastrand::Rng::new().u64(..);
        let mut sync = ShardSync::new(settings.clone(), kept, found, seed, clock.now());
        say(&mut sync, &stream);
        while let Some(command) = sync.next_command() {
            if let Command::Keep(what) = command {
                keep(&**store, mapping, &what).await?;
                sync.handle(Input::Kept(Ok(())), clock.now());
            }
        }
        Ok(Self { stream, sync, checks: Arc::default(), answer: None })
    }

    /// What is kept of the mapping.
    #[must_use]
    pub fn state(&self) -> &KeptMapping {
        self.sync.state()
    }

    fn carry_out(&mut self, command: Command) {
        let source = Arc::clone(&self.stream.source);
        match command {
            Command::Describe => {
                let answer = async move { source.describe().await.map_err(words) };
                self.answer = Some(Box::pin(async { Input::Described(answer.await) }));
            }
            Command::List => {
                let answer = async move { source.list_shards().await.map_err(words) };
                self.answer = Some(Box::pin(async { Input::Listed(answer.await) }));
            }
            Command::Keep(what) => {
                let (store, mapping) = (Arc::clone(&self.stream.store), self.stream.mapping.clone());
                let answer = async move { keep(&*store, &mapping, &what).await.map_err(words) };
                self.answer = Some(Box::pin(async { Input::Kept(answer.await) }));
            }
            Command::Passed(required) => self.checks.pass(required),
        }
    }
}

#[async_trait]
impl Ownership for ListedOwnership {
    async fn next(&mut self) -> Change {
        loop {
            say(&mut self.sync, &self.stream);
            while let Some(command) = self.sync.next_command() {
                self.carry_out(command);
            }
            if let Some(change) = self.sync.next_change() {
                return change;
            }
            let input = tokio::select! {
                biased;
                answer = finish(&mut self.answer) => answer,
                required = self.checks.wanted() => Input::CheckWanted { required },
                () = self.stream.clock.sleep_until_some(self.sync.next_wakeup()) => Input::TimePassed,
            };
            self.sync.handle(input, self.stream.clock.now());
        }
    }

    fn released(&mut self, released: Released) {
        self.sync.handle(Input::Released(released), self.stream.clock.now());
    }

    fn checkpoints(&self, shard: &ShardId) -> Arc<dyn Checkpoints> {
        let (store, mapping) = (Arc::clone(&self.stream.store), self.stream.mapping.clone());
        Arc::new(StoredCheckpoints { store, mapping, shard: shard.clone() })
    }

    fn checks(&self) -> Arc<StreamChecks> {
        Arc::clone(&self.checks)
    }

    fn waiting(&self) -> BTreeMap<ShardId, Option<Position>> {
        self.sync.waiting().map(|(id, shard)| (id.clone(), shard.checkpoint.position.clone())).collect()
    }
}

async fn keep(store: &dyn CheckpointStore, mapping: &MappingId, what: &Keep) -> Result<(), StoreError> {
    match what {
        Keep::Anew(state) => store.replace(mapping, state).await,
        Keep::Changed { added, removed } => store.change_shards(mapping, added, removed).await,
    }
}

fn words(error: impl Into<Unanswered>) -> Arc<str> {
    chain(&error.into()).into()
}

fn say(sync: &mut ShardSync, stream: &ListedStream) {
    let ListedStream { mapping, name, ends_with_process, clock, .. } = stream;
    while let Some(notice) = sync.next_notice() {
        match notice {
            Notice::MadeAgain { .. } if *ends_with_process => {
                info!(%mapping, stream = name, "the embedded stream is new: starting at its beginning");
            }
            Notice::MadeAgain { old } => warn!(
                %mapping, stream = name, old_stream = old.arn,
                "the stream was deleted and created again: starting anew, because the old checkpoints are invalid"
            ),
            Notice::AnotherStream { old } => warn!(
                %mapping, stream = name, old_stream = old.arn,
                "the mapping reads another stream than before: starting at its StartingPosition, because the checkpoints are those of the other stream"
            ),
            Notice::Resharded(shards) => info!(%mapping, shards, "the stream was resharded"),
            Notice::NotEnded(shard) => {
                let position =
                    sync.state().shards.get(&shard).and_then(|state| state.checkpoint.position.clone());
                warn!(
                    %mapping, %shard, position = position.map(tracing::field::display),
                    "the checkpoint says that the shard ended, but the stream lists it as open: resuming"
                );
            }
            Notice::LostToRetention(shard) => warn!(
                %mapping, %shard,
                "the stream no longer lists the shard: records of it that are not settled are lost to retention"
            ),
            Notice::Ended(shard) => {
                info!(%mapping, %shard, "the shard has ended: all of its records are settled");
            }
            Notice::Retention(retention) => info!(%mapping, ?retention, "the stream's retention has changed"),
            Notice::CheckFailed { why, again_at } => {
                let again_in = again_at.since(clock.now());
                warn!(%mapping, error = super::why_waiting(&why), ?again_in, "waiting for the stream");
            }
            Notice::Available => info!(%mapping, "the stream is available again"),
            Notice::CaughtUp => {
                info!(%mapping, "caught up: every record that was in the stream at the start is settled and checkpointed");
            }
        }
    }
}

/// The checkpoints of one shard, in the store of this machine: nobody else reads it.
struct StoredCheckpoints {
    store: Arc<dyn CheckpointStore>,
    mapping: MappingId,
    shard: ShardId,
}

#[async_trait]
impl Checkpoints for StoredCheckpoints {
    async fn save(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        Ok(self.store.save(&self.mapping, &self.shard, checkpoint).await?)
    }
}
