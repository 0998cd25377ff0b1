//! Code that others build: a `bootstrap` that was replaced runs from the next invocation on, and so does a changed source of a
//! script.

use super::built::{self, SETTLE};
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, CodeError, CodePlaces, LocalFunction};
use crate::look_out::{LookOut, Stamp};
use notify::RecommendedWatcher;
use pelton_model::Function;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{error, info, warn};

/// How the names of sources end that a `bootstrap` may run. Other files may be what a handler writes.
const SOURCES: [&str; 6] = ["py", "js", "mjs", "cjs", "rb", "sh"];

/// Replaces the code of `function` whenever there is another one, for ever. What changes after this call is seen, also if the
/// future is polled later.
pub(super) fn replacing(
    function: Function,
    places: CodePlaces,
    local: Arc<LocalFunction>,
    clock: Clock,
) -> impl Future<Output = ()> {
    let mut look_out = LookOut::new(Code::files(&function, &places), clock.clone());
    let mut sources = Sources::of(&function);
    let mut running = local.code().map(|code| {
        let stamp = Stamp::of(&code.bootstrap);
        (code, stamp)
    });
    async move {
        loop {
            let is_source = tokio::select! {
                () = look_out.changed() => false,
                () = sources.changed() => true,
            };
            if is_source {
                clock.sleep(SETTLE).await;
                sources.forget();
            }
            match find(&function, &places).await {
                Ok((code, _)) if is_source && code.folder != function.code_uri => {
                    let runs = code.folder.display();
                    warn!(function = function.name, %runs, "the code has changed, but the output of `sam build` runs: run `sam build` again");
                }
                // What was built is the code of another function.
                Ok(found) if !is_source && running.as_ref() == Some(&found) => {}
                Ok(found) => {
                    local.replace_code(found.0.clone());
                    running = Some(found);
                    info!(
                        function = function.name,
                        "the code was replaced: the next batch runs the new code"
                    );
                }
                Err(error) => error!(error = chain(&error), "keeping the old code"),
            }
        }
    }
}

/// The sources in the folder of a function's code.
struct Sources {
    /// `None`: the code is an archive, or the system watches nothing more.
    watched: Option<(RecommendedWatcher, mpsc::Receiver<()>)>,
}

impl Sources {
    fn of(function: &Function) -> Self {
        if !function.code_uri.is_dir() {
            return Self { watched: None };
        }
        match built::watch(&function.code_uri, is_source) {
            Ok(watched) => Self { watched: Some(watched) },
            Err(error) => {
                warn!(
                    function = function.name,
                    error = chain(&error),
                    "cannot watch the code: changes take effect at the next start"
                );
                Self { watched: None }
            }
        }
    }

    /// Waits for a change. Cancelling is safe.
    async fn changed(&mut self) {
        let Some((_, changes)) = &mut self.watched else { return std::future::pending().await };
        if changes.recv().await.is_none() {
            std::future::pending().await
        }
    }

    /// What changed up to now is part of what was seen.
    fn forget(&mut self) {
        if let Some((_, changes)) = &mut self.watched {
            changes.try_recv().ok();
        }
    }
}

fn is_source(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| SOURCES.contains(&extension))
}

/// The code, and what tells it from the one that had its place before.
async fn find(function: &Function, places: &CodePlaces) -> Result<(Code, Option<Stamp>), CodeError> {
    let (function, places) = (function.clone(), places.clone());
    // An archive may take a second to extract.
    let found = spawn_blocking(move || {
        let code = Code::find(&function, &places)?;
        let stamp = Stamp::of(&code.bootstrap);
        Ok((code, stamp))
    });
    found.await.expect("finding code does not panic")
}
