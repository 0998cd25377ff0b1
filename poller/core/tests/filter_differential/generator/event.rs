//! Events: objects of a few names, nested, with arrays of everything.

use super::pools::{self, Names};
use super::{any, once_in};
use fastrand::Rng;

pub(crate) enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    String(String),
    /// A number, `true`, `false` or `null`, as it is written.
    Other(String),
}

/// An object. Names may repeat.
pub(crate) fn make(random: &mut Rng, names: &Names) -> Json {
    let depth = if once_in(random, 200) { random.usize(20..60) } else { random.usize(1..6) };
    object(random, names, depth)
}

fn object(random: &mut Rng, names: &Names, depth: usize) -> Json {
    // Deep ones are narrow, or they would be large.
    let len_max = if depth > 6 { 2 } else { 5 };
    let len = random.usize(if depth > 6 { 1 } else { 0 }..=len_max);
    Json::Object((0..len).map(|_| (names.any(random), value(random, names, depth))).collect())
}

fn value(random: &mut Rng, names: &Names, depth: usize) -> Json {
    let kinds = if depth == 0 { 10 } else { 22 };
    match random.u32(..kinds) {
        0..5 => Json::String(pools::string(random)),
        5..8 => Json::Other(pools::number(random)),
        8..10 => Json::Other(any(random, &["true", "false", "null"]).to_owned()),
        10..16 => object(random, names, depth - 1),
        _ => {
            let len = random.usize(..if depth > 6 { 2 } else { 4 });
            let kind = random.u32(..3);
            let elements = (0..len).map(|_| match kind {
                0 => object(random, names, depth - 1),
                _ => value(random, names, depth - 1),
            });
            Json::Array(elements.collect())
        }
    }
}

/// All names on the way to each leaf, and the leaf.
pub(crate) fn leaves(json: &Json) -> Vec<(Vec<String>, &Json)> {
    let mut leaves = Vec::new();
    gather(json, &mut Vec::new(), &mut leaves);
    leaves
}

fn gather<'a>(json: &'a Json, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, &'a Json)>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                path.push(name.clone());
                gather(value, path, leaves);
                path.pop();
            }
        }
        Json::Array(elements) => elements.iter().for_each(|element| gather(element, path, leaves)),
        Json::String(_) | Json::Other(_) => leaves.push((path.clone(), json)),
    }
}

/// As text.
pub(crate) fn write(random: &mut Rng, json: &Json) -> String {
    let mut text = String::new();
    append(random, json, &mut text);
    text
}

fn append(random: &mut Rng, json: &Json, into: &mut String) {
    pools::space(random, into);
    match json {
        Json::Object(members) => {
            into.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                pools::write_string(random, name, into);
                pools::space(random, into);
                into.push(':');
                append(random, value, into);
            }
            into.push('}');
        }
        Json::Array(elements) => {
            into.push('[');
            for (index, element) in elements.iter().enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                append(random, element, into);
            }
            into.push(']');
        }
        Json::String(text) => pools::write_string(random, text, into),
        Json::Other(text) => into.push_str(text),
    }
    pools::space(random, into);
}
