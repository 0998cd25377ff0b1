//! `AWS::Serverless::Function` and `AWS::Lambda::Function` (specification 11.3).
//!
//! In: a resource. Out: a function that Pelton can run as a process. What changes how it runs, and Pelton cannot do,
//! is refused; what is about AWS itself (roles, networks, tags) is passed over.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::environment;
use super::function_code::{self, Place};
use super::node::{Entry, Node};
use super::not_here::{self, NotHere};
use super::references::{LAMBDA_FUNCTION, SAM_FUNCTION};
use super::resource::Resource;
use super::resource_kinds::ROLE_ARN;
use super::suggest;
use crate::options::Unsupported;
use pelton_model::Function;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

const TIMEOUT_SECONDS: RangeInclusive<i64> = 1..=900;
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
const MEMORY_MB: RangeInclusive<i64> = 128..=10_240;
const MEMORY_MB_DEFAULT: u32 = 128;
const RESERVED_CONCURRENCY: RangeInclusive<i64> = 0..=i32::MAX as i64;
const NAME_LENGTH_MAX: usize = 64;

/// What Pelton runs: an executable that asks for its invocations itself.
const HANDLER: &str = "bootstrap";
const RUNTIME_PREFIX: &str = "provided.";
/// Those that AWS has.
const RUNTIMES: [&str; 2] = [RUNTIME_DEFAULT, "provided.al2"];
const RUNTIME_DEFAULT: &str = "provided.al2023";

/// Properties that are read here.
const HONOURED: [&str; 10] = [
    "FunctionName",
    "CodeUri",
    "Code",
    "Handler",
    "Runtime",
    "Timeout",
    "MemorySize",
    "Environment",
    "ReservedConcurrentExecutions",
    "Role",
];

/// Properties that change how a function runs, and that Pelton does not honour.
const UNHONOURED: [&str; 6] = [
    "ImageConfig",
    "Layers",
    "FileSystemConfigs",
    "CapacityProviderConfig",
    "DurableConfig",
    "TenancyConfig",
];

/// Properties that say that there is no folder with an executable in it.
const NOT_HERE: [&str; 3] = ["PackageType", "ImageUri", INLINE_CODE];
const INLINE_CODE: &str = "InlineCode";

/// Properties about AWS itself, and those that are read elsewhere.
const ABOUT_AWS: [&str; 34] = [
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "AutoPublishCodeSha256",
    "CodeSigningConfigArn",
    "DeadLetterConfig",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "EphemeralStorage",
    "EventInvokeConfig",
    "Events",
    "FunctionScalingConfig",
    "FunctionUrlConfig",
    "KmsKeyArn",
    "LoggingConfig",
    "PermissionsBoundary",
    "Policies",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "PublishToLatestPublished",
    "RecursiveLoop",
    "RolePath",
    "RuntimeManagementConfig",
    "RuntimePolicy",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "Tracing",
    "TracingConfig",
    "VersionDeletionPolicy",
    "VersionDescription",
    "VpcConfig",
];

/// The properties that Pelton reads: a slip in one of these changes what runs.
pub(crate) fn read_properties() -> impl Iterator<Item = &'static str> {
    HONOURED.into_iter().chain(NOT_HERE).chain(UNHONOURED).chain(["Events", "AutoPublishAlias"])
}

/// Whether a resource is a function.
pub(crate) fn is_function(resource: &Resource) -> bool {
    resource.kind == SAM_FUNCTION || resource.kind == LAMBDA_FUNCTION
}

/// A function as far as this machine can run it.
pub(crate) enum Read {
    /// It has all that it takes.
    Runnable(Function),
    /// It cannot run here, which is allowed: why, in words that go behind its name.
    NotHere(String),
}

/// Functions that cannot run here and need not, by logical id: why, in words that go behind the name.
pub(crate) fn not_here(context: &mut Context<'_>, root: &Path) -> BTreeMap<String, String> {
    let mut not_here = BTreeMap::new();
    if context.options.unsupported == Unsupported::Refuse {
        return not_here;
    }
    let document = context.document;
    for resource in document.resources.iter().filter(|resource| is_function(resource)) {
        let function =
            context.quietly(|context| context.may_exist(resource).then(|| read(context, resource, root)));
        if let Some(Ok(Read::NotHere(why))) = function {
            not_here.insert(resource.id.clone(), why);
        }
    }
    not_here
}

/// A function that is being read.
struct Reading {
    function: Function,
    /// Whether it is to run here.
    is_here: bool,
    /// It is a container image.
    is_image: bool,
    /// Why it cannot.
    not_here: Vec<NotHere>,
}

/// Reads a function. Reports every problem before it gives up.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    resource: &'t Resource,
    root: &Path,
) -> Result<Read, Reported> {
    let mark = context.diagnostics.mark();
    let properties = context.properties(&resource.properties)?;
    let stack_name = &context.options.stack_name;
    let function = Function {
        logical_id: resource.id.clone(),
        role_arn: context.fill(ROLE_ARN, &format!("{stack_name}-{}Role", resource.id)),
        // What is wrong with the name is reported; the properties may be wrong as well.
        name: context.name_of(resource).unwrap_or_else(|Reported| resource.id.clone()),
        code_uri: root.to_owned(),
        handler: HANDLER.to_owned(),
        runtime: Some(RUNTIME_DEFAULT.to_owned()),
        build: function_code::build_method(context, resource),
        timeout: TIMEOUT_DEFAULT,
        memory_size_mb: MEMORY_MB_DEFAULT,
        environment: BTreeMap::new(),
        reserved_concurrency: None,
    };
    let is_here = context.options.functions.is_here(&resource.id);
    let mut reading = Reading { function, is_here, is_image: false, not_here: Vec::new() };
    for &property in &properties {
        // What is wrong is reported; the next property may be wrong as well.
        read_property(context, &mut reading, resource, property, root).ok();
    }
    require(context, resource, &properties);
    let Reading { mut function, is_here, is_image, mut not_here } = reading;
    if is_image {
        function.runtime = None;
    }
    if function_code::has_bootstrap(&function.code_uri) {
        not_here.retain(|reason| !reason.is_runtime);
    }
    match not_here.first() {
        Some(first) if is_here && context.options.unsupported == Unsupported::Warn => {
            // It does not run: what else is wrong with it does not matter.
            context.diagnostics.forget(mark);
            return Ok(Read::NotHere(first.why.clone()));
        }
        Some(_) if is_here => not_here::report(context, &function, not_here),
        Some(_) | None => {}
    }
    if context.diagnostics.has_errors_since(mark) { Err(Reported) } else { Ok(Read::Runnable(function)) }
}

