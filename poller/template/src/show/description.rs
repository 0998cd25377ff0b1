//! What a template would run, for scripts: the same as [`summary`](crate::summary()), as JSON with AWS's own names.
//!
//! Values of parameters with `NoEcho` are not in it. Field names are part of the command line: they are added to, never changed.

use super::diagnostics::{Diagnostic, Diagnostics, Severity};
use super::summary::{HIDDEN, is_secret, shown_folder, shown_settings};
use crate::Loaded;
use pelton_core::starting_position::StartingPosition;
use pelton_model::{
    Application, BuildMethod, Function, Mapping, MappingConfiguration, Stream, Table, shown_timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// The JSON of `pelton validate --json`: what would run if there is no error, and every problem.
#[must_use]
pub fn description(loaded: &Loaded) -> String {
    let description = Description {
        application: loaded
            .application
            .as_ref()
            .map(|application| ApplicationDescription::of(application, &loaded.secrets)),
        problems: loaded
            .diagnostics
            .iter()
            .map(|item| ProblemDescription::of(item, &loaded.diagnostics))
            .collect(),
    };
    serde_json::to_string_pretty(&description).expect("texts, numbers and lists are always JSON") + "\n"
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Description<'a> {
    #[serde(flatten)]
    application: Option<ApplicationDescription<'a>>,
    problems: Vec<ProblemDescription<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ApplicationDescription<'a> {
    event_source_mappings: Vec<MappingDescription<'a>>,
    functions: Vec<FunctionDescription<'a>>,
    streams: Vec<StreamDescription<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tables: Vec<TableDescription<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MappingDescription<'a> {
    logical_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_source_arn: Option<String>,
    function_name: &'a str,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_position: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starting_position_timestamp: Option<String>,
    #[serde(flatten)]
    settings: MappingConfiguration,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionDescription<'a> {
    logical_id: &'a str,
    function_name: &'a str,
    code_uri: Option<String>,
    handler: Option<&'a str>,
    runtime: Option<&'a str>,
    timeout: u64,
    memory_size: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved_concurrent_executions: Option<u32>,
    environment: EnvironmentDescription<'a>,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<MetadataDescription<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EnvironmentDescription<'a> {
    variables: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetadataDescription<'a> {
    build_method: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_properties: Option<BuildPropertiesDescription<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BuildPropertiesDescription<'a> {
    binary: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescription<'a> {
    logical_id: &'a str,
    name: &'a str,
    shard_count: u32,
    retention_period_hours: u32,
    #[serde(rename = "MaxRecordSizeInKiB")]
    max_record_size_in_kib: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableDescription<'a> {
    logical_id: &'a str,
    table_name: &'a str,
    stream_view_type: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProblemDescription<'a> {
    severity: &'static str,
    code: String,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
}

impl<'a> ApplicationDescription<'a> {
    fn of(application: &'a Application, secrets: &[String]) -> Self {
        let Application { root, account: _, functions, streams, tables, mappings } = application;
        let mapping =
            |mapping: &'a Mapping| MappingDescription::of(mapping, &functions[&mapping.function], secrets);
        let function = |function: &'a Function| FunctionDescription::of(function, root, secrets);
        Self {
            event_source_mappings: mappings.iter().map(mapping).collect(),
            functions: functions.values().map(function).collect(),
            streams: streams.values().map(StreamDescription::of).collect(),
            tables: tables.values().map(TableDescription::of).collect(),
        }
    }
}

impl<'a> MappingDescription<'a> {
    fn of(mapping: &'a Mapping, function: &'a Function, secrets: &[String]) -> Self {
        let (starting_position, starting_position_timestamp) = match mapping.source.starting_position() {
            None => (None, None),
            Some(StartingPosition::TrimHorizon) => (Some("TRIM_HORIZON"), None),
            Some(StartingPosition::Latest) => (Some("LATEST"), None),
            Some(StartingPosition::AtTimestamp(timestamp)) => {
                (Some("AT_TIMESTAMP"), Some(shown_timestamp(timestamp)))
            }
        };
        Self {
            logical_id: &mapping.id.0,
            event_source_arn: mapping.source.arn(),
            function_name: &function.name,
            enabled: mapping.enabled,
            starting_position,
            starting_position_timestamp,
            settings: shown_settings(mapping, secrets),
        }
    }
}

impl<'a> FunctionDescription<'a> {
    fn of(function: &'a Function, root: &Path, secrets: &[String]) -> Self {
        let shown = |value: &'a str| if is_secret(value, secrets) { HIDDEN } else { value };
        let variables =
            function.environment.iter().map(|(name, value)| (name.as_str(), shown(value))).collect();
        Self {
            logical_id: &function.logical_id,
            function_name: &function.name,
            code_uri: (!function.is_image()).then(|| shown_folder(&function.code_uri, root)),
            handler: (!function.is_image()).then_some(&function.handler),
            runtime: function.runtime.as_deref(),
            timeout: function.timeout.as_secs(),
            memory_size: function.memory_size_mb,
            reserved_concurrent_executions: function.reserved_concurrency,
            environment: EnvironmentDescription { variables },
            role: &function.role_arn,
            metadata: function.build.as_ref().map(|BuildMethod::RustCargoLambda { binary }| {
                MetadataDescription {
                    build_method: "rust-cargolambda",
                    build_properties: binary.as_deref().map(|binary| BuildPropertiesDescription { binary }),
                }
            }),
        }
    }
}

impl<'a> StreamDescription<'a> {
    fn of(stream: &'a Stream) -> Self {
        Self {
            logical_id: &stream.logical_id,
            name: &stream.name,
            shard_count: stream.shard_count,
            retention_period_hours: stream.retention_hours,
            max_record_size_in_kib: stream.record_kib_max,
        }
    }
}

impl<'a> TableDescription<'a> {
    fn of(table: &'a Table) -> Self {
        Self {
            logical_id: &table.logical_id,
            table_name: &table.name,
            stream_view_type: table.stream_view_type,
        }
    }
}

impl<'a> ProblemDescription<'a> {
    fn of(diagnostic: &'a Diagnostic, diagnostics: &Diagnostics) -> Self {
        let position = diagnostics.position(diagnostic);
        let label = diagnostic.label.as_ref().map(|label| label.text.as_str());
        Self {
            severity: match diagnostic.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            code: diagnostic.code.to_string(),
            message: &diagnostic.message,
            line: position.map(|position| position.line),
            column: position.map(|position| position.column),
            label: label.filter(|label| !label.is_empty()),
            help: diagnostic.help.as_deref(),
        }
    }
}
