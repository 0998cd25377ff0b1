//! `pelton validate`: what would run, or every problem. Starts nothing.

use super::options::TemplateOptions;
use super::{CommandFailure, load};
use crate::clock::Clock;
use crate::logging::Terminal;
use crate::template;
use std::io::{self, Write};

/// What `pelton validate` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct ValidateArguments {
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// AWS region, as `AWS::Region` gives it [default: AWS_REGION, AWS_DEFAULT_REGION, us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// Prints what would run.
pub fn run(arguments: &ValidateArguments, terminal: &Terminal, clock: &Clock) -> Result<(), CommandFailure> {
    let path = load::find(&arguments.template)?;
    let region = load::region(arguments.region.as_deref());
    let application = load::load(&path, &arguments.template, &region, terminal, clock)?;
    let summary = template::summary(&application);
    io::stdout()
        .write_all(summary.as_bytes())
        .map_err(|error| CommandFailure::failed(format!("the result cannot be printed: {error}")))
}
