//! Code that Pelton builds: a change of a file under CodeUri builds it again.

use crate::build::build;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, LocalFunction};
use crate::logging::Terminal;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use pelton_model::{BuildMethod, Function};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{error, info};

/// How long after a change others are waited for: an editor saves several files.
pub(super) const SETTLE: Duration = Duration::from_millis(200);

/// Folders whose changes are results of builds, not causes.
const RESULTS: [&str; 3] = ["target", ".aws-sam", ".pelton"];

/// Tells of changes of the folder's files for which `is_cause` holds, as long as the watcher lives; several that are not yet seen
/// are one.
pub(super) fn watch(
    folder: &Path,
    is_cause: fn(&Path) -> bool,
) -> notify::Result<(RecommendedWatcher, mpsc::Receiver<()>)> {
    let (changed, changes) = mpsc::channel(1);
    let root = folder.to_owned();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        if event.is_ok_and(|event| is_change(&event, &root, is_cause)) {
            // Full means that a change is already waiting to be seen.
            changed.try_send(()).ok();
        }
    })?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok((watcher, changes))
}

/// Whether the event says that code changed: nothing was only read, and it is not the result of a build.
fn is_change(event: &Event, root: &Path, is_cause: fn(&Path) -> bool) -> bool {
    let is_result = |path: &Path| {
        let first = path.strip_prefix(root).ok().and_then(|path| path.components().next());
        first.is_some_and(|first| RESULTS.iter().any(|result| first.as_os_str() == *result))
    };
    !matches!(event.kind, EventKind::Access(_))
        && event.paths.iter().any(|path| !is_result(path) && is_cause(path))
}

/// Builds `function` anew after each change, until there can be no more.
pub(super) async fn rebuild(
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
            Err(error) => error!(error = chain(&error), "keeping the old code"),
        }
    }
}
