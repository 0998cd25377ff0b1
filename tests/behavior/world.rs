//! One mapping of one stream, its function, and its store.

use pelton::clock::Clock;
use pelton::ports::{Destination, Invoker, Pace};
use pelton::shard_worker::{Ports, Remarks};
use pelton::starting::{StartError, find_stream};
use pelton::supervisor::{
    Change, Envelopes, Goal, MappingActivity, MappingPlan, SharedOut, Stopped, Supervisor,
};
use pelton_core::starting_position::StartingPosition;
use pelton_model::{Mapping, MappingId, ShardSettings};
use pelton_tests::chance;
use pelton_tests::fakes::{FakeDestination, FakeFunction, FakeStream, MemoryStore};
use std::sync::Arc;
use std::time::Duration;

/// What a batch in flight may take when a mapping is stopped.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// Everything around the code under test. It survives a crash of it.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) stream: FakeStream,
    pub(crate) function: FakeFunction,
    pub(crate) store: MemoryStore,
    /// The mapping's on-failure destination, if it has one.
    pub(crate) destination: Option<FakeDestination>,
    pub(crate) mapping: Mapping,
    pub(crate) pace: Pace,
    pub(crate) goal: Goal,
}

impl World {
    /// A mapping from TRIM_HORIZON with batches of up to 10 records, on a stream of these shards. Its rests and retries are as the
    /// seed of this run has them.
    pub(crate) fn new(shards: &[&str]) -> Self {
        chance::seed_this_thread();
        let clock = Clock::start_paused();
        let stream = FakeStream::new(&clock, shards);
        let function = FakeFunction::new(&clock);
        let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/fake".parse().unwrap();
        let id = MappingId("mapping".into());
        let mapping = Mapping {
            batch_size: 10,
            ..Mapping::new(id, "function".into(), arn, StartingPosition::TrimHorizon)
        };
        let store = MemoryStore::default();
        let pace = Pace {
            poll_interval: Duration::from_secs(1),
            read_gap_min: Duration::from_millis(200),
            read_records_max: 10_000,
        };
        let (destination, goal) = (None, Goal::GoOn);
        Self { clock, stream, function, store, destination, mapping, pace, goal }
    }

    pub(crate) fn from(self, starting_position: StartingPosition) -> Self {
        self.shards(|shards| shards.starting_position = starting_position)
    }

    /// The same with what `change` changes of what is asked of its shards.
    pub(crate) fn shards(mut self, change: impl FnOnce(&mut ShardSettings)) -> Self {
        change(self.mapping.source.shards_mut().expect("a stream has shards"));
        self
    }

    pub(crate) fn batch_size(self, batch_size: u32) -> Self {
        Self { mapping: Mapping { batch_size, ..self.mapping }, ..self }
    }

    /// The same with an on-failure destination.
    pub(crate) fn with_destination(self) -> (Self, FakeDestination) {
        let destination = FakeDestination::new(&self.clock);
        (Self { destination: Some(destination.clone()), ..self }, destination)
    }

    pub(crate) fn until_caught_up(self) -> Self {
        Self { goal: Goal::CatchUp, ..self }
    }

    /// Starts the mapping as a new process would.
    pub(crate) async fn start(&self) -> Supervisor {
        self.try_start().await.unwrap()
    }

    pub(crate) async fn try_start(&self) -> Result<Supervisor, StartError> {
        let supervisor = self.try_start_unopened().await?;
        supervisor.opened().await;
        Ok(supervisor)
    }

    /// The same, without waiting for its shards to be opened.
    pub(crate) async fn try_start_unopened(&self) -> Result<Supervisor, StartError> {
        let mut supervisor = Supervisor::default();
        let change = Change { started: vec![self.found().await?], ..Change::default() };
        supervisor.apply(change, GRACE, &self.clock).await?;
        Ok(supervisor)
    }

    /// The mapping, of which the stream was found.
    pub(crate) async fn found(&self) -> Result<MappingPlan, StartError> {
        let found = find_stream(&self.mapping, &self.stream, &self.clock).await?;
        let ports = Ports {
            source: Arc::new(self.stream.clone()),
            invoker: Arc::new(self.function.clone()) as Arc<dyn Invoker>,
            destination: self.destination.clone().map(|taker| Arc::new(taker) as Arc<dyn Destination>),
            remarks: Arc::new(Remarks::of(self.mapping.function.clone())),
            clock: self.clock.clone(),
        };
        let shared_out = SharedOut::Listed {
            stream: Arc::new(self.stream.clone()),
            found,
            store: Arc::new(self.store.clone()),
            ends_with_process: false,
        };
        Ok(MappingPlan {
            mapping: self.mapping.clone(),
            ports,
            shared_out,
            envelopes: Envelopes::Same(FakeStream::envelope()),
            pace: self.pace,
            goal: self.goal,
        })
    }

    /// Runs until the function has handled `count` records, for an hour at most.
    pub(crate) async fn until_handled(&self, count: usize) {
        self.until(|world| world.function.handled().len() >= count).await;
    }

    /// Runs until `is_true`, for an hour at most.
    pub(crate) async fn until(&self, is_true: impl Fn(&World) -> bool) {
        let deadline = self.clock.now().after(Duration::from_secs(3600));
        while !is_true(self) {
            assert!(self.clock.now() < deadline, "it did not come true within an hour");
            self.clock.sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn stop(&self, supervisor: Supervisor) {
        assert_eq!(supervisor.stop(GRACE, &self.clock).await, Stopped::Clean);
    }
}

/// What the only mapping is doing.
pub(crate) fn activity(supervisor: &Supervisor) -> MappingActivity {
    supervisor.mappings()[0].view.as_ref().unwrap().borrow().activity.clone()
}

/// `0`, `1`, … as payloads.
pub(crate) fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| number.to_string()).collect()
}
