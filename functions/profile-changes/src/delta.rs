//! What changes an item: the attributes that it gets, and those that it loses.
//!
//! In: an item before and after a change, each attribute in DynamoDB's own JSON (`{"S":"Ada"}`), so that no number is rounded and no
//! type lost. Out: the delta, which makes the later item of the earlier one.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An item: attributes by name.
pub(crate) type Item = BTreeMap<String, Value>;

/// The difference between two items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Delta {
    /// Attributes that are new, or have another value.
    set: Item,
    /// Names of the attributes that are no longer there.
    removed: Vec<String>,
}

impl Delta {
    /// What makes `after` of `before`.
    pub(crate) fn between(before: &Item, after: &Item) -> Self {
        let is_changed = |(name, value): &(&String, &Value)| before.get(*name) != Some(value);
        let set =
            after.iter().filter(is_changed).map(|(name, value)| (name.clone(), value.clone())).collect();
        let removed = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
        Self { set, removed }
    }

    /// Changes an item.
    pub(crate) fn apply(&self, item: &mut Item) {
        self.removed.iter().for_each(|name| drop(item.remove(name)));
        item.extend(self.set.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// The delta as JSON.
    pub(crate) fn to_json(&self) -> String {
        json!({"set": self.set, "removed": self.removed}).to_string()
    }
}

/// An image of a record. The members of a set come in any order: sorted, they are the same set in each image.
pub(crate) fn item(image: Value) -> Item {
    let Value::Object(attributes) = image else { return Item::new() };
    attributes.into_iter().map(|(name, value)| (name, sorted(value))).collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let is_set = |name: &str| ["SS", "NS", "BS"].contains(&name);
            let members = members.into_iter().map(|(name, mut value)| {
                if let Some(texts) = value.as_array_mut().filter(|_| is_set(&name)) {
                    texts.sort_by_key(Value::to_string);
                    return (name, value);
                }
                (name, sorted(value))
            });
            members.collect()
        }
        Value::Array(values) => values.into_iter().map(sorted).collect(),
        single @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => single,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: Value, after: Value, delta: &str) {
        let (mut before, after) = (item(before), item(after));
        let found = Delta::between(&before, &after);
        assert_eq!(found.to_json(), delta);
        found.apply(&mut before);
        assert_eq!(before, after, "the delta makes the later item of the earlier one");
    }

    #[test]
    fn a_delta_has_what_was_set_and_what_was_removed_and_makes_the_later_item_of_the_earlier() {
        let ada = json!({"name": {"S": "Ada"}, "age": {"N": "36"}});
        check(json!({}), ada.clone(), r#"{"set":{"age":{"N":"36"},"name":{"S":"Ada"}},"removed":[]}"#);
        check(
            ada.clone(),
            json!({"name": {"S": "Ada L."}}),
            r#"{"set":{"name":{"S":"Ada L."}},"removed":["age"]}"#,
        );
        check(ada.clone(), json!({}), r#"{"set":{},"removed":["age","name"]}"#);
        check(ada.clone(), ada, r#"{"set":{},"removed":[]}"#);
    }

    #[test]
    fn a_number_keeps_its_digits_and_its_type() {
        let digits = "0.1234567890123456789012345678901234567";
        check(
            json!({"x": {"S": "1"}}),
            json!({"x": {"N": digits}}),
            &format!(r#"{{"set":{{"x":{{"N":"{digits}"}}}},"removed":[]}}"#),
        );
    }

    #[test]
    fn a_set_in_another_order_is_the_same_set_and_a_list_is_another_list() {
        let nested = |texts: [&str; 2]| json!({"m": {"M": {"tags": {"SS": texts}}}});
        check(nested(["a", "b"]), nested(["b", "a"]), r#"{"set":{},"removed":[]}"#);
        let list = |texts: [&str; 2]| json!({"l": {"L": [{"S": texts[0]}, {"S": texts[1]}]}});
        check(
            list(["a", "b"]),
            list(["b", "a"]),
            r#"{"set":{"l":{"L":[{"S":"b"},{"S":"a"}]}},"removed":[]}"#,
        );
    }
}
