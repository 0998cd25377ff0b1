//! `AWS::Serverless::Function` and `AWS::Lambda::Function` (specification 11.3).
//!
//! In: a resource. Out: a function that Pelton can run as a process. What changes how it runs, and Pelton cannot do,
//! is refused; what is about AWS itself (roles, networks, tags) is passed over.

use super::context::{Context, Reported, STACK_NAME};
use super::diagnostics::{Code, Diagnostic};
use super::environment;
use super::function_code;
use super::node::{Entry, Node};
use super::references::{LAMBDA_FUNCTION, SAM_FUNCTION};
use super::resource::Resource;
use super::resource_kinds::ROLE_ARN;
use crate::application::Function;
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
const UNHONOURED: [&str; 9] = [
    "PackageType",
    "ImageUri",
    "ImageConfig",
    "InlineCode",
    "Layers",
    "FileSystemConfigs",
    "CapacityProviderConfig",
    "DurableConfig",
    "TenancyConfig",
];

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

/// Whether a resource is a function.
pub(super) fn is_function(resource: &Resource) -> bool {
    resource.kind == SAM_FUNCTION || resource.kind == LAMBDA_FUNCTION
}

/// Reads a function. Reports every problem before it gives up.
pub(super) fn read<'t>(
    context: &mut Context<'t>,
    resource: &'t Resource,
    root: &Path,
) -> Result<Function, Reported> {
    let mark = context.diagnostics.mark();
    let properties = context.properties(&resource.properties)?;
    let mut function = Function {
        logical_id: resource.id.clone(),
        // What is wrong with the name is reported; the properties may be wrong as well.
        name: context.name_of(resource).unwrap_or_else(|Reported| resource.id.clone()),
        code_uri: root.to_owned(),
        handler: HANDLER.to_owned(),
        runtime: RUNTIME_DEFAULT.to_owned(),
        build: function_code::build_method(context, resource),
        timeout: TIMEOUT_DEFAULT,
        memory_size_mb: MEMORY_MB_DEFAULT,
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        role_arn: context.fill(ROLE_ARN, &format!("{STACK_NAME}-{}Role", resource.id)),
    };
    for &property in &properties {
        // What is wrong is reported; the next property may be wrong as well.
        read_property(context, &mut function, resource, property, root).ok();
    }
    require(context, resource, &properties);
    if context.diagnostics.has_errors_since(mark) { Err(Reported) } else { Ok(function) }
}

