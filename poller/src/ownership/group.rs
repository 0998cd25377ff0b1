//! The partitions of a topic, as a consumer group of Kafka gives them to this poller: positions are committed offsets.
//!
//! In: what the group and the brokers say. Out: their answers, and what changes for the mapping. What to make of it is decided by
//! `pelton_core::group`.

mod commits;

use crate::clock::Clock;
use crate::errors::chain;
use crate::in_flight::finish;
use crate::ports::{Checkpoints, GroupClient, GroupEvent, Ownership, StreamChecks};
use async_trait::async_trait;
use commits::Commits;
use futures_util::future::BoxFuture;
use pelton_core::Position;
use pelton_core::Timestamp;
use pelton_core::group::{Bounds, Command, Group, Input, Notice, Partition, Settings, out_of_range};
use pelton_core::ownership::{Change, Released, Waiting};
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{info, warn};

/// From one look at the logs of the partitions to the next.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// The same, while a place to read from is not in its log.
const LOOK_SOON: Duration = Duration::from_secs(1);
/// How long what is given back waits for the answer to a commit of it.
const LAST_COMMIT_WAIT_MAX: Duration = Duration::from_secs(3);

/// The logs of the partitions that are read, as they were last seen.
pub type Logs = BTreeMap<ShardId, Bounds>;

/// What a member of a group shows.
#[derive(Clone, Debug, Default)]
pub struct GroupView {
    /// The group's id.
    pub id: String,
    /// How often partitions were assigned, revoked or lost.
    pub rebalances: u64,
    /// By how much committed offsets were moved on.
    pub committed_events: u64,
    /// The logs of the partitions.
    pub logs: Logs,
}

/// A topic, and the group that shares it out.
pub struct GroupedTopic {
    /// The mapping.
    pub mapping: MappingId,
    /// The group's id.
    pub group: String,
    /// What the mapping asks of it.
    pub settings: Settings,
    /// A member of the group, which has not joined yet.
    pub client: Arc<dyn GroupClient>,
    /// The time.
    pub clock: Clock,
}

/// The partitions of a group's topic.
pub struct GroupOwnership {
    topic: GroupedTopic,
    group: Group,
    commits: Arc<Commits>,
    /// The answer that the core waits for.
    answer: Option<BoxFuture<'static, Input>>,
    look: Option<BoxFuture<'static, BTreeMap<Partition, Bounds>>>,
    look_at: Timestamp,
    /// A place to read from is not in its log: what the last look said of it.
    suspicion: Option<BTreeMap<Partition, Bounds>>,
    leaving: Option<Leaving>,
    /// Carries commits out, and hands partitions over.
    tasks: JoinSet<()>,
    /// To be told before anything else.
    changes: VecDeque<Change>,
    /// Where the logs begin, as it was told.
    log_starts: BTreeMap<Partition, u64>,
    view: watch::Sender<GroupView>,
}

/// A revocation that the group waits to be answered: once, with all of its partitions.
struct Leaving {
    all: Vec<Partition>,
    /// They are still read.
    read: BTreeSet<Partition>,
}

impl GroupOwnership {
    /// Joins the group.
    #[must_use]
    pub fn start(topic: GroupedTopic) -> Self {
        let GroupedTopic { group, settings, client, clock, .. } = &topic;
        let store = format!("the consumer group {group} of {}", settings.cluster);
        let commits = Arc::new(Commits::new(Arc::clone(client), store, clock.clone()));
        let mut tasks = JoinSet::new();
        let running = Arc::clone(&commits);
        tasks.spawn(async move { running.run().await });
        let machine = Group::new(settings.clone(), fastrand::Rng::new().u64(..));
        client.join();
        let look_at = clock.now().after(LOOK_INTERVAL);
        let (answer, look, suspicion, leaving) = (None, None, None, None);
        let view = watch::Sender::new(GroupView { id: topic.group.clone(), ..GroupView::default() });
        let log_starts = BTreeMap::new();
        let words = format!("joining the consumer group {}", topic.group);
        let changes = VecDeque::from([Change::Waiting(Waiting::Trouble(words.into()))]);
        Self {
            topic,
            group: machine,
            commits,
            answer,
            look,
            look_at,
            suspicion,
            leaving,
            tasks,
            changes,
            log_starts,
            view,
        }
    }

