//! Answers of 200 that are wrong: what is missing in them, or whose they are.
//!
//! In: the endpoint's answer, and those before it. Out: a lie. It is one that a client can see through with the answers that
//! follow. What no client could see through is not told:
//!
//! - a page without its records, but with the iterator behind them; it is what an idle shard answers
//! - an answer from a place ahead of the client's; the numbers of records have gaps anyway. So earlier answers are forgotten with
//!   the weather: a client that was killed since may have gone back to a place before them
//! - an answer of the shard with the same number in another stream; only the shard's number stands in those of its records. On
//!   DynamoDB Streams not even that: records and iterators of another shard are not told there by chance
//! - the same lie again and again.

use super::connection::Answer;
use super::weather::{Operation, Subject};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// No field is there: `{}`.
    Missing,
    /// Every field is null.
    Null,
    /// The body is empty.
    Empty,
    /// The body is another JSON value than an object.
    OtherBody,
    /// The body ends in the middle of it, and `Content-Length` says the same.
    Truncated,
    /// Every field is there and empty; GetRecords names no iterator.
    Void,
    /// Half of the list, as if that were all of it. GetRecords names no iterator. Of a description without a list, a field is
    /// missing.
    Part,
    /// The answer to the same question before.
    Repeated,
    /// The first answer to the same question.
    Stale,
    /// The last answer about another shard, or another stream.
    Foreign,
}

/// Every lie.
pub const LIES: [Lie; 10] = [
    Lie::Missing,
    Lie::Null,
    Lie::Empty,
    Lie::OtherBody,
    Lie::Truncated,
    Lie::Void,
    Lie::Part,
    Lie::Repeated,
    Lie::Stale,
    Lie::Foreign,
];

/// The answers so far, as far as they can be told again.
#[derive(Debug, Default)]
pub(super) struct Memory(HashMap<(Operation, Subject), Remembered>);

#[derive(Debug)]
struct Remembered {
    first: Answer,
    last: Answer,
    number: u64,
}

impl Memory {
    /// What the lie makes of an answer; `None`: nothing, as there is nothing to tell.
    pub(super) fn tell(
        &self,
        lie: Lie,
        operation: Operation,
        subject: &Subject,
        answer: &Answer,
    ) -> Option<Answer> {
        if answer.status != 200 {
            return None;
        }
        let before = self.0.get(&(operation, subject.clone()));
        let with_body = |body: Bytes| Some(Answer { body, ..answer.clone() });
        let changed = |change: fn(&mut Map<String, Value>)| {
            let mut body: Value = serde_json::from_slice(&answer.body).ok()?;
            change(body.as_object_mut()?);
            with_body(Bytes::from(body.to_string()))
        };
        match lie {
            Lie::Missing => with_body(Bytes::from_static(b"{}")),
            Lie::Null => changed(|body| body.values_mut().for_each(|value| *value = Value::Null)),
            Lie::Empty => with_body(Bytes::new()),
            Lie::OtherBody => with_body(Bytes::from_static(b"[\"no\"]")),
            Lie::Truncated => with_body(answer.body.slice(..answer.body.len() / 2)),
            Lie::Void => changed(void),
            Lie::Part => changed(part),
            Lie::Repeated => before.map(|before| before.last.clone()),
            Lie::Stale => before.map(|before| before.first.clone()),
            Lie::Foreign => self.foreign(operation, subject),
        }
    }

    fn foreign(&self, operation: Operation, own: &Subject) -> Option<Answer> {
        let is_foreign = |subject: &Subject| match (&own.shard, &subject.shard) {
            (Some(own), Some(other)) => own != other,
            (None, _) | (_, None) => own.stream != subject.stream,
        };
        let others = self.0.iter().filter(|((of, subject), _)| *of == operation && is_foreign(subject));
        others.max_by_key(|(_, remembered)| remembered.number).map(|(_, other)| other.last.clone())
    }

    /// Remembers what the endpoint answered, after `number` other answers.
    pub(super) fn learn(&mut self, operation: Operation, subject: Subject, answer: &Answer, number: u64) {
        if answer.status != 200 {
            return;
        }
        let remembered = self.0.entry((operation, subject));
        let remembered =
            remembered.or_insert_with(|| Remembered { first: answer.clone(), last: answer.clone(), number });
        (remembered.last, remembered.number) = (answer.clone(), number);
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

fn void(body: &mut Map<String, Value>) {
    for value in body.values_mut() {
        *value = match value {
            Value::Array(_) => json!([]),
            Value::Object(_) => json!({}),
            Value::String(_) => json!(""),
            Value::Number(_) => json!(0),
            Value::Bool(_) | Value::Null => Value::Null,
        };
    }
    body.remove("NextShardIterator");
}

fn part(body: &mut Map<String, Value>) {
    body.remove("NextShardIterator");
    body.remove("NextToken");
    body.remove("LastEvaluatedStreamArn");
    for value in body.values_mut() {
        match value {
            Value::Array(list) => list.truncate(list.len() / 2),
            Value::Object(description) => part_of_description(description),
            Value::String(text) => text.truncate(text.len() / 2),
            Value::Number(_) | Value::Bool(_) | Value::Null => {}
        }
    }
}

fn part_of_description(description: &mut Map<String, Value>) {
    match description.get_mut("Shards") {
        Some(Value::Array(shards)) => {
            shards.truncate(shards.len() / 2);
            description.remove("LastEvaluatedShardId");
        }
        Some(_) | None => drop(description.remove("StreamCreationTimestamp")),
    }
}
