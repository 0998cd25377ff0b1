//! Patterns: leaves at names that the event has, or has not, with `$or`s and repeated names.

use super::event::{self, Json};
use super::operators;
use super::pools::{self, Names};
use super::{any, once_in};
use fastrand::Rng;

enum Node {
    Object(Vec<(String, Node)>),
    Array(String),
    Or(Vec<Node>),
    /// What no pattern may hold.
    Wrong(&'static str),
}

pub(crate) fn make(random: &mut Rng, names: &Names, event: &Json) -> String {
    let leaves = event::leaves(event);
    let mut root = Vec::new();
    let len = if once_in(random, 30) { random.usize(..8) } else { random.usize(1..4) };
    fields(random, names, &leaves, len, &mut root, 0);
    let mut text = String::new();
    write(random, &Node::Object(root), &mut text);
    text
}

type Leaves<'a> = [(Vec<String>, &'a Json)];

fn fields(
    random: &mut Rng,
    names: &Names,
    leaves: &Leaves<'_>,
    len: usize,
    into: &mut Vec<(String, Node)>,
    or_depth: u32,
) {
    for _ in 0..len {
        if or_depth < 2 && once_in(random, 8) {
            let alternatives = (0..random.usize(1..4)).map(|_| {
                let mut object = Vec::new();
                let least = usize::from(!once_in(random, 20));
                let len = random.usize(least..3);
                fields(random, names, leaves, len, &mut object, or_depth + 1);
                Node::Object(object)
            });
            let alternatives = alternatives.collect();
            into.push(("$or".to_owned(), Node::Or(alternatives)));
            continue;
        }
        let (path, near) = place(random, names, leaves);
        let leaf = if once_in(random, 100) {
            Node::Wrong(any(random, &["\"x\"", "1", "null", "{}", "[]", "true"]))
        } else {
            Node::Array(operators::array(random, near))
        };
        insert(random, into, &path, leaf);
    }
}

/// Where a leaf of the event is, most often.
fn place<'a>(random: &mut Rng, names: &Names, leaves: &Leaves<'a>) -> (Vec<String>, Option<&'a Json>) {
    if leaves.is_empty() || once_in(random, 8) {
        return ((0..random.usize(1..4)).map(|_| names.any(random)).collect(), None);
    }
    let (path, near) = &leaves[random.usize(..leaves.len())];
    let mut path = path.clone();
    match random.u32(..20) {
        0 if path.len() > 1 => drop(path.pop()),
        1 => path.push(names.any(random)),
        // Two names joined are one to event-ruler.
        2 if path.len() > 1 => path = vec![path.join(".")],
        _ => {}
    }
    (path, Some(near))
}

fn insert(random: &mut Rng, into: &mut Vec<(String, Node)>, path: &[String], leaf: Node) {
    let [name, rest @ ..] = path else { return };
    if rest.is_empty() {
        into.push((name.clone(), leaf));
        return;
    }
    if !once_in(random, 3)
        && let Some((_, Node::Object(members))) =
            into.iter_mut().find(|(known, node)| known == name && matches!(node, Node::Object(_)))
    {
        return insert(random, members, rest, leaf);
    }
    let mut members = Vec::new();
    insert(random, &mut members, rest, leaf);
    into.push((name.clone(), Node::Object(members)));
}

fn write(random: &mut Rng, node: &Node, into: &mut String) {
    pools::space(random, into);
    match node {
        Node::Object(members) => {
            into.push('{');
            for (index, (name, node)) in members.iter().enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                pools::write_string(random, name, into);
                into.push(':');
                write(random, node, into);
            }
            into.push('}');
        }
        Node::Or(alternatives) => {
            into.push('[');
            for (index, node) in alternatives.iter().enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                write(random, node, into);
            }
            into.push(']');
        }
        Node::Array(text) => into.push_str(text),
        Node::Wrong(text) => into.push_str(text),
    }
    pools::space(random, into);
}