    /// What it shows.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<GroupView> {
        self.view.subscribe()
    }

    fn carry_out(&mut self, command: Command) {
        let client = Arc::clone(&self.topic.client);
        match command {
            Command::Ask(partitions) => {
                let since = match self.topic.settings.starting_position {
                    StartingPosition::AtTimestamp(since) => Some(since),
                    StartingPosition::Latest | StartingPosition::TrimHorizon => None,
                };
                self.answer =
                    Some(Box::pin(async move { Input::Known(client.known(&partitions, since).await) }));
            }
            Command::Fix(places) => {
                let commits = Arc::clone(&self.commits);
                let fixed = async move { commits.fix(places).await.map_err(|error| chain(&error).into()) };
                self.answer = Some(Box::pin(async { Input::Fixed(fixed.await) }));
            }
            Command::Take(taken) => {
                for taken in &taken {
                    self.log_starts.remove(&taken.partition);
                }
                self.commits.own(taken.iter());
                client.take(&taken);
                if !taken.is_empty() {
                    let GroupedTopic { mapping, group, .. } = &self.topic;
                    let partitions: Vec<Partition> = taken.iter().map(|taken| taken.partition).collect();
                    info!(%mapping, group, ?partitions, "the group assigned partitions");
                }
                self.look_at = self.topic.clock.now();
            }
            Command::GiveBack(partitions) => self.given_back(&partitions),
        }
    }

    /// The client takes one answer to each revocation.
    fn given_back(&mut self, partitions: &[Partition]) {
        let Some(leaving) = &mut self.leaving else { return };
        leaving.read.retain(|partition| !partitions.contains(partition));
        if leaving.read.is_empty()
            && let Some(Leaving { all, .. }) = self.leaving.take()
        {
            self.hand_over(all);
        }
    }

    /// What was settled of them is committed before, and nothing after.
    fn hand_over(&mut self, partitions: Vec<Partition>) {
        let (client, commits) = (Arc::clone(&self.topic.client), Arc::clone(&self.commits));
        let clock = self.topic.clock.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = commits.flushed(&partitions) => {}
                () = clock.sleep(LAST_COMMIT_WAIT_MAX) => {}
            }
            commits.disown(&partitions);
            client.give_back(&partitions);
        });
    }

    fn leave_these(&mut self, partitions: &[Partition]) {
        let read = partitions.iter().copied().collect();
        self.leaving = Some(Leaving { all: partitions.to_vec(), read });
        if partitions.is_empty() {
            self.given_back(&[]);
        }
    }

    fn told(&mut self, event: GroupEvent) -> Option<Input> {
        let GroupedTopic { mapping, group, .. } = &self.topic;
        let is_rebalance =
            matches!(event, GroupEvent::Assigned(_) | GroupEvent::Revoked(_) | GroupEvent::Lost(_));
        self.view.send_modify(|view| view.rebalances += u64::from(is_rebalance));
        match event {
            GroupEvent::Assigned(partitions) => {
                // A revocation that was overtaken: what is assigned again stays, the rest was given up.
                if let Some(Leaving { all, read }) = self.leaving.take() {
                    let gone =
                        |partition: &Partition| !read.contains(partition) && !partitions.contains(partition);
                    let gone = all.into_iter().filter(gone).collect();
                    self.hand_over(gone);
                }
                Some(Input::Assigned(partitions))
            }
            GroupEvent::Revoked(partitions) => {
                info!(%mapping, group, ?partitions, "the group wants partitions back");
                self.leave_these(&partitions);
                Some(Input::Revoked(partitions))
            }
            GroupEvent::Lost(partitions) => {
                self.commits.disown(&partitions);
                self.leave_these(&partitions);
                Some(Input::Lost(partitions))
            }
            GroupEvent::OutOfRange => {
                self.suspicion.get_or_insert_default();
                self.look_at = self.topic.clock.now();
                None
            }
            GroupEvent::Away(words) => Some(Input::Away(words)),
            GroupEvent::Back => Some(Input::Back),
            GroupEvent::Broken(words) => Some(Input::Away(words)),
        }
    }

    fn look(&mut self) {
        let partitions: Vec<Partition> = self.group.owned().collect();
        let client = Arc::clone(&self.topic.client);
        self.look = Some(Box::pin(async move { client.bounds(&partitions).await }));
    }

    fn looked(&mut self, bounds: BTreeMap<Partition, Bounds>) {
        let GroupedTopic { mapping, settings, client, .. } = &self.topic;
        let named = bounds.iter().map(|(partition, bounds)| (self.group.shard(*partition), *bounds));
        let (logs, committed_events) = (named.collect(), self.commits.events());
        self.view.send_modify(|view| (view.logs, view.committed_events) = (logs, committed_events));
        for (partition, Bounds { start, .. }) in &bounds {
            if self.log_starts.insert(*partition, *start).is_none_or(|before| before < *start) {
                let (shard, log_start) = (self.group.shard(*partition), *start);
                self.changes.push_back(Change::Trimmed { shard, log_start });
            }
        }
        let mut suspicion = None;
        if let Some(before) = self.suspicion.take() {
            let (mut is_cleared, mut shorter) = (true, Vec::new());
            for (partition, log) in &bounds {
                let Some(next) = client.next_offset(*partition) else { continue };
                let seen_before = before.get(partition).copied();
                let Some(place) = out_of_range(next, *log, seen_before, settings.starting_position) else {
                    is_cleared &= next <= log.end;
                    continue;
                };
                let shard = self.group.shard(*partition);
                if place.offset < next {
                    warn!(
                        %mapping, %shard, next, oldest = log.start, end = log.end,
                        "the log ends before what was read of it: the topic was made again, or its records are lost"
                    );
                    shorter.push(*partition);
                    continue;
                }
                warn!(
                    %mapping, %shard, next, oldest = log.start, end = log.end,
                    records_lost = place.lost, reading_on_at = place.offset,
                    "the place to read on from is not in the log any more: records are lost to retention"
                );
                client.seek(*partition, place.offset, next.checked_sub(1));
            }
            let can_begin_anew = self.leaving.is_none() && self.answer.is_none();
            is_cleared &= shorter.is_empty() || can_begin_anew;
            if can_begin_anew && !shorter.is_empty() {
                self.begin_anew(shorter);
            }
            suspicion = (!is_cleared).then_some(bounds);
        }
        let again_in = if suspicion.is_some() { LOOK_SOON } else { LOOK_INTERVAL };
        self.look_at = self.topic.clock.now().after(again_in);
        self.suspicion = suspicion;
    }

    /// As if these were lost, and assigned again: nothing of what was read of them counts any more.
    fn begin_anew(&mut self, partitions: Vec<Partition>) {
        self.commits.disown(&partitions);
        let now = self.topic.clock.now();
        self.group.handle(Input::Lost(partitions.clone()), now);
        // It was said in other words.
        while self.group.next_notice().is_some() {}
        self.group.handle(Input::Assigned(partitions), now);
    }

    fn say(&mut self) {
        let GroupedTopic { mapping, settings, .. } = &self.topic;
        while let Some(notice) = self.group.next_notice() {
            match notice {
                Notice::OutOfRange { shard, lost } => warn!(
                    %mapping, %shard, records_lost = lost, starting_position = ?settings.starting_position,
                    "the committed offset is not in the log: reading on where StartingPosition says"
                ),
                Notice::Lost(shards) => {
                    let shards: Vec<String> = shards.iter().map(ToString::to_string).collect();
                    warn!(
                        %mapping, ?shards,
                        "the group's session is over: others may read these now, and what is in flight counts for nothing"
                    );
                }
            }
        }
    }
}

