//! What a changed template asks for that the one before did not.

use pelton_model::{Application, Function, Mapping, MappingConfiguration, Stream, Table};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The differences, in short: `mapping M: BatchSize 10 -> 100; function F added`.
pub(super) fn changes(before: &Application, after: &Application) -> String {
    let mappings = |application: &Application| -> BTreeMap<String, Mapping> {
        application.mappings.iter().map(|mapping| (mapping.id.to_string(), mapping.clone())).collect()
    };
    let mut all = of("mapping", &mappings(before), &mappings(after), of_mapping);
    all.extend(of("function", &before.functions, &after.functions, of_function));
    all.extend(of("stream", &before.streams, &after.streams, of_stream));
    all.extend(of("table", &before.tables, &after.tables, of_table));
    if all.is_empty() { "other values".to_owned() } else { all.join("; ") }
}

fn of<T: PartialEq>(
    kind: &str,
    before: &BTreeMap<String, T>,
    after: &BTreeMap<String, T>,
    differences: impl Fn(&T, &T) -> Vec<String>,
) -> Vec<String> {
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let told = ids.into_iter().filter_map(|id| match (before.get(id), after.get(id)) {
        (Some(before), Some(after)) if before == after => None,
        (Some(before), Some(after)) => {
            Some(format!("{kind} {id}: {}", differences(before, after).join(", ")))
        }
        (Some(_), None) => Some(format!("{kind} {id} removed")),
        (None, _) => Some(format!("{kind} {id} added")),
    });
    told.collect()
}

fn of_mapping(before: &Mapping, after: &Mapping) -> Vec<String> {
    let settings = |mapping| match serde_json::to_value(MappingConfiguration::of(mapping)) {
        Ok(Value::Object(settings)) => settings,
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (old, new) = (settings(before), settings(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changed: Vec<String> = Vec::new();
    for name in names {
        match (old.get(name), new.get(name)) {
            (old, new) if old == new => {}
            (Some(old @ (Value::Number(_) | Value::Bool(_))), Some(new)) => {
                changed.push(format!("{name} {old} -> {new}"));
            }
            (_, _) => changed.push(name.clone()),
        }
    }
    let others = [
        ("FunctionName", before.function != after.function),
        ("EventSourceArn", before.source.to_string() != after.source.to_string()),
        ("Enabled", before.enabled != after.enabled),
        ("StartingPosition", before.source.starting_position() != after.source.starting_position()),
    ];
    changed.extend(others.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()));
    changed
}

fn of_function(before: &Function, after: &Function) -> Vec<String> {
    named([
        ("FunctionName", before.name != after.name),
        ("CodeUri", before.code_uri != after.code_uri),
        ("Handler", before.handler != after.handler),
        ("Runtime", before.runtime != after.runtime),
        ("Metadata", before.build != after.build),
        ("Timeout", before.timeout != after.timeout),
        ("MemorySize", before.memory_size_mb != after.memory_size_mb),
        ("Environment", before.environment != after.environment),
        ("ReservedConcurrentExecutions", before.reserved_concurrency != after.reserved_concurrency),
        ("Role", before.role_arn != after.role_arn),
    ])
}

fn of_stream(before: &Stream, after: &Stream) -> Vec<String> {
    named([
        ("Name", before.name != after.name),
        ("ShardCount", before.shard_count != after.shard_count),
        ("RetentionPeriodHours", before.retention_hours != after.retention_hours),
        ("MaxRecordSizeInKiB", before.record_kib_max != after.record_kib_max),
    ])
}

fn of_table(before: &Table, after: &Table) -> Vec<String> {
    named([
        ("TableName", before.name != after.name),
        ("StreamSpecification", before.stream_view_type != after.stream_view_type),
        ("KeySchema or AttributeDefinitions", before.schema != after.schema),
    ])
}

fn named<const N: usize>(differences: [(&str, bool); N]) -> Vec<String> {
    differences.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::starting_position::StartingPosition;
    use pelton_model::MappingId;

    fn application() -> Application {
        let stream = "arn:aws:kinesis:us-east-1:123456789012:stream/orders".parse().unwrap();
        let id = MappingId("Records".to_owned());
        Application {
            root: "/app".into(),
            account: "123456789012".to_owned(),
            functions: BTreeMap::new(),
            streams: BTreeMap::new(),
            tables: BTreeMap::new(),
            mappings: vec![Mapping::new(id, "F".to_owned(), stream, StartingPosition::TrimHorizon)],
        }
    }

    #[test]
    fn settings_are_told_by_name_and_numbers_with_their_values() {
        let (before, mut after) = (application(), application());
        after.mappings[0].batch_size = 20;
        let shards = after.mappings[0].source.shards_mut().unwrap();
        shards.bisect_batch_on_function_error = true;
        shards.starting_position = StartingPosition::Latest;
        assert_eq!(
            changes(&before, &after),
            "mapping Records: BatchSize 100 -> 20, BisectBatchOnFunctionError false -> true, StartingPosition"
        );
    }

    #[test]
    fn what_was_added_or_removed_is_told() {
        let (one, mut none) = (application(), application());
        none.mappings.clear();
        assert_eq!(changes(&one, &none), "mapping Records removed");
        assert_eq!(changes(&none, &one), "mapping Records added");
    }
}
