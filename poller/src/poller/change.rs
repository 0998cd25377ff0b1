//! What a changed template stops, starts and leaves alone.
//!
//! In: the application that runs, and the one that is to. Out: a plan, which changes nothing yet; carried out, it drains what is
//! another mapping now, while all else runs on.

use super::functions::{Functions, Running};
use super::planning::Planned;
use super::views::Shown;
use super::{Base, Poller, broken, not_prepared};
use crate::lambda::LocalFunction;
use crate::supervisor::Stopped;
use crate::user_error::UserError;
use futures_util::future::join_all;
use pelton_core::desired::Difference;
use pelton_model::{Application, Function, Mapping, MappingId};
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{info, warn};

/// What runs before a change.
#[derive(Clone, Copy)]
pub(crate) struct Before<'a> {
    pub(super) application: &'a Application,
    pub(super) running: &'a Running,
    /// Read by the mappings that the change leaves alone.
    pub(super) shards: usize,
}

impl Poller {
    /// Whether it can run as `application` says, with these functions, and what that changes. Changes nothing yet.
    pub async fn plan(&self, application: Application, functions: Functions) -> Result<Planned, UserError> {
        let difference = Difference::between(&specified(&self.application), &specified(&application));
        let to_start = application.enabled().filter(|mapping| difference.start.contains(&mapping.id));
        let (found, sources) = self.base.find(&application, to_start).await?;
        let before = Before {
            application: &self.application,
            running: &self.running,
            shards: self.supervisor.shards_beside(&difference.stop),
        };
        let stop = difference.stop;
        self.base.plan(application, functions, Some(before), (found, &sources), stop, &self.store).await
    }

    /// Carries out a change: drains what it touches, for at most the grace time, while all else runs on. Cancelling leaves
    /// mappings that do not run.
    pub async fn apply(&mut self, planned: Planned) -> Result<(), UserError> {
        let Planned { application, running, destinations, change, handlers_max } = planned;
        let Base { settings, clock, .. } = &self.base;
        let (grace, stopped) = (settings.grace, change.stopped.clone());
        info!(
            ?grace,
            "the template has changed: what it changes waits for batches in flight, all else runs on"
        );
        let applied = self.supervisor.apply(change, grace, clock).await;
        let before = std::mem::replace(&mut self.running, running);
        let was_replaced = |(id, function): &(&String, &Arc<LocalFunction>)| {
            self.running.here.get(*id).is_none_or(|now| !Arc::ptr_eq(now, function))
        };
        join_all(before.here.iter().filter(was_replaced).map(|(_, function)| function.shutdown())).await;
        self.running.here.values().for_each(|function| function.limit_handlers(handlers_max));
        match applied.map_err(|error| not_prepared(&error))? {
            Stopped::Broken => return Err(broken()),
            Stopped::Abandoned => warn!("batches that were in flight are sent again"),
            Stopped::Clean => {}
        }
        let earlier = self.views.shown.borrow().clone();
        let mut failed_records_to = earlier.failed_records_to.clone();
        failed_records_to.retain(|mapping, _| !stopped.contains(mapping));
        failed_records_to.extend(destinations.names());
        let mut shown = Shown::of(&self.supervisor, &application, &self.running, failed_records_to);
        shown.totals_before = earlier.totals_before.clone();
        for handle in earlier.mappings.iter().filter(|handle| stopped.contains(&handle.mapping.id)) {
            shown.totals_before.insert(handle.mapping.id.clone(), earlier.totals(handle));
        }
        self.views.shown.send_replace(shown);
        (self.application, self.destinations) = (application, destinations);
        Ok(())
    }
}

/// What makes a mapping another one: its settings, and its function. A disabled one counts without its function: a change of that
/// does not touch it.
fn specified(application: &Application) -> BTreeMap<MappingId, (Mapping, Option<Function>)> {
    let of = |mapping: &Mapping| {
        let function = application.functions.get(&mapping.function).filter(|_| mapping.enabled);
        (mapping.id.clone(), (mapping.clone(), function.cloned()))
    };
    application.mappings.iter().map(of).collect()
}
