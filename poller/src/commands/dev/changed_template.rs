//! A template that changes while `dev` runs what it said before.
//!
//! In: the template's file, and the samconfig.toml beside it. Out: another application, with everything there that it needs: code, streams. A template with
//! problems, or one that asks for what runs already, changes nothing, and says so.

use super::super::run::require_mappings;
use super::super::{CommandFailure, load};
use super::changes::changes;
use super::{FunctionOptions, Functions, TemplateOptions, functions_of, streams_of};
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::CodePlaces;
use crate::logging::{Terminal, tell};
use crate::look_out::LookOut;
use crate::model::{Application, Stream};
use crate::source::aws::KinesisClient;
use crate::source::embedded::create_streams;
use std::path::PathBuf;
use tracing::{Level, info, warn};

/// Watches the template.
pub(super) struct ChangedTemplate {
    pub(super) path: PathBuf,
    /// As the command line gives them: samconfig.toml is read again.
    pub(super) options: TemplateOptions,
    pub(super) functions: FunctionOptions,
    pub(super) places: CodePlaces,
    pub(super) region: String,
    pub(super) client: KinesisClient,
    pub(super) terminal: Terminal,
    pub(super) clock: Clock,
    pub(super) look_out: LookOut,
    pub(super) is_embedded: bool,
}

/// What is to run instead.
pub(in crate::commands) struct Next {
    pub(in crate::commands) application: Application,
    pub(in crate::commands) functions: Functions,
}

impl ChangedTemplate {
    /// Waits until the template asks for something else than `running`, and can have it. Cancelling leaves streams that
    /// were created.
    pub(super) async fn next(&mut self, running: &Application) -> Next {
        loop {
            self.look_out.changed().await;
            info!(template = %self.path.display(), "the template or its samconfig.toml has changed: reading them");
            match self.read(running).await {
                Ok(Some(next)) => return next,
                Ok(None) => info!("the template asks for what runs already"),
                Err(failure) => {
                    tell(&self.terminal, &self.clock, Level::ERROR, &failure.to_string());
                    warn!("what runs goes on as the template said before");
                }
            }
        }
    }

    /// `None` if it asks for what runs already.
    async fn read(&self, running: &Application) -> Result<Option<Next>, CommandFailure> {
        // The streams are there, in the region of the start.
        let (mut options, mut region) = (self.options.clone(), Some(self.region.clone()));
        load::settle(&self.path, &mut options, &mut region)?;
        let application = load::load(
            &self.path,
            &options,
            &self.region,
            Some(&self.functions),
            &self.terminal,
            &self.clock,
        )?;
        if application == *running {
            return Ok(None);
        }
        require_mappings(&application, &self.path)?;
        let (options, places) = (&self.functions, &self.places);
        let functions =
            functions_of(options, &application, places, &self.region, &self.terminal, &self.clock, true)
                .await?;
        let streams = streams_of(&application, self.is_embedded);
        info!(changes = changes(running, &application), "the template asks for something else");
        create_streams(&self.client, &self.clock, &streams)
            .await
            .map_err(|error| CommandFailure::bad_input(chain(&error)))?;
        for stream in streams.iter().filter(|stream| differs(stream, running)) {
            warn!(stream = stream.name, "a stream that exists keeps its shards and its retention");
        }
        Ok(Some(Next { application, functions }))
    }
}

/// Whether the stream was another one before, under the same name.
fn differs(stream: &Stream, running: &Application) -> bool {
    running.streams.values().any(|before| before.name == stream.name && before != stream)
}
