//! Gives running functions new code when it has changed, for `dev`.
//!
//! In: changes of files. Out: new code for the function; a batch in flight finishes with the old one. Code that does not
//! compile, or cannot run, changes nothing.

mod built;
mod found;

use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{CodePlaces, LocalFunction};
use crate::logging::Terminal;
use notify::RecommendedWatcher;
use pelton_model::{Application, Function};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::warn;

/// Watches, builds and replaces until dropped.
pub struct Rebuilder {
    places: CodePlaces,
    terminal: Terminal,
    clock: Clock,
    /// By logical id.
    followed: BTreeMap<String, Followed>,
}

/// A running function whose code is watched.
struct Followed {
    local: Arc<LocalFunction>,
    /// Ends with it.
    _task: JoinSet<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl Rebuilder {
    /// One that watches nothing yet.
    #[must_use]
    pub fn new(places: CodePlaces, terminal: Terminal, clock: Clock) -> Self {
        Self { places, terminal, clock, followed: BTreeMap::new() }
    }

    /// From now on watches the code of these running functions: what Pelton builds itself, and what others put there. What is watched
    /// of them already goes on, and no change gets lost.
    pub fn follow(&mut self, application: &Application, running: &BTreeMap<String, Arc<LocalFunction>>) {
        let runs_on = |id: &String, followed: &mut Followed| {
            running.get(id).is_some_and(|local| Arc::ptr_eq(local, &followed.local))
        };
        self.followed.retain(runs_on);
        for (id, local) in running {
            if let Entry::Vacant(vacant) = self.followed.entry(id.clone()) {
                let function = application.functions[id].clone();
                vacant.insert(follow(function, Arc::clone(local), &self.places, &self.terminal, &self.clock));
            }
        }
    }
}

fn follow(
    function: Function,
    local: Arc<LocalFunction>,
    places: &CodePlaces,
    terminal: &Terminal,
    clock: &Clock,
) -> Followed {
    let mut task = JoinSet::new();
    let Some(method) = function.build.clone() else {
        task.spawn(found::replacing(function, places.clone(), Arc::clone(&local), clock.clone()));
        return Followed { local, _task: task, _watcher: None };
    };
    let watcher = match built::watch(&function.code_uri, |_| true) {
        Ok((watcher, changes)) => {
            let (terminal, clock) = (terminal.clone(), clock.clone());
            task.spawn(built::rebuild(function, method, Arc::clone(&local), changes, terminal, clock));
            Some(watcher)
        }
        Err(error) => {
            warn!(
                function = function.name,
                error = chain(&error),
                "cannot watch the code: changes take effect at the next start"
            );
            None
        }
    };
    Followed { local, _task: task, _watcher: watcher }
}