fn read_property<'t>(
    context: &mut Context<'t>,
    function: &mut Function,
    resource: &Resource,
    property: &'t Entry,
    root: &Path,
) -> Result<(), Reported> {
    let range_was_checked = "the range was checked";
    match property.key.as_str() {
        "FunctionName" if !is_function_name(&function.name) => {
            let allowed = "1 to 64 letters, digits, `_` or `-`";
            return Err(context.not_allowed(property, &function.name, allowed));
        }
        "CodeUri" | "Code" => function.code_uri = function_code::folder(context, resource, property, root)?,
        "Handler" => {
            if let Some(handler) = context.text(property)? {
                function.handler = handler;
            }
        }
        "Runtime" => {
            if let Some(runtime) = context.text(property)? {
                check_runtime(context, property, &runtime);
                function.runtime = runtime;
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
        name if UNHONOURED.contains(&name) => check_unhonoured(context, property),
        name if HONOURED.contains(&name) || ABOUT_AWS.contains(&name) => {}
        _ => {
            let known = [&HONOURED[..], &UNHONOURED, &ABOUT_AWS].concat();
            return Err(context.unknown_property(property, "a function", &known));
        }
    }
    Ok(())
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

fn check_runtime(context: &mut Context<'_>, property: &Entry, runtime: &str) {
    if runtime.starts_with(RUNTIME_PREFIX) {
        return;
    }
    let message = format!("the runtime `{runtime}` is not supported by Pelton");
    let label = "only `provided.al2023` and `provided.al2` are honoured";
    context.unsupported_here(property.value.span, message, label);
}

fn check_unhonoured(context: &mut Context<'_>, property: &Entry) {
    let value = context.quietly(|context| context.evaluate(&property.value));
    let is_as_ever = match &value {
        Ok(None) => true,
        Ok(Some(value)) if property.key == "PackageType" => value.as_scalar() == Some("Zip"),
        Ok(Some(value)) => value.as_sequence().is_some_and(<[Node]>::is_empty),
        Err(Reported) => false,
    };
    if is_as_ever {
        return;
    }
    let message = format!("`{}` is not supported by Pelton", property.key);
    let label = "Pelton runs an executable `bootstrap` from a folder, with nothing around it";
    context.unsupported_here(property.key_span, message, label);
}

/// Whether a function may have this name.
fn is_function_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=NAME_LENGTH_MAX).contains(&name.len()) && name.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::FunctionsRun;
    use crate::template::diagnostics::Colour;
    use crate::template::testing::{check_problem, load, load_with, options, template};
    use crate::template::{LoadOptions, Unsupported};

    #[track_caller]
    fn check(property: &str, is_expected: impl FnOnce(&Function) -> bool) {
        let loaded = load(&template(property, "", ""));
        check_problem(&loaded, "");
        let function = &loaded.application.expect("there is no problem").functions["Ledger"];
        assert!(is_expected(function), "{function:#?}");
    }

    #[track_caller]
    fn check_refused(property: &str, expected: &str) {
        check_problem(&load(&template(property, "", "")), expected);
    }

    #[test]
    fn a_function_has_the_defaults_of_aws() {
        check("", |function| {
            function.name == "Ledger"
                && function.code_uri == Path::new("/app")
                && function.handler == "bootstrap"
                && function.runtime == "provided.al2023"
                && function.timeout == Duration::from_secs(3)
                && function.memory_size_mb == 128
                && function.environment.is_empty()
                && function.reserved_concurrency.is_none()
                && function.build.is_none()
                && function.role_arn == "arn:aws:iam::123456789012:role/pelton-LedgerRole"
        });
    }

    #[test]
    fn properties_are_read() {
        check("FunctionName: ledger", |function| function.name == "ledger");
        check("CodeUri: ./functions/ledger/", |function| {
            function.code_uri == Path::new("/app/functions/ledger")
        });
        check("CodeUri: /elsewhere", |function| function.code_uri == Path::new("/elsewhere"));
        check("Timeout: 900", |function| function.timeout == Duration::from_secs(900));
        check("MemorySize: 10240", |function| function.memory_size_mb == 10_240);
        check("ReservedConcurrentExecutions: 0", |function| function.reserved_concurrency == Some(0));
        check("Role: arn:aws:iam::1:role/x", |function| function.role_arn == "arn:aws:iam::1:role/x");
        check("Role: !ImportValue x", |function| function.role_arn.ends_with("pelton-LedgerRole"));
        check("PackageType: Zip", |_| true);
        check("Layers: []", |_| true);
    }

    #[test]
    fn what_is_about_aws_may_hold_anything() {
        check("Policies: [!Ref Nothing, {Statement: !ImportValue x}]", |_| true);
        check("VpcConfig: {SubnetIds: !GetAtt Nowhere.Subnets}", |_| true);
        check("Tags: {a: !Transform x}", |_| true);
        check("Architectures: [arm64]", |_| true);
    }

    #[test]
    fn values_out_of_range_are_refused() {
        check_refused("Timeout: 0", "`Timeout` is `0` | must be a whole number from 1 to 900");
        check_refused("Timeout: 901", "whole number from 1 to 900");
        check_refused("MemorySize: 127", "whole number from 128 to 10240");
        check_refused("MemorySize: 10241", "whole number from 128 to 10240");
        check_refused("FunctionName: a.b", "`FunctionName` is `a.b`");
        check_refused("ReservedConcurrentExecutions: -1", "from 0 to 2147483647");
        check_refused(
            "Timout: 5",
            "a function has no property `Timout` | unknown property | did you mean `Timeout`?",
        );
    }

    #[test]
    fn the_environment_is_checked() {
        let variables = |text: &str| format!("Environment: {{Variables: {{{text}}}}}");
        check(&variables("AB: 1, TZ: x"), |function| function.environment["AB"] == "1");
        check_refused(&variables("AWS_REGION: x"), "`AWS_REGION` is reserved by Lambda");
        check_refused(&variables("_HANDLER: x"), "`_HANDLER` is reserved by Lambda");
        check_refused(&variables("1A: x"), "`1A` is no name of an environment variable");
        check_refused(&variables("A: x"), "`A` is no name of an environment variable");
        check_refused(&variables("A-B: x"), "`A-B` is no name");
        check_refused(&variables("AB: [x]"), "`AB` is a list");
        check_refused(&variables(&format!("AB: {}", "x".repeat(4095))), "have 4097 bytes");
        check(&variables(&format!("AB: {}", "x".repeat(4094))), |_| true);
        check_refused("Environment: {Variable: {}}", "`Environment` has no property `Variable`");
    }

    /// The system takes the environment, arguments and paths of a program as texts that end at the first NUL.
    #[test]
    fn what_holds_a_nul_is_refused() {
        let value = |text: &str| format!("Environment: {{Variables: {{VALUE: {text}}}}}");
        let expected = "`VALUE` has the character NUL in it | must be a text without NUL (U+0000)";
        check_refused(&value(r#""a\0b""#), expected);
        check_refused(&value(r#""a\u0000b""#), expected);
        check_refused(&value(r#"!Sub "${AWS::Region}\0""#), expected);
        check_refused(r#"Environment: {Variables: {"AB\0": x}}"#, "is no name of an environment variable");
        check_refused("Environment: {Variables: {A=B: x}}", "`A=B` is no name of an environment variable");
        check_refused("Environment: {Variables: {'': x}}", "`` is no name of an environment variable");
        let handler = template("", "", "").replace("Handler: bootstrap", r#"Handler: "boot\0strap""#);
        check_problem(&load(&handler), "`Handler` has the character NUL in it");
        check_refused(r#"CodeUri: "a\0""#, "`CodeUri` has the character NUL in it");
    }

    /// Refused, allowed as a warning, and no problem of a function that no enabled mapping needs.
    #[track_caller]
    fn check_unhonoured(property: &str, expected: &str) {
        check_refused(property, expected);
        let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
        let loaded = load_with(&template(property, "", ""), &allowing);
        check_problem(&loaded, "warning unsupported");
        assert_eq!(loaded.application.expect("a warning is no error").mappings.len(), 1);
        let disabled = load(&template(property, "Enabled: false", ""));
        check_problem(&disabled, "warning ignored: the mapping `LedgerOrders` is left out");
        let unused = format!("  Unused: {{Type: AWS::Serverless::Function, Properties: {{{property}}}}}");
        check_problem(&load(&template("", "", &unused)), "");
    }

    #[test]
    fn what_pelton_cannot_run_is_refused_where_a_mapping_needs_it() {
        check_unhonoured("InlineCode: x", "`InlineCode` is not supported by Pelton");
        check_unhonoured("ImageUri: x", "`ImageUri` is not supported");
        check_unhonoured("PackageType: Image", "`PackageType` is not supported");
        check_unhonoured("Layers: [!Ref Layer]", "`Layers` is not supported");
        check_unhonoured("CodeUri: s3://bucket/key", "code that is not in a folder is not supported");
        check_unhonoured("CodeUri: {Bucket: !ImportValue b, Key: k}", "code that is not in a folder");
    }

    #[test]
    fn a_function_that_runs_elsewhere_may_have_any_runtime_and_code() {
        let elsewhere = LoadOptions { functions: FunctionsRun::Elsewhere, ..options() };
        let python = template("", "", "").replace("Runtime: provided.al2023", "Runtime: python3.13");
        let text =
            python.replace("Handler: bootstrap", "Handler: app.handler\n      CodeUri: s3://bucket/key.zip");
        let loaded = load_with(&text, &elsewhere);
        assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.render(Colour::Never));
        assert_eq!(loaded.application.unwrap().functions["Ledger"].runtime, "python3.13");
        assert!(load(&text).application.is_none(), "here it cannot run");
    }

    #[test]
    fn a_runtime_must_be_a_custom_one() {
        let text = template("", "", "").replace("provided.al2023", "python3.13");
        check_problem(&load(&text), "the runtime `python3.13` is not supported by Pelton");
        let text = template("", "", "").replace("      Runtime: provided.al2023\n", "");
        check_problem(&load(&text), "the function `Ledger` has no `Runtime`");
    }
}
