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
use pelton_model::Application;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tracing::warn;

/// Watches, builds and replaces until dropped.
#[derive(Debug, Default)]
pub struct Rebuilder {
    watchers: Vec<RecommendedWatcher>,
    tasks: JoinSet<()>,
}

impl Rebuilder {
    /// Watches the code of every running function: what Pelton builds itself, and what others put there.
    #[must_use]
    pub fn watch(
        application: &Application,
        places: &CodePlaces,
        running: &BTreeMap<String, Arc<LocalFunction>>,
        terminal: &Terminal,
        clock: &Clock,
    ) -> Self {
        let mut rebuilder = Self::default();
        for (id, local) in running {
            let (function, local) = (application.functions[id].clone(), Arc::clone(local));
            let Some(method) = function.build.clone() else {
                rebuilder.tasks.spawn(found::replace(function, places.clone(), local, clock.clone()));
                continue;
            };
            match built::watch(&function.code_uri, |_| true) {
                Ok((watcher, changes)) => {
                    rebuilder.watchers.push(watcher);
                    let (terminal, clock) = (terminal.clone(), clock.clone());
                    rebuilder.tasks.spawn(built::rebuild(function, method, local, changes, terminal, clock));
                }
                Err(error) => {
                    warn!(
                        function = function.name,
                        error = chain(&error),
                        "cannot watch the code: changes take effect at the next start"
                    );
                }
            }
        }
        rebuilder
    }
}
