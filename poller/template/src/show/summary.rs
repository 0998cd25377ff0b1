//! What a template would run, as tables for people: each setting that is not the default, and those that every mapping has.

use crate::Loaded;
use pelton_core::starting_position::StartingPosition;
use pelton_model::{
    BuildMethod, Function, KafkaConfiguration, Mapping, MappingConfiguration, Stream, Table, shown_timestamp,
};
use std::path::Path;

/// Stands for a value that nobody is to see.
pub(crate) const HIDDEN: &str = "(hidden)";

/// Stands for the folder of a container image.
const IMAGE: &str = "(image)";

/// Values that nobody is to see: of parameters with `NoEcho`.
#[derive(Clone, Debug, Default)]
pub struct Secrets(Vec<String>);

impl Secrets {
    /// The text, unless it holds such a value.
    #[must_use]
    pub fn hide(&self, text: String) -> String {
        if is_secret(&text, &self.0) { HIDDEN.to_owned() } else { text }
    }
}

impl From<Vec<String>> for Secrets {
    fn from(values: Vec<String>) -> Self {
        Self(values)
    }
}

/// Mappings, functions and streams, one a line; nothing if there is an error.
#[must_use]
pub fn summary(loaded: &Loaded) -> String {
    let Some(application) = &loaded.application else { return String::new() };
    if application.mappings.is_empty() {
        return "no event source mappings: nothing would run\n".to_owned();
    }
    let mappings = table(
        ["mapping", "stream", "function", "from", "batch", "window", "state"],
        application.mappings.iter().map(mapping_row),
    );
    let settings = table(
        ["mapping", "setting", "value"],
        application.mappings.iter().flat_map(|mapping| setting_rows(mapping, &loaded.secrets)),
    );
    let functions = table(
        ["function", "runtime", "timeout", "memory", "reserved", "build", "code"],
        application.functions.values().map(|function| function_row(function, &application.root)),
    );
    let streams =
        table(["stream", "name", "shards", "retention"], application.streams.values().map(stream_row));
    let tables = table(["table", "name", "stream"], application.tables.values().map(table_row));
    [mappings, settings, functions, streams, tables].into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn mapping_row(mapping: &Mapping) -> [String; 7] {
    let from = match mapping.source.starting_position() {
        None => "-".to_owned(),
        Some(StartingPosition::TrimHorizon) => "TRIM_HORIZON".to_owned(),
        Some(StartingPosition::Latest) => "LATEST".to_owned(),
        Some(StartingPosition::AtTimestamp(timestamp)) => shown_timestamp(timestamp),
    };
    [
        mapping.id.to_string(),
        mapping.source.name().to_owned(),
        mapping.function.clone(),
        from,
        mapping.batch_size.to_string(),
        format!("{} s", MappingConfiguration::of(mapping).batching_window()),
        if mapping.enabled { "enabled" } else { "disabled" }.to_owned(),
    ]
}

/// What the mapping sets beside that.
fn setting_rows(mapping: &Mapping, secrets: &[String]) -> impl Iterator<Item = [String; 3]> {
    let changes = shown_settings(mapping, secrets).changes().into_iter();
    changes.map(|(name, value)| [mapping.id.to_string(), name.to_owned(), on_one_line(&value)])
}

/// The settings of a mapping; patterns and names only without values that nobody is to see.
pub(crate) fn shown_settings(mapping: &Mapping, secrets: &[String]) -> MappingConfiguration {
    let mut settings = MappingConfiguration::of(mapping);
    for filter in settings.filter_criteria.iter_mut().flat_map(|criteria| &mut criteria.filters) {
        if is_secret(&filter.pattern, secrets) {
            filter.pattern = HIDDEN.to_owned();
        }
    }
    for text in settings.kafka.iter_mut().flat_map(KafkaConfiguration::texts_mut) {
        if is_secret(text, secrets) {
            HIDDEN.clone_into(text);
        }
    }
    settings
}

pub(crate) fn is_secret(value: &str, secrets: &[String]) -> bool {
    secrets.iter().any(|secret| !secret.is_empty() && value.contains(secret))
}

/// A pattern may have lines; a cell of a table has none.
fn on_one_line(text: &str) -> String {
    text.split(char::is_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A folder as seen from the folder of the template, if it is inside.
pub(crate) fn shown_folder(folder: &Path, root: &Path) -> String {
    match folder.strip_prefix(root) {
        Ok(inside) => Path::new(".").join(inside).display().to_string(),
        Err(_) => folder.display().to_string(),
    }
}

fn function_row(function: &Function, root: &Path) -> [String; 7] {
    let build = match &function.build {
        Some(BuildMethod::RustCargoLambda { binary: Some(binary) }) => format!("cargo ({binary})"),
        Some(BuildMethod::RustCargoLambda { binary: None }) => "cargo".to_owned(),
        None => "-".to_owned(),
    };
    let reserved = function.reserved_concurrency.map_or_else(|| "-".to_owned(), |most| most.to_string());
    [
        function.logical_id.clone(),
        function.runtime.clone().unwrap_or_else(|| "-".to_owned()),
        format!("{} s", function.timeout.as_secs()),
        format!("{} MB", function.memory_size_mb),
        reserved,
        build,
        if function.is_image() { IMAGE.to_owned() } else { shown_folder(&function.code_uri, root) },
    ]
}

fn stream_row(stream: &Stream) -> [String; 4] {
    [
        stream.logical_id.clone(),
        stream.name.clone(),
        stream.shard_count.to_string(),
        format!("{} h", stream.retention_hours),
    ]
}

fn table_row(table: &Table) -> [String; 3] {
    [table.logical_id.clone(), table.name.clone(), table.stream_view_type.to_owned()]
}

/// Columns as wide as their widest cell; `None` if there are no rows.
fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl Iterator<Item = [String; COLUMNS]>,
) -> Option<String> {
    let rows: Vec<[String; COLUMNS]> = rows.collect();
    if rows.is_empty() {
        return None;
    }
    let lines: Vec<[String; COLUMNS]> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    Some(text)
}
