//! `Environment.Variables` of a function (specification 8.4).

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;
use std::collections::BTreeMap;

/// All names and values of a function together, in bytes.
const ENVIRONMENT_BYTES_MAX: usize = 4096;

/// Names that Lambda sets itself, and takes from nobody.
const RESERVED: [&str; 21] = [
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// The variables of a function. One whose value only AWS knows is left out, if the options allow that.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
) -> Result<BTreeMap<String, String>, Reported> {
    let mut environment = BTreeMap::new();
    let mut bytes = 0;
    let sections = context.head(&property.value, "a map with `Variables`")?.unwrap_or_default();
    for section in sections {
        if section.key != "Variables" {
            context.unknown_setting(section, "`Environment`", &["Variables"]);
            continue;
        }
        let variables = context.head(&section.value, "a map of names and values")?.unwrap_or_default();
        for variable in variables {
            if !check_name(context, variable) {
                continue;
            }
            if let Ok(Some(value)) = context.text(variable) {
                bytes += variable.key.len() + value.len();
                environment.insert(variable.key.clone(), value);
            }
        }
    }
    if bytes > ENVIRONMENT_BYTES_MAX {
        let message = format!("the environment variables have {bytes} bytes");
        context.report(Diagnostic::error(Code::TooLarge, message).at(
            property.key_span,
            format!("names and values together may have at most {ENVIRONMENT_BYTES_MAX} bytes"),
        ));
    }
    Ok(environment)
}

fn check_name(context: &mut Context<'_>, variable: &Entry) -> bool {
    let name = variable.key.as_str();
    if RESERVED.contains(&name) {
        let message = format!("`{name}` is reserved by Lambda");
        context.report(
            Diagnostic::error(Code::InvalidValue, message)
                .at(variable.key_span, "Lambda sets this variable itself")
                .help("choose another name"),
        );
        return false;
    }
    if is_variable_name(name) {
        return true;
    }
    context.report(
        Diagnostic::error(
            Code::InvalidValue,
            format!("`{name}` is not a valid name of an environment variable"),
        )
        .at(
            variable.key_span,
            "must be a letter followed by letters, digits or `_`, with at least two characters",
        ),
    );
    false
}

fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
    starts_well && name.len() >= 2 && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
