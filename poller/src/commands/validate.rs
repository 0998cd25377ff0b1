//! `pelton validate`: what would run, or every problem. Starts nothing.

use super::functions::check_options;
use super::load;
use super::options::{FunctionOptions, TemplateOptions, parse_region};
use crate::clock::Clock;
use crate::logging::Terminal;
use crate::user_error::UserError;
use pelton_template::{description, summary};
use std::io::{self, Write};

/// What `pelton validate` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct ValidateArguments {
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Where the functions run: nobody is asked.
    #[command(flatten)]
    pub functions: FunctionOptions,
    /// AWS region, as `AWS::Region` gives it [default: samconfig.toml, AWS_REGION, AWS_DEFAULT_REGION, profile, us-east-1]
    #[arg(long, value_name = "REGION", value_parser = parse_region)]
    pub region: Option<String>,
    /// JSON with AWS's own names instead of tables, for programs
    #[arg(long)]
    pub json: bool,
}

/// Prints what would run.
pub async fn run(arguments: ValidateArguments, terminal: &Terminal, clock: &Clock) -> Result<(), UserError> {
    let ValidateArguments { mut template, functions, mut region, json } = arguments;
    check_options(&functions)?;
    let path = load::find(&template)?;
    load::settle(&path, &mut template, &mut region)?;
    let region = load::region(region.as_deref()).await?;
    let loaded = load::read(&path, &template, &region, Some(&functions), clock);
    if json {
        print(&description(&loaded))?;
        return load::accept(loaded, terminal, clock).map(drop);
    }
    let summary = summary(&loaded);
    load::accept(loaded, terminal, clock)?;
    print(&summary)
}

fn print(text: &str) -> Result<(), UserError> {
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| UserError::failed(format!("the result cannot be printed: {error}")))
}
