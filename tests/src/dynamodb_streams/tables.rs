//! The one call of the API of tables that the fake answers: CreateTable.
//!
//! In: a request. Out: the answer of DynamoDB, as far as a client of a new table needs it. What a test does with a table after that,
//! it does by the methods of the fake.

use super::answer::ApiError;
use super::change::ViewType;
use super::request::parse;
use super::stream::Table;
use super::{Now, State};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What `X-Amz-Target` says of the call.
pub(super) const CREATE_TABLE: &str = "DynamoDB_20120810.CreateTable";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateTable {
    table_name: String,
    key_schema: Vec<Attribute>,
    attribute_definitions: Vec<Attribute>,
    #[serde(default)]
    global_secondary_indexes: Vec<Index>,
    stream_specification: StreamSpecification,
    billing_mode: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    attribute_name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    key_schema: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    stream_enabled: bool,
    stream_view_type: String,
}

impl State {
    pub(super) fn create_by_call(&mut self, body: &[u8], now: Now) -> Result<Value, ApiError> {
        let asked: CreateTable = parse(body)?;
        let view = ViewType::of_name(&asked.stream_specification.stream_view_type);
        let view = view.filter(|_| asked.stream_specification.stream_enabled && is_sound(&asked));
        let Some(view) = view else {
            return Err(ApiError::Validation("One or more parameter values were invalid".to_owned()));
        };
        let name = asked.table_name;
        if self.world.tables.iter().any(|table| table.name == name) {
            return Err(ApiError::ResourceInUse(format!("Table already exists: {name}")));
        }
        let keys: Vec<&str> = asked.key_schema.iter().map(|key| key.attribute_name.as_str()).collect();
        let table = Table::new(&name, &keys, view);
        let arn = self.enable(&table, now);
        self.world.tables.push(table);
        Ok(
            json!({"TableDescription": {"TableName": name, "TableStatus": "CREATING", "LatestStreamArn": arn}}),
        )
    }
}

/// AWS wants a definition of each attribute of a key or an index, and none beside those.
fn is_sound(asked: &CreateTable) -> bool {
    let indexes = asked.global_secondary_indexes.iter().flat_map(|index| &index.key_schema);
    let names = |attributes: &mut dyn Iterator<Item = &Attribute>| -> BTreeSet<String> {
        attributes.map(|attribute| attribute.attribute_name.clone()).collect()
    };
    let used = names(&mut asked.key_schema.iter().chain(indexes));
    used == names(&mut asked.attribute_definitions.iter()) && asked.billing_mode == "PAY_PER_REQUEST"
}
