//! A template that changes while `dev` runs what it said before.
//!
//! In: the template's file, and the samconfig.toml beside it. Out: another application, with the code and the streams that it needs. A template with
//! problems, or one that asks for what runs already, changes nothing, and says so.

use super::super::load;
use super::super::run::require_mappings;
use super::brokers::LocalKafka;
use super::changes::changes;
use super::old_code::OldCode;
use super::streams::{Made, streams};
use super::{FunctionOptions, Functions, TemplateOptions, functions_of, tell_of_streams};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::lambda::CodePlaces;
use crate::logging::{Terminal, tell};
use crate::look_out::LookOut;
use crate::poller::tables;
use crate::source::StreamsAt;
use crate::source::aws::KinesisClient;
use crate::source::embedded::create_streams;
use crate::user_error::UserError;
use pelton_model::Application;
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
    pub(super) streams_at: StreamsAt,
    pub(super) aws: AwsOptions,
    pub(super) terminal: Terminal,
    pub(super) clock: Clock,
    pub(super) look_out: LookOut,
    pub(super) made: Made,
    pub(super) kafka: LocalKafka,
}

/// What is to run instead.
pub(in crate::commands) struct Next {
    pub(in crate::commands) application: Application,
    pub(in crate::commands) functions: Functions,
}

impl ChangedTemplate {
    /// Waits until the template asks for something else than `running`, and can have it. Cancelling leaves streams and tables
    /// that were created.
    pub(super) async fn next(&mut self, running: &Application, old_code: &OldCode) -> Next {
        loop {
            self.look_out.changed().await;
            info!(template = %self.path.display(), "the template or its samconfig.toml has changed: reading them");
            match self.read(running, old_code).await {
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
    async fn read(&mut self, running: &Application, old_code: &OldCode) -> Result<Option<Next>, UserError> {
        // The streams are there, in the region of the start.
        let (mut options, mut region) = (self.options.clone(), Some(self.region.clone()));
        load::settle(&self.path, &mut options, &mut region)?;
        let mut application = load::load(
            &self.path,
            &options,
            &self.region,
            Some(&self.functions),
            &self.terminal,
            &self.clock,
        )?;
        self.kafka.settle(&mut application).await?;
        if application == *running {
            return Ok(None);
        }
        // All of them may be paused.
        if application.mappings.is_empty() {
            require_mappings(&application, &self.path)?;
        }
        let (options, places) = (&self.functions, &self.places);
        let old_code = Some(old_code);
        let functions =
            functions_of(options, &application, places, &self.region, &self.terminal, &self.clock, old_code)
                .await?;
        info!(changes = changes(running, &application), "the template asks for something else");
        tell_of_streams(Some(running), &application, self.made);
        create_streams(&self.client, &self.clock, &streams(&application, self.made))
            .await
            .map_err(|error| UserError::bad_input_because(&error))?;
        tables::create(&application, self.streams_at, &self.aws, &self.clock).await?;
        Ok(Some(Next { application, functions }))
    }
}
