//! DynamoDB tables whose streams mappings read (specification 11.4). What a table has beside its stream is AWS's matter: nothing of
//! it is refused.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::source::Span;
use super::suggest;
use super::table_references::{SIMPLE_TABLE, TABLE};
use pelton_model::Table;
use std::collections::{BTreeMap, BTreeSet};

const STREAM_SPECIFICATION: &str = "StreamSpecification";
const VIEW_TYPES: [&str; 4] = ["NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY"];

/// What `dev` needs to create a table. Those that not every table has come last.
const SCHEMA: [&str; 4] =
    ["KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"];

/// What is taken of an index. Its throughput is not: the table is created on demand.
const INDEX: [&str; 3] = ["IndexName", "KeySchema", "Projection"];

/// What to write for a table to have a stream.
const HOW_TO: &str = "`StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}`";

/// Reports a table that has no stream to read. `place`: where a mapping reads from it.
pub(crate) fn require_stream<'t>(
    context: &mut Context<'t>,
    table: &'t Resource,
    place: Span,
) -> Result<(), Reported> {
    let id = &table.id;
    if table.kind == SIMPLE_TABLE {
        let message = format!("the table `{id}` has no stream, as no `{SIMPLE_TABLE}` has one");
        let help = format!("make `{id}` an `{TABLE}` with {HOW_TO}");
        let diagnostic = Diagnostic::error(Code::Missing, message).at(place, "reads from a stream");
        return Err(context.report(diagnostic.related(table.id_span, "the table").help(help)));
    }
    let properties = context.properties(&table.properties)?;
    let specification = properties.iter().find(|property| property.key == STREAM_SPECIFICATION);
    let is_there = match specification {
        Some(property) => context.head(&property.value, "a map with a `StreamViewType`")?.is_some(),
        None => false,
    };
    if is_there {
        return Ok(());
    }
    let message = format!("the table `{id}` has no `{STREAM_SPECIFICATION}`");
    let diagnostic = Diagnostic::error(Code::Missing, message).at(place, "reads from a stream");
    let help = format!("add {HOW_TO} to the properties of `{id}`");
    Err(context.report(diagnostic.related(table.id_span, "the table").help(help)))
}

/// Every table whose stream a mapping reads, by logical id. Two of one name are reported.
pub(crate) fn read_all(context: &mut Context<'_>, needed: &BTreeSet<String>) -> BTreeMap<String, Table> {
    let document = context.document;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for resource in document.resources.iter().filter(|resource| needed.contains(&resource.id)) {
        let Ok(table) = read(context, resource) else { continue };
        if let Some(first) = tables.values().find(|first| first.name == table.name) {
            let first = document.resource(&first.logical_id).map_or(resource.id_span, |first| first.id_span);
            context.report(
                Diagnostic::error(Code::Conflict, format!("two tables are named `{}`", table.name))
                    .at(resource.id_span, "second table")
                    .related(first, "first table")
                    .help("give one of them another `TableName`"),
            );
        }
        tables.insert(resource.id.clone(), table);
    }
    tables
}

/// Reads a table that has a stream; where it has none, that was reported.
fn read<'t>(context: &mut Context<'t>, resource: &'t Resource) -> Result<Table, Reported> {
    let properties = context.properties(&resource.properties)?;
    let find = |name: &str| properties.iter().copied().find(|property| property.key == name);
    let Some(specification) = find(STREAM_SPECIFICATION) else { return Err(Reported) };
    let stream_view_type = read_view_type(context, specification, &resource.id);
    let name = context.name_of(resource)?;
    let mut schema = Some(serde_json::Map::new());
    for property in SCHEMA.iter().filter_map(|name| find(name)) {
        // Only `dev` needs it.
        match (context.leniently(|context| context.evaluate(&property.value)), &mut schema) {
            (Ok(Some(value)), Some(schema)) => drop(schema.insert(property.key.clone(), json_of(&value))),
            (Ok(None), _) | (_, None) => {}
            (Err(Reported), _) => schema = None,
        }
    }
    let schema = schema.filter(|schema| SCHEMA[..2].iter().all(|name| schema.contains_key(*name)));
    Ok(Table { logical_id: resource.id.clone(), name, stream_view_type: stream_view_type?, schema })
}

fn read_view_type<'t>(
    context: &mut Context<'t>,
    specification: &'t Entry,
    id: &str,
) -> Result<&'static str, Reported> {
    let settings = context.head(&specification.value, "a map with a `StreamViewType`")?.unwrap_or_default();
    let words = context.each(settings, |context, setting| match setting.key.as_str() {
        "StreamViewType" => context.word(setting, &VIEW_TYPES),
        "ResourcePolicy" => Ok(None),
        _ => Err(context.unknown_setting(setting, "`StreamSpecification`", &["StreamViewType"])),
    })?;
    words.into_iter().flatten().next().ok_or_else(|| {
        let message = format!("the `{STREAM_SPECIFICATION}` of `{id}` has no `StreamViewType`");
        let list = suggest::list(VIEW_TYPES.iter().copied()).unwrap_or_default();
        let diagnostic = Diagnostic::error(Code::Missing, message);
        context.report(diagnostic.at(specification.key_span, format!("needs one of {list}")))
    })
}

/// What CreateTable takes: every single value is a text there, and of an index only what [`INDEX`] names.
fn json_of(node: &Node) -> serde_json::Value {
    let is_index = node.get("IndexName").is_some();
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Scalar(scalar) => scalar.text.clone().into(),
        Value::Sequence(items) => items.iter().map(json_of).collect(),
        Value::Mapping(entries) => {
            let taken = entries.iter().filter(|entry| !is_index || INDEX.contains(&entry.key.as_str()));
            taken.map(|entry| (entry.key.clone(), json_of(&entry.value))).collect()
        }
    }
}

#[cfg(test)]
mod tests;
