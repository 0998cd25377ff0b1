//! `Globals.Function`: what every function of a SAM template has in common (specification 11.3).
//!
//! In: the section. Out: functions whose properties include it. Single values: the function's own wins; maps: merged
//! key by key; lists: those of `Globals` first, the function's appended.

use super::diagnostics::Diagnostics;
use super::document::wrong_shape;
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::source::Span;
use super::suggest;
use std::collections::{HashMap, HashSet};

/// The types of SAM's resources that may have properties in common.
const SECTIONS: [&str; 10] = [
    "Api",
    "CapacityProvider",
    "Function",
    "HttpApi",
    "LayerVersion",
    "MicrovmImage",
    "NetworkConnector",
    "SimpleTable",
    "StateMachine",
    "WebSocketApi",
];

/// What functions may have in common; what is not among these, each function must say for itself.
const FUNCTION_PROPERTIES: [&str; 39] = [
    "Architectures",
    "AssumeRolePolicyDocument",
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "CodeUri",
    "DeadLetterQueue",
    "DeploymentPreference",
    "Description",
    "DurableConfig",
    "Environment",
    "EphemeralStorage",
    "EventInvokeConfig",
    "FileSystemConfigs",
    "FunctionScalingConfig",
    "FunctionUrlConfig",
    "Handler",
    "KmsKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PermissionsBoundary",
    "PropagateTags",
    "ProvisionedConcurrencyConfig",
    "PublishToLatestPublished",
    "RecursiveLoop",
    "ReservedConcurrentExecutions",
    "RolePath",
    "Runtime",
    "RuntimeManagementConfig",
    "SnapStart",
    "SourceKMSKeyArn",
    "Tags",
    "TenancyConfig",
    "Timeout",
    "Tracing",
    "VersionDeletionPolicy",
    "VpcConfig",
];

/// The properties that functions have in common.
pub(crate) struct Globals {
    function: Vec<Entry>,
}

impl Globals {
    /// Reads the section; what it says of other resources does not matter here.
    pub(crate) fn read(sections: Vec<Entry>, settings: &[&str], diagnostics: &mut Diagnostics) -> Self {
        let mut function = Vec::new();
        for section in sections {
            let name = section.key.as_str();
            if !SECTIONS.contains(&name) {
                let message = format!("`Globals` has no section `{name}`");
                let nearest = suggest::nearest(name, SECTIONS).filter(|&nearest| nearest == "Function");
                diagnostics.push(
                    suggest::unknown_name(name, nearest, message)
                        .at(section.key_span, "unknown section")
                        .help(suggest::did_you_mean(name, SECTIONS, "sections")),
                );
            } else if name == "Function" && section.value.value != Value::Null {
                function = function_properties(section, settings, diagnostics);
            }
        }
        Self { function }
    }

    /// Merges them into a SAM function, except those that it ignores (`IgnoreGlobals`).
    pub(crate) fn apply(&self, resource: &mut Resource, ignored: &[(String, Span)]) {
        if resource.kind != "AWS::Serverless::Function" {
            return;
        }
        let is_ignored = |name: &str| ignored.iter().any(|(ignored, _)| ignored == name || ignored == "*");
        let wanted: Vec<Entry> =
            self.function.iter().filter(|entry| !is_ignored(&entry.key)).cloned().collect();
        if wanted.is_empty() {
            return;
        }
        let span = resource.properties.span;
        let global = Node { value: Value::Mapping(wanted), span };
        resource.properties = merge(&global, &resource.properties);
    }
}

