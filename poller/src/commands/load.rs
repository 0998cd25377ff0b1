//! Finds and reads the template that a command works on.

use super::CommandFailure;
use super::options::TemplateOptions;
use crate::application::Application;
use crate::clock::Clock;
use crate::logging::{Terminal, tell};
use crate::template::diagnostics::Colour;
use crate::template::{self, FunctionsRun, LoadOptions, Loaded, Unsupported};
use std::path::{Path, PathBuf};
use tracing::Level;

/// The region where neither the command line nor the environment names one.
const REGION_DEFAULT: &str = "us-east-1";

/// The account in ARNs that Pelton makes up: nothing here belongs to one.
pub(super) const ACCOUNT: &str = "000000000000";

/// The template's path: the one given, or the first of the usual names in this folder.
pub(super) fn find(options: &TemplateOptions) -> Result<PathBuf, CommandFailure> {
    if let Some(path) = &options.template {
        return Ok(path.clone());
    }
    template::find(Path::new(".")).ok_or_else(|| {
        CommandFailure::bad_input("there is no template.yaml, template.yml or samplesam.yaml in this folder")
            .help("name the SAM or CloudFormation template with --template FILE")
    })
}

/// The region as far as it is known without asking anybody.
pub(super) fn region(given: Option<&str>) -> String {
    let from_environment =
        || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    given.map(str::to_owned).or_else(from_environment).unwrap_or_else(|| REGION_DEFAULT.to_owned())
}

/// Reads the template. Warnings are printed; every error is part of the failure.
pub(super) fn load(
    path: &Path,
    options: &TemplateOptions,
    region: &str,
    functions: FunctionsRun,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<Application, CommandFailure> {
    accept(read(path, options, region, functions, clock), terminal, clock)
}

/// Reads the template, whatever comes of it.
pub(super) fn read(
    path: &Path,
    options: &TemplateOptions,
    region: &str,
    functions: FunctionsRun,
    clock: &Clock,
) -> Loaded {
    let load_options = LoadOptions {
        parameters: options.parameters.clone(),
        region: region.to_owned(),
        account: ACCOUNT.to_owned(),
        unsupported: if options.allow_unsupported { Unsupported::Warn } else { Unsupported::Refuse },
        functions,
        now: clock.now(),
    };
    template::load(path, &load_options)
}

/// Prints the problems of a template; fails if there is an error among them.
pub(super) fn accept(
    loaded: Loaded,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<Application, CommandFailure> {
    let Loaded { application, diagnostics, .. } = loaded;
    if !diagnostics.is_empty() {
        let colour = if terminal.is_interactive() { Colour::Always } else { Colour::Never };
        let level = if application.is_some() { Level::WARN } else { Level::ERROR };
        tell(terminal, clock, level, diagnostics.render(colour).trim_end());
    }
    let path = diagnostics.source().path();
    application.ok_or_else(|| CommandFailure::bad_input(format!("{} cannot be run", path.display())))
}
