//! The items of a table, and what a write makes of them: a change that its stream records, or none.
//!
//! In: items and keys as DynamoDB's JSON (`{"id": {"S": "a"}}`). Out: changes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// An item or the key of one, by attribute name.
pub(super) type Item = Map<String, Value>;

/// What the records of a stream hold beside the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewType {
    /// Nothing.
    KeysOnly,
    /// The item after the change.
    NewImage,
    /// The item before the change.
    OldImage,
    /// Both.
    NewAndOldImages,
}

/// Who deletes an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deleter {
    /// A client.
    Client,
    /// DynamoDB, as the item's time to live is over.
    TimeToLive,
}

/// The items of a table.
#[derive(Debug)]
pub(super) struct Items {
    key_names: Vec<String>,
    /// By canonical key.
    items: BTreeMap<String, Item>,
}

/// A change of an item.
#[derive(Debug)]
pub(super) struct Change {
    keys: Item,
    old: Option<Item>,
    new: Option<Item>,
    by: Deleter,
}

impl ViewType {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let all = [ViewType::KeysOnly, ViewType::NewImage, ViewType::OldImage, ViewType::NewAndOldImages];
        all.into_iter().find(|view| view.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            ViewType::KeysOnly => "KEYS_ONLY",
            ViewType::NewImage => "NEW_IMAGE",
            ViewType::OldImage => "OLD_IMAGE",
            ViewType::NewAndOldImages => "NEW_AND_OLD_IMAGES",
        }
    }
}

impl Items {
    /// No items yet. The names of the partition key and of the sort key, if there is one.
    pub(super) fn new(key_names: &[&str]) -> Self {
        Self { key_names: key_names.iter().map(|name| (*name).to_owned()).collect(), items: BTreeMap::new() }
    }

    pub(super) fn key_schema(&self) -> Value {
        let types = ["HASH", "RANGE"];
        let names = self.key_names.iter().zip(types);
        names.map(|(name, kind)| json!({"AttributeName": name, "KeyType": kind})).collect()
    }

    /// Replaces an item. `None` if it was the same before: DynamoDB then records nothing.
    pub(super) fn put(&mut self, item: &Item) -> Option<Change> {
        let keys = self.keys(item);
        let old = self.items.insert(canonical(&keys), item.clone());
        let is_changed = old.as_ref() != Some(item);
        is_changed.then(|| Change { keys, old, new: Some(item.clone()), by: Deleter::Client })
    }

    /// Removes an item. `None` if there was none.
    pub(super) fn remove(&mut self, key: &Item, by: Deleter) -> Option<Change> {
        let keys = self.keys(key);
        let old = Some(self.items.remove(&canonical(&keys))?);
        Some(Change { keys, old, new: None, by })
    }

    fn keys(&self, item: &Item) -> Item {
        let key = |name: &String| (name.clone(), item.get(name).expect("an item has its keys").clone());
        self.key_names.iter().map(key).collect()
    }
}

impl Change {
    /// The same for all changes of an item, and for no other item.
    pub(super) fn canonical_key(&self) -> String {
        canonical(&self.keys)
    }

    /// The record as GetRecords returns it.
    pub(super) fn record(self, view: ViewType, sequence_number: u128, at_s: u64, region: &str) -> Value {
        let name = match (&self.old, &self.new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        };
        let shows_new = matches!(view, ViewType::NewImage | ViewType::NewAndOldImages);
        let shows_old = matches!(view, ViewType::OldImage | ViewType::NewAndOldImages);
        let images =
            [("NewImage", self.new.filter(|_| shows_new)), ("OldImage", self.old.filter(|_| shows_old))];
        let mut change = json!({"ApproximateCreationDateTime": at_s, "Keys": self.keys});
        let mut size = size_of_map(&self.keys);
        for (member, image) in images {
            if let Some(image) = image {
                size += size_of_map(&image);
                change[member] = Value::Object(image);
            }
        }
        change["SequenceNumber"] = sequence_number.to_string().into();
        change["SizeBytes"] = size.into();
        change["StreamViewType"] = view.name().into();
        let mut record = json!({
            "eventID": uuid::Uuid::new_v4().simple().to_string(),
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": region,
            "dynamodb": change,
        });
        if self.by == Deleter::TimeToLive {
            record["userIdentity"] = json!({"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"});
        }
        record
    }
}

/// `SizeBytes` of a record.
pub(super) fn size_of_record(record: &Value) -> usize {
    let size = record["dynamodb"]["SizeBytes"].as_u64().expect("a record has its size");
    usize::try_from(size).expect("a record fits into memory")
}

fn canonical(keys: &Item) -> String {
    let sorted: BTreeMap<_, _> = keys.iter().collect();
    serde_json::to_string(&sorted).expect("JSON can be written")
}

/// The bytes of attributes, by DynamoDB's rules for the size of an item.
fn size_of_map(attributes: &Item) -> usize {
    attributes.iter().map(|(name, value)| name.len() + size_of_value(value)).sum()
}

fn size_of_value(value: &Value) -> usize {
    let (kind, value) = value.as_object().and_then(|typed| typed.iter().next()).expect("a value has a type");
    let text = |value: &Value| value.as_str().expect("a scalar is text").to_owned();
    let number = |value: &Value| text(value).len().div_ceil(2) + 1;
    let binary = |value: &Value| STANDARD.decode(text(value)).expect("binary is base64").len();
    let all = |of: &dyn Fn(&Value) -> usize| value.as_array().expect("a list").iter().map(of).sum::<usize>();
    match kind.as_str() {
        "S" => text(value).len(),
        "N" => number(value),
        "B" => binary(value),
        "SS" => all(&|value| text(value).len()),
        "NS" => all(&number),
        "BS" => all(&binary),
        "L" => 3 + all(&|value| 1 + size_of_value(value)),
        "M" => 3 + size_of_map(value.as_object().expect("a map")),
        // BOOL and NULL.
        _ => 1,
    }
}
