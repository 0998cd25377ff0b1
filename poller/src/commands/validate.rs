//! `pelton validate`: what would run, or every problem. Starts nothing.

use super::options::TemplateOptions;
use super::{CommandFailure, load};
use crate::clock::Clock;
use crate::logging::Terminal;
use crate::template::{self, FunctionsRun};
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
    /// JSON with AWS's own names instead of tables, for programs
    #[arg(long)]
    pub json: bool,
}

/// Prints what would run.
pub fn run(arguments: &ValidateArguments, terminal: &Terminal, clock: &Clock) -> Result<(), CommandFailure> {
    let path = load::find(&arguments.template)?;
    let region = load::region(arguments.region.as_deref());
    let loaded = load::read(&path, &arguments.template, &region, FunctionsRun::Here, clock);
    if arguments.json {
        print(&template::description(&loaded))?;
        return load::accept(loaded, terminal, clock).map(drop);
    }
    let summary = template::summary(&loaded);
    load::accept(loaded, terminal, clock)?;
    print(&summary)
}

fn print(text: &str) -> Result<(), CommandFailure> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| CommandFailure::failed(format!("the result cannot be printed: {error}")))
}
