//! Rebuilds functions when their code changes, for `dev`.
//!
//! In: changes of files under a function's CodeUri. Out: new code for the function; a batch in flight finishes with the
//! old one. Code that does not compile changes nothing.

use crate::application::{Application, BuildMethod, Function};
use crate::build::build;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, LocalFunction};
use crate::logging::Terminal;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

/// How long after a change others are waited for: an editor saves several files.
const SETTLE: Duration = Duration::from_millis(200);

/// Folders whose changes are results of builds, not causes.
const RESULTS: [&str; 3] = ["target", ".aws-sam", ".pelton"];

/// Watches and rebuilds until dropped.
#[derive(Debug, Default)]
pub struct Rebuilder {
    watchers: Vec<RecommendedWatcher>,
    tasks: JoinSet<()>,
}

impl Rebuilder {
    /// Watches the code of every running function that Pelton can build.
    #[must_use]
    pub fn watch(
        application: &Application,
        running: &BTreeMap<String, Arc<LocalFunction>>,
        terminal: &Terminal,
        clock: &Clock,
    ) -> Self {
        let mut rebuilder = Self::default();
        for (id, local) in running {
            let function = &application.functions[id];
            let Some(method) = &function.build else { continue };
            let (changed, changes) = mpsc::channel(1);
            match watcher(&function.code_uri, changed) {
                Ok(watcher) => rebuilder.watchers.push(watcher),
                Err(error) => {
                    warn!(
                        function = function.name,
                        error = chain(&error),
                        "changes of the code are not seen"
                    );
                    continue;
                }
            }
            let (function, method, local) = (function.clone(), method.clone(), Arc::clone(local));
            rebuilder.tasks.spawn(rebuild(function, method, local, changes, terminal.clone(), clock.clone()));
        }
        rebuilder
    }
}

fn watcher(folder: &Path, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
    let root = folder.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(&event, &root)) {
            // Full means that a change is already waiting to be seen.
            changed.try_send(()).ok();
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// Whether the event says that code changed: nothing was only read, and it is not the result of a build.
fn is_change(event: &Event, root: &Path) -> bool {
    let is_result = |path: &Path| {
        let first = path.strip_prefix(root).ok().and_then(|path| path.components().next());
        first.is_some_and(|first| RESULTS.iter().any(|result| first.as_os_str() == *result))
    };
    !matches!(event.kind, EventKind::Access(_)) && event.paths.iter().any(|path| !is_result(path))
}

async fn rebuild(
    function: Function,
    method: BuildMethod,
    local: Arc<LocalFunction>,
    mut changes: mpsc::Receiver<()>,
    terminal: Terminal,
    clock: Clock,
) {
    while changes.recv().await.is_some() {
        clock.sleep(SETTLE).await;
        // What changed while we waited is part of this build.
        changes.try_recv().ok();
        info!(function = function.name, "the code has changed: building");
        match build(&function, &method, &terminal).await {
            Ok(bootstrap) => {
                local.replace_code(Code::built(bootstrap, &function));
                info!(function = function.name, "built: the next batch runs the new code");
            }
            Err(error) => error!(error = chain(&error), "the old code goes on"),
        }
    }
}