/// The properties that may stand there; others are reported.
fn function_properties(section: Entry, settings: &[&str], diagnostics: &mut Diagnostics) -> Vec<Entry> {
    if section.value.as_mapping().is_none() {
        diagnostics.push(wrong_shape(&section, "a map of function properties"));
    }
    let Value::Mapping(mut properties) = section.value.value else { return Vec::new() };
    properties.retain(|property| {
        let name = property.key.as_str();
        if FUNCTION_PROPERTIES.contains(&name) {
            return true;
        }
        let help = suggest::nearest(name, FUNCTION_PROPERTIES).map_or_else(
            || "SAM allows it only in a function: move it there".to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        let message = format!("`{name}` is not allowed in `Globals.Function`");
        diagnostics.push(
            suggest::unknown_name(name, settings.iter().copied(), message)
                .at(property.key_span, "not a property that `Globals` supports")
                .help(help),
        );
        false
    });
    properties
}

/// Intrinsic functions count as single values, as they do in SAM.
fn merge(global: &Node, own: &Node) -> Node {
    let has_intrinsic = global.as_intrinsic().is_some() || own.as_intrinsic().is_some();
    let value = match (&global.value, &own.value) {
        (Value::Mapping(global), Value::Mapping(own)) if !has_intrinsic => {
            Value::Mapping(merge_entries(global, own))
        }
        (Value::Sequence(global), Value::Sequence(own)) => Value::Sequence([&global[..], own].concat()),
        (_, own) => own.clone(),
    };
    Node { value, span: own.span }
}

fn merge_entries(global: &[Entry], own: &[Entry]) -> Vec<Entry> {
    let global_by_key: HashMap<&str, &Node> =
        global.iter().map(|global| (global.key.as_str(), &global.value)).collect();
    let own_keys: HashSet<&str> = own.iter().map(|own| own.key.as_str()).collect();
    let merged = own.iter().map(|own| match global_by_key.get(own.key.as_str()) {
        Some(global) => Entry { value: merge(global, &own.value), ..own.clone() },
        None => own.clone(),
    });
    let inherited = global.iter().filter(|global| !own_keys.contains(global.key.as_str())).cloned();
    merged.chain(inherited).collect()
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, template};
    use std::time::Duration;

    fn loaded(global: &str, own: &str) -> crate::Loaded {
        load(&template(own, "", &format!("Globals:\n  Function: {global}\n")))
    }

    #[test]
    fn the_functions_own_single_value_wins() {
        let loaded = loaded("{Timeout: 30, MemorySize: 256, Handler: other}", "Timeout: 60");
        check_problem(&loaded, "");
        let function = &loaded.application.expect("there is no problem").functions["Ledger"];
        assert_eq!(function.timeout, Duration::from_secs(60));
        assert_eq!(function.memory_size_mb, 256);
        assert_eq!(function.handler, "bootstrap");
    }

    #[test]
    fn maps_are_merged_key_by_key() {
        let global = "{Environment: {Variables: {AA: global, BB: global}}}";
        let loaded = loaded(global, "Environment: {Variables: {BB: own, CC: own}}");
        check_problem(&loaded, "");
        let environment = &loaded.application.expect("there is no problem").functions["Ledger"].environment;
        let shown: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown, ["AA=global", "BB=own", "CC=own"]);
    }

    #[test]
    fn lists_are_appended() {
        let loaded = loaded("{Layers: [a]}", "Layers: []");
        check_problem(&loaded, "`Layers` is not supported by Pelton");
    }

    #[test]
    fn what_has_another_kind_is_replaced() {
        for (global, own) in [("[a]", "!Ref AWS::NoValue"), ("!Ref Nope", "[]"), ("{a: b}", "[]")] {
            check_problem(&loaded(&format!("{{Layers: {global}}}"), &format!("Layers: {own}")), "");
        }
        let variables = "Environment: {Variables: {AA: own}}";
        check_problem(&loaded("{Environment: {Variables: !Ref Nope}}", variables), "");
    }

    #[test]
    fn a_function_may_ignore_globals() {
        let global = "{Timeout: 30, MemorySize: 256}";
        let timeout_and_memory = |ignored: &str| {
            let text = template("", "", &format!("Globals: {{Function: {global}}}"));
            let kind = "Type: AWS::Serverless::Function\n";
            let loaded = load(&text.replace(kind, &format!("{kind}    IgnoreGlobals: {ignored}\n")));
            check_problem(&loaded, "");
            let function = &loaded.application.expect("there is no problem").functions["Ledger"];
            (function.timeout.as_secs(), function.memory_size_mb)
        };
        assert_eq!(timeout_and_memory("'*'"), (3, 128));
        assert_eq!(timeout_and_memory("[Timeout]"), (3, 256));
    }

    #[test]
    fn empty_properties_set_nothing_and_an_own_empty_one_takes_the_global_value_away() {
        for (global, own, seconds) in [
            ("{Timeout: }", "", 3),
            ("{Timeout: }", "Timeout: 9", 9),
            ("{Timeout: 9}", "Timeout:", 3),
            ("", "", 3),
        ] {
            let loaded = loaded(global, own);
            check_problem(&loaded, "");
            let function = &loaded.application.expect("there is no problem").functions["Ledger"];
            assert_eq!(function.timeout, Duration::from_secs(seconds), "{global} {own}");
        }
    }

    #[test]
    fn a_slip_in_globals_is_refused_with_the_nearest_name() {
        check_problem(&loaded("{Timout: 5}", ""), "did you mean `Timeout`?");
        check_problem(
            &load(&template("", "", "Globals: {Functon: {Timeout: 5}}")),
            "error unknown-name: `Globals` has no section `Functon` | unknown section | did you mean `Function`?",
        );
        check_problem(
            &load(&template("", "", "Globals: {Queue: {Timeout: 5}}")),
            "warning unknown-name: `Globals` has no section `Queue`",
        );
    }

    #[test]
    fn what_each_function_must_say_itself_is_refused_if_pelton_reads_it() {
        for name in ["FunctionName", "Events", "BatchSize", "Timout"] {
            check_problem(
                &loaded(&format!("{{{name}: x}}"), ""),
                &format!("error unknown-name: `{name}` is not allowed in `Globals.Function`"),
            );
        }
        for name in ["Policies", "PermissionBoundry", "Colour"] {
            check_problem(
                &loaded(&format!("{{{name}: x}}"), ""),
                &format!("warning unknown-name: `{name}` is not allowed in `Globals.Function`"),
            );
        }
        check_problem(&loaded("[a]", ""), "`Function` is a list | must be a map of function properties");
    }
}
