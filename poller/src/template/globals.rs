//! `Globals.Function`: what every function of a SAM template has in common (specification 11.3).
//!
//! In: the section. Out: functions whose properties include it. Single values: the function's own wins; maps: merged
//! key by key; lists: those of `Globals` first, the function's appended.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::document::wrong_shape;
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::source::Span;
use std::collections::{HashMap, HashSet};

/// What each function must say for itself.
const NOT_GLOBAL: [&str; 4] = ["Role", "Policies", "FunctionName", "Events"];

/// The properties that functions have in common.
pub(super) struct Globals {
    function: Vec<Entry>,
}

impl Globals {
    /// Reads the section; what it says of other resources does not matter here.
    pub(super) fn read(section: Vec<Entry>, diagnostics: &mut Diagnostics) -> Self {
        let Some(entry) = section.into_iter().find(|entry| entry.key == "Function") else {
            return Self { function: Vec::new() };
        };
        let Some(properties) = entry.value.as_mapping() else {
            diagnostics.push(wrong_shape(&entry, "a map of function properties"));
            return Self { function: Vec::new() };
        };
        let is_global = |property: &&Entry| !NOT_GLOBAL.contains(&property.key.as_str());
        for property in properties.iter().filter(|property| !is_global(property)) {
            let message = format!("`{}` is not allowed in `Globals.Function`", property.key);
            diagnostics.push(
                Diagnostic::error(Code::UnknownName, message)
                    .at(property.key_span, "each function has its own")
                    .help("move it into the functions"),
            );
        }
        Self { function: properties.iter().filter(is_global).cloned().collect() }
    }

    /// Merges them into a SAM function, except those that it ignores (`IgnoreGlobals`).
    pub(super) fn apply(&self, resource: &mut Resource, ignored: &[(String, Span)]) {
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
    use crate::template::testing::{check_problem, load, template};
    use std::time::Duration;

    fn loaded(global: &str, own: &str) -> crate::template::Loaded {
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
    fn what_each_function_must_say_itself_is_refused() {
        check_problem(
            &loaded("{FunctionName: x}", ""),
            "`FunctionName` is not allowed in `Globals.Function`",
        );
        check_problem(&loaded("[a]", ""), "`Function` is a list | must be a map of function properties");
    }
}
