//! Finds and reads the template that a command works on.

use super::options::{FunctionOptions, REGION_FORM, TemplateOptions, is_region};
use super::samconfig;
use crate::aws::{self, AwsOptions};
use crate::clock::Clock;
use crate::logging::{Terminal, tell};
use crate::user_error::UserError;
use pelton_model::Application;
use pelton_template::diagnostics::Colour;
use pelton_template::{
    FunctionsRun, GivenParameter, LoadOptions, Loaded, ParameterOrigin, STACK_NAME_DEFAULT, Unsupported,
};
use std::path::{Path, PathBuf};
use tracing::{Level, info, warn};

/// Names of the file that SAM reads, too, and Pelton does not.
const SAMCONFIG_IN_YAML: [&str; 2] = ["samconfig.yaml", "samconfig.yml"];

/// The template's path: the one given, or the first of the usual names in this folder.
pub(super) fn find(options: &TemplateOptions) -> Result<PathBuf, UserError> {
    if let Some(path) = &options.template {
        return Ok(path.clone());
    }
    pelton_template::find(Path::new(".")).ok_or_else(|| {
        UserError::bad_input("there is no template.yaml, template.yml or samplesam.yaml in this folder")
            .help("name the SAM or CloudFormation template with --template FILE")
    })
}

/// Takes over what `samconfig.toml` says and the command line does not: parameters, region and stack name. Says so.
pub(super) fn settle(
    template: &Path,
    options: &mut TemplateOptions,
    region: &mut Option<String>,
) -> Result<(), UserError> {
    let config = samconfig::read(template, options.config_env.as_deref())
        .map_err(|error| UserError::bad_input_because(&error))?;
    let samconfig::SamConfig { file, overrides, overrides_key, region: its_region, stack_name } = config;
    if let Some(file) = &file {
        let parameters: Vec<&str> = overrides.iter().map(|(name, _)| name.as_str()).collect();
        let (parameters, region) = (parameters.join(", "), its_region.as_deref().unwrap_or("-"));
        let stack_name = stack_name.as_deref().unwrap_or("-");
        info!(file = %file.display(), parameters, region, stack_name, "using samconfig.toml where the command line gives no value");
    }
    if file.is_none()
        && let Some(unread) = SAMCONFIG_IN_YAML.iter().find(|name| template.with_file_name(name).is_file())
    {
        warn!(file = unread, "ignoring a configuration file: Pelton reads only samconfig.toml");
    }
    let origin = ParameterOrigin::SamConfig { key: overrides_key };
    let given =
        overrides.into_iter().map(|(name, value)| GivenParameter { name, value, origin: origin.clone() });
    options.given.extend(given);
    options.stack_name = options.stack_name.take().or(stack_name);
    *region = region.take().or(its_region);
    Ok(())
}

/// The region as far as it is known without asking anybody: what was given, the environment, the profile.
pub(super) async fn region(given: Option<&str>) -> Result<String, UserError> {
    let options = AwsOptions { endpoint_url: None, region: given.map(str::to_owned) };
    let Some(region) = aws::configured_region(&options).await else {
        return Ok(aws::REGION_ELSEWHERE.to_owned());
    };
    if !is_region(region.as_ref()) {
        return Err(UserError::bad_input(format!("`{region}` is no AWS region: expected {REGION_FORM}"))
            .help(
                "AWS_REGION, AWS_DEFAULT_REGION or the AWS profile names it; `--region` names another one",
            ));
    }
    Ok(region.to_string())
}

/// Reads the template. Warnings are printed; every error is part of the failure. `functions` says where they run; `None`: none
/// is to run, so that any will do.
pub(super) fn load(
    path: &Path,
    options: &TemplateOptions,
    region: &str,
    functions: Option<&FunctionOptions>,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<Application, UserError> {
    accept(read(path, options, region, functions, clock), terminal, clock)
}

/// Reads the template, whatever comes of it.
pub(super) fn read(
    path: &Path,
    options: &TemplateOptions,
    region: &str,
    functions: Option<&FunctionOptions>,
    clock: &Clock,
) -> Loaded {
    let load_options = LoadOptions {
        parameters: options.values(),
        account: options.account_id.clone(),
        stack_name: options.stack_name.clone().unwrap_or_else(|| STACK_NAME_DEFAULT.to_owned()),
        unsupported: if options.allow_unsupported { Unsupported::Warn } else { Unsupported::Refuse },
        functions: functions.map_or(FunctionsRun::Nowhere, FunctionOptions::run),
        selection: options.selection(),
        functions_named: functions.map(FunctionOptions::named).unwrap_or_default(),
        kafka: options.kafka(),
        ..LoadOptions::new(region, clock.now())
    };
    pelton_template::load(path, &load_options)
}

/// Prints the problems of a template; fails if there is an error among them.
pub(super) fn accept(loaded: Loaded, terminal: &Terminal, clock: &Clock) -> Result<Application, UserError> {
    let Loaded { application, diagnostics, .. } = loaded;
    if !diagnostics.is_empty() {
        let colour = if terminal.is_interactive() { Colour::Always } else { Colour::Never };
        let level = if application.is_some() { Level::WARN } else { Level::ERROR };
        tell(terminal, clock, level, diagnostics.render(colour).trim_end());
    }
    let path = diagnostics.source().path();
    application.ok_or_else(|| UserError::bad_input(format!("{} cannot be run", path.display())))
}