fn read_property<'t>(
    context: &mut Context<'t>,
    reading: &mut Reading,
    resource: &Resource,
    property: &'t Entry,
    root: &Path,
) -> Result<(), Reported> {
    let function = &mut reading.function;
    let range_was_checked = "the range was checked";
    match property.key.as_str() {
        "FunctionName" if !is_function_name(&function.name) => {
            let allowed = "1 to 64 letters, digits, `_` or `-`";
            return Err(context.not_allowed(property, &function.name, allowed));
        }
        "CodeUri" | "Code" => match function_code::place(context, resource, property, root)? {
            Place::Folder(folder) => function.code_uri = folder,
            Place::Elsewhere => reading.not_here.push(NotHere::code(property)),
        },
        "Handler" => {
            if let Some(handler) = context.text(property)? {
                function.handler = handler;
            }
        }
        "Runtime" => {
            if let Some(runtime) = context.text(property)? {
                if !runtime.starts_with(RUNTIME_PREFIX) {
                    reading.not_here.push(NotHere::runtime(property, &runtime));
                } else if !RUNTIMES.contains(&runtime.as_str()) {
                    warn_of_runtime(context, property, &runtime);
                }
                function.runtime = Some(runtime);
            }
        }
        "Timeout" => {
            if let Some(seconds) = context.integer(property, TIMEOUT_SECONDS)? {
                function.timeout = Duration::from_secs(seconds.unsigned_abs());
            }
        }
        "MemorySize" => {
            if let Some(size) = context.integer(property, MEMORY_MB)? {
                function.memory_size_mb = u32::try_from(size).expect(range_was_checked);
            }
        }
        "Environment" => function.environment = environment::read(context, property)?,
        "ReservedConcurrentExecutions" => {
            let most = context.integer(property, RESERVED_CONCURRENCY)?;
            function.reserved_concurrency = most.map(|most| u32::try_from(most).expect(range_was_checked));
        }
        "Role" => {
            // Only shown to the handler: a role that Pelton cannot name is no problem.
            let role = context.quietly(|context| context.text(property));
            if let Ok(Some(role)) = role {
                function.role_arn = role;
            }
        }
        name if NOT_HERE.contains(&name) => {
            if says_something(context, property) {
                reading.is_image |= name != INLINE_CODE;
                reading.not_here.push(NotHere::package(property));
            }
        }
        name if UNHONOURED.contains(&name) => {
            if reading.is_here && says_something(context, property) {
                let message = format!("`{name}` is not supported by Pelton");
                let label = "Pelton runs only an executable `bootstrap` from a folder";
                context.unsupported(property.key_span, message, label);
            }
        }
        name if HONOURED.contains(&name) || ABOUT_AWS.contains(&name) => {}
        name => {
            let known = [&HONOURED[..], &NOT_HERE, &UNHONOURED, &ABOUT_AWS].concat();
            let nearest = suggest::nearest(name, known.iter().copied());
            let nearest_read = nearest.filter(|&nearest| read_properties().any(|read| read == nearest));
            return Err(context.unknown_property(property, "a function", &known, nearest_read));
        }
    }
    Ok(())
}

/// Pelton runs the executable in any case; AWS may have got a further runtime meanwhile.
fn warn_of_runtime(context: &mut Context<'_>, property: &Entry, runtime: &str) {
    let message = format!("Pelton does not know the runtime `{runtime}`");
    context.report(
        Diagnostic::warning(Code::UnknownName, message)
            .at(property.value.span, "Pelton runs it like `provided.al2023`")
            .help(suggest::did_you_mean(runtime, RUNTIMES, "runtimes")),
    );
}

/// A function in a zip file, which is what Pelton runs, must say what to run.
fn require(context: &mut Context<'_>, resource: &Resource, properties: &[&Entry]) {
    let has = |name: &str| properties.iter().any(|property| property.key == name);
    if has("PackageType") || has("ImageUri") {
        return;
    }
    for (name, value) in [("Handler", HANDLER), ("Runtime", RUNTIME_DEFAULT)] {
        if has(name) {
            continue;
        }
        let message = format!("the function `{}` has no `{name}`", resource.id);
        context.report(
            Diagnostic::error(Code::Missing, message)
                .at(resource.id_span, format!("needs a `{name}`"))
                .help(format!("add `{name}: {value}`")),
        );
    }
}

/// Whether a property says something else than what is the case anyway.
fn says_something(context: &mut Context<'_>, property: &Entry) -> bool {
    let value = context.quietly(|context| context.evaluate(&property.value));
    match &value {
        Ok(None) => false,
        Ok(Some(value)) if property.key == "PackageType" => value.as_scalar() != Some("Zip"),
        Ok(Some(value)) => !value.as_sequence().is_some_and(<[Node]>::is_empty),
        Err(Reported) => true,
    }
}

/// Whether a function may have this name.
fn is_function_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests;