#[async_trait]
impl Ownership for GroupOwnership {
    async fn next(&mut self) -> Change {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return change;
            }
            self.say();
            while let Some(command) = self.group.next_command() {
                self.carry_out(command);
            }
            if let Some(change) = self.group.next_change() {
                return change;
            }
            let clock = self.topic.clock.clone();
            let wakeup = self.group.next_wakeup();
            let is_looking = self.look.is_some();
            let client = Arc::clone(&self.topic.client);
            let input = tokio::select! {
                biased;
                answer = finish(&mut self.answer) => Some(answer),
                event = client.event() => self.told(event),
                bounds = finish(&mut self.look) => { self.looked(bounds); None }
                () = clock.sleep_until(self.look_at), if !is_looking => { self.look(); None }
                () = clock.sleep_until_some(wakeup) => Some(Input::TimePassed),
                Some(ended) = self.tasks.join_next() => {
                    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()));
                    None
                }
            };
            if let Some(input) = input {
                self.group.handle(input, self.topic.clock.now());
            }
        }
    }

    fn released(&mut self, released: Released) {
        self.group.handle(Input::Released(released), self.topic.clock.now());
    }

    fn checkpoints(&self, shard: &ShardId) -> Arc<dyn Checkpoints> {
        let partition = self.group.partition(shard).expect("only a partition of the topic is read");
        Arc::new(self.commits.of(partition))
    }

    fn checks(&self) -> Arc<StreamChecks> {
        Arc::default()
    }

    fn waiting(&self) -> BTreeMap<ShardId, Option<Position>> {
        BTreeMap::new()
    }

    async fn leave(&mut self) {
        let owned = self.commits.owned();
        tokio::select! {
            () = self.commits.flushed(&owned) => {}
            () = self.topic.clock.sleep(LAST_COMMIT_WAIT_MAX) => {}
        }
        self.topic.client.leave().await;
    }
}
