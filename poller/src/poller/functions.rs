//! The functions of a poller: where each one runs, and what invokes it.

use super::change::Before;
use crate::clock::Clock;
use crate::lambda::{Code, CodePlaces, LocalFunction, RemoteFunction, Spawner, TracingLog};
use crate::ports::Invoker;
use crate::shard_worker::Remarks;
use pelton_model::{Application, Arn, Function};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Every function that an enabled mapping uses, by logical id.
pub struct Functions {
    /// Processes that Pelton starts from this code; `None`: it does not compile yet.
    pub here: BTreeMap<String, Option<Code>>,
    /// Invoked.
    pub elsewhere: BTreeMap<String, RemoteFunction>,
}

impl Functions {
    /// Removes what was extracted from archives and is not their code. To be called by whoever holds the data folder.
    pub fn forget_unused_code(&self, data_folder: &Path) {
        CodePlaces::forget_unused(data_folder, self.here.values().flatten());
    }

    /// The ARN of a function of the template where it runs.
    pub fn arn(&self, function: &Function, region: &str) -> String {
        match self.elsewhere.get(&function.logical_id).map(RemoteFunction::name) {
            Some(name) if name.parse::<Arn>().is_ok() => name.to_owned(),
            Some(name) => Function { name: name.to_owned(), ..function.clone() }.arn(region),
            None => function.arn(region),
        }
    }
}

/// Functions that take batches, by logical id.
#[derive(Default)]
pub struct Running {
    /// What invokes each.
    pub invokers: BTreeMap<String, Arc<dyn Invoker>>,
    /// Those that run here.
    pub here: BTreeMap<String, Arc<LocalFunction>>,
    /// What was said of each.
    pub remarks: BTreeMap<String, Arc<Remarks>>,
}

impl Running {
    /// Makes the functions ready, each with at most `handlers_max` handlers at a time. No handler is started before there is
    /// something to handle. Those that are the same as `before` go on as they are.
    pub(crate) fn start(
        functions: Functions,
        application: &Application,
        before: Option<Before<'_>>,
        region: &str,
        handlers_max: usize,
        clock: &Clock,
    ) -> Self {
        let Functions { here, elsewhere } = functions;
        let mut running = Self::default();
        if let Some(Before { application: earlier, running: before, shards: _ }) = before {
            let used: BTreeSet<&String> = application.enabled().map(|mapping| &mapping.function).collect();
            let is_same = |id: &&&String| earlier.functions.get(**id) == application.functions.get(**id);
            for id in used.iter().filter(is_same) {
                running.go_on(id, before);
            }
        }
        let spawner = Spawner::default().with_handlers_max(handlers_max);
        for (id, code) in here {
            if running.invokers.contains_key(&id) {
                continue;
            }
            let (function, log) = (&application.functions[&id], Arc::new(TracingLog));
            let local =
                Arc::new(LocalFunction::new(function, code, region, clock.clone(), spawner.clone(), log));
            running.invokers.insert(id.clone(), local.clone());
            running.here.insert(id, local);
        }
        for (id, function) in elsewhere {
            running.invokers.entry(id).or_insert_with(|| Arc::new(function));
        }
        for id in running.invokers.keys() {
            let name = &application.functions[id].name;
            running.remarks.entry(id.clone()).or_insert_with(|| Arc::new(Remarks::of(name.clone())));
        }
        running
    }

    fn go_on(&mut self, id: &str, before: &Running) {
        if let (Some(invoker), Some(remarks)) = (before.invokers.get(id), before.remarks.get(id)) {
            self.invokers.insert(id.to_owned(), Arc::clone(invoker));
            self.remarks.insert(id.to_owned(), Arc::clone(remarks));
            self.here.extend(before.here.get(id).map(|local| (id.to_owned(), Arc::clone(local))));
        }
    }
}
