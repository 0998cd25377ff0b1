//! Code that others build: a `bootstrap` that was replaced runs from the next invocation on.

use crate::application::Function;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, CodeError, LocalFunction};
use crate::look_out::{LookOut, Stamp};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::{error, info};

/// Replaces the code of `function` whenever there is another one, for ever.
pub(super) async fn replace(function: Function, root: PathBuf, local: Arc<LocalFunction>, clock: Clock) {
    let mut look_out = LookOut::new(Code::places(&function, &root), clock);
    let mut running = find(&function, &root).ok();
    loop {
        look_out.changed().await;
        match find(&function, &root) {
            // What was built is the code of another function.
            Ok(found) if running.as_ref() == Some(&found) => {}
            Ok(found) => {
                local.replace_code(found.0.clone());
                running = Some(found);
                info!(function = function.name, "the code was replaced: the next batch runs the new code");
            }
            Err(error) => error!(error = chain(&error), "the old code goes on"),
        }
    }
}

/// The code, and what tells it from the one that had its place before.
fn find(function: &Function, root: &Path) -> Result<(Code, Option<Stamp>), CodeError> {
    let code = Code::find(function, root)?;
    let stamp = Stamp::of(&code.bootstrap);
    Ok((code, stamp))
}
