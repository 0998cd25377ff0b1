//! What must be right before a mapping runs.
//!
//! In: a mapping, its ports, and its stream, which was found. Out: a mapping whose positions are known, or why not. Positions are
//! kept where they are new: that is right also if Pelton ends before the mapping runs. Starts nothing.

use super::policy::{self, Envelopes};
use crate::ownership::{GroupOwnership, GroupView, GroupedTopic, ListedOwnership, ListedStream, Resumption};
use crate::ports::{CheckpointStore, GroupClient, Ownership, Pace, Stream};
use crate::shard_worker::Ports;
use crate::starting::StartError;
use pelton_core::shard_sync::{FoundStream, Settings};
use pelton_core::{Policy, group};
use pelton_model::Mapping;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// A mapping, and what it works with.
pub struct MappingPlan {
    /// Its settings.
    pub mapping: Mapping,
    /// Source, function, time.
    pub ports: Ports,
    /// Who says which shards are read, and keeps how far they are.
    pub shared_out: SharedOut,
    /// What stands around the records of an event.
    pub envelopes: Envelopes,
    /// How its source may be read.
    pub pace: Pace,
    /// How far it goes.
    pub goal: Goal,
}

/// Who says which shards a mapping reads, and keeps how far they are.
pub enum SharedOut {
    /// This poller reads every shard that the stream lists.
    Listed {
        /// The stream.
        stream: Arc<dyn Stream>,
        /// As it was found.
        found: FoundStream,
        /// Where positions are kept.
        store: Arc<dyn CheckpointStore>,
        /// Whether the stream ends with this process: the next one finds a new stream under its name.
        ends_with_process: bool,
    },
    /// A consumer group.
    Group {
        /// A member that has not joined yet.
        client: Arc<dyn GroupClient>,
        /// What is asked of the topic.
        topic: Topic,
    },
}

/// What a mapping asks of the topic that a consumer group shares out.
#[derive(Clone, Debug)]
pub struct Topic {
    /// The name of the topic.
    pub name: String,
    /// The group's id.
    pub group: String,
    /// The cluster, for people.
    pub cluster: String,
    /// How long a partition that was revoked may go on to be settled.
    pub release_time: Duration,
}

/// How far a mapping goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// On and on, until it is told to stop.
    GoOn,
    /// Until what was in the stream when it started is settled.
    CatchUp,
}

/// A mapping that can run.
pub(super) struct Prepared {
    pub(super) mapping: Mapping,
    pub(super) ports: Ports,
    pub(super) policy: Policy,
    pub(super) envelopes: Envelopes,
    pub(super) ownership: Box<dyn Ownership>,
    /// Where its shards resume, as far as that is known.
    pub(super) resumption: Option<Resumption>,
    /// What a consumer group shows.
    pub(super) group: Option<watch::Receiver<GroupView>>,
}

/// Finds the positions of a mapping whose stream was found; where there are none yet, keeps where it begins. A consumer group has
/// them: it is joined here, and says later. Cancelling is safe.
pub(super) async fn prepare(plan: MappingPlan) -> Result<Prepared, StartError> {
    let policy = policy_of(&plan);
    let MappingPlan { mapping, ports, shared_out, envelopes, goal, .. } = plan;
    let until_caught_up = goal == Goal::CatchUp;
    let starting_position = mapping.source.starting_position().expect("a source with positions");
    let (ownership, resumption, view): (Box<dyn Ownership>, _, _) = match shared_out {
        SharedOut::Listed { stream, found, store, ends_with_process } => {
            let stream = ListedStream {
                mapping: mapping.id.clone(),
                name: mapping.source.to_string(),
                ends_with_process,
                settings: Settings { starting_position, until_caught_up },
                source: stream,
                store,
                clock: ports.clock.clone(),
            };
            let ownership = ListedOwnership::start(stream, found)
                .await
                .map_err(|source| StartError::Store { mapping: mapping.id.clone(), source })?;
            let resumption = Resumption::of(&mapping.id, ownership.state());
            (Box::new(ownership), Some(resumption), None)
        }
        SharedOut::Group { client, topic } => {
            let Topic { name, group, cluster, release_time } = topic;
            let ownership = GroupOwnership::start(GroupedTopic {
                mapping: mapping.id.clone(),
                group,
                settings: group::Settings {
                    topic: name.into(),
                    cluster: cluster.into(),
                    starting_position,
                    until_caught_up,
                    release_time,
                },
                client,
                clock: ports.clock.clone(),
            });
            let view = ownership.view();
            (Box::new(ownership), None, Some(view))
        }
    };
    Ok(Prepared { mapping, ports, policy, envelopes, ownership, resumption, group: view })
}

fn policy_of(plan: &MappingPlan) -> Policy {
    let Pace { poll_interval, read_gap_min, read_records_max } = plan.pace;
    let policy = policy::of_mapping(&plan.mapping);
    let retention = match &plan.shared_out {
        SharedOut::Listed { found, .. } => found.description.retention,
        SharedOut::Group { .. } => policy.retention,
    };
    Policy {
        has_destination: plan.ports.destination.is_some(),
        retention,
        poll_interval,
        fetch_gap_min: read_gap_min,
        fetch_records_max: read_records_max,
        ..policy
    }
}
