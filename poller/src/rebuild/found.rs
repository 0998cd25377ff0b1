//! Code that others build: a `bootstrap` that was replaced runs from the next invocation on.

use crate::application::Function;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, CodeError, CodePlaces, LocalFunction};
use crate::look_out::{LookOut, Stamp};
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tracing::{error, info};

/// Replaces the code of `function` whenever there is another one, for ever.
pub(super) async fn replace(function: Function, places: CodePlaces, local: Arc<LocalFunction>, clock: Clock) {
    let mut look_out = LookOut::new(Code::files(&function, &places), clock);
    let mut running = find(&function, &places).await.ok();
    loop {
        look_out.changed().await;
        match find(&function, &places).await {
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
