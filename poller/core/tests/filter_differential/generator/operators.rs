//! What stands in the array at a leaf of a pattern: every operator, often one that has to do with a value of the event.

use super::event::Json;
use super::pools::{self, ADDRESSES, RANGES};
use super::{any, numbers, once_in};
use fastrand::Rng;

/// An array of a few operators. Some are none.
pub(crate) fn array(random: &mut Rng, near: Option<&Json>) -> String {
    let len = match random.u32(..100) {
        0..70 => 1,
        70..85 => 2,
        85..99 => 3,
        _ => random.usize(..6),
    };
    let values: Vec<String> = (0..len).map(|_| value(random, near)).collect();
    format!("[{}]", values.join(","))
}

fn value(random: &mut Rng, near: Option<&Json>) -> String {
    let near = if once_in(random, 5) { None } else { near };
    let text = match near {
        Some(Json::String(text)) => text.clone(),
        _ => pools::string(random),
    };
    let number = match near {
        Some(Json::Other(text)) if text.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            numbers::like(random, text)
        }
        _ => pools::number(random),
    };
    match random.u32(..32) {
        0..4 => literal(random, near, &text, &number),
        4 | 5 => one_part(random, "prefix", &text, Part::Start),
        6 | 7 => one_part(random, "suffix", &text, Part::End),
        8 | 9 => wildcard(random, &text),
        10 => nested_part(random, "prefix", &text, Part::Start),
        11 => nested_part(random, "suffix", &text, Part::End),
        12 | 13 => {
            let text = other_case(random, &text);
            one(random, "equals-ignore-case", &text)
        }
        14..18 => numeric(random, &number),
        18 | 19 => r#"{"exists":true}"#.to_owned(),
        20..23 => r#"{"exists":false}"#.to_owned(),
        23 => {
            let range = any(random, &RANGES);
            one(random, "cidr", range)
        }
        24 => {
            let address = any(random, &ADDRESSES);
            quoted(random, address)
        }
        25..31 => anything_but(random, &text, &number),
        _ => odd(random, &text),
    }
}

fn literal(random: &mut Rng, near: Option<&Json>, text: &str, number: &str) -> String {
    match (near, random.u32(..6)) {
        (Some(Json::Other(other)), 0..2) => other.clone(),
        (Some(Json::Other(other)), 2..4) if !other.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            number.to_owned()
        }
        (Some(Json::String(text)), 0..4) => quoted(random, text),
        (_, 4) => any(random, &["null", "true", "false"]).to_owned(),
        (_, 3 | 5) => number.to_owned(),
        (_, _) => quoted(random, text),
    }
}

fn quoted(random: &mut Rng, text: &str) -> String {
    let mut written = String::new();
    pools::write_string(random, text, &mut written);
    written
}

fn one(random: &mut Rng, operator: &str, text: &str) -> String {
    format!("{{\"{operator}\":{}}}", quoted(random, text))
}

fn nested(random: &mut Rng, operator: &str, text: &str) -> String {
    let text = other_case(random, text);
    format!("{{\"{operator}\":{}}}", one(random, "equals-ignore-case", &text))
}

fn one_part(random: &mut Rng, operator: &str, text: &str, kept: Part) -> String {
    let text = part(random, text, kept);
    one(random, operator, &text)
}

fn nested_part(random: &mut Rng, operator: &str, text: &str, kept: Part) -> String {
    let text = part(random, text, kept);
    nested(random, operator, &text)
}

enum Part {
    Start,
    End,
}

fn part(random: &mut Rng, text: &str, part: Part) -> String {
    let len = text.chars().count();
    let kept = random.usize(..=len);
    match part {
        Part::Start => text.chars().take(kept).collect(),
        Part::End => text.chars().skip(len - kept).collect(),
    }
}

fn other_case(random: &mut Rng, text: &str) -> String {
    let mut changed = String::new();
    for character in text.chars() {
        match random.u32(..3) {
            0 => changed.extend(character.to_lowercase()),
            1 => changed.extend(character.to_uppercase()),
            _ => changed.push(character),
        }
    }
    changed
}

fn wildcard_text(random: &mut Rng, text: &str) -> String {
    let mut pattern = String::new();
    for character in text.chars() {
        match (character, random.u32(..5)) {
            (_, 0) if !pattern.ends_with('*') => pattern.push('*'),
            ('*' | '\\', 1..) => pattern.extend(['\\', character]),
            _ => pattern.push(character),
        }
    }
    if once_in(random, 2) && !pattern.ends_with('*') {
        pattern.push('*');
    }
    pattern
}

fn wildcard(random: &mut Rng, text: &str) -> String {
    let text = wildcard_text(random, text);
    one(random, "wildcard", &text)
}

fn numeric(random: &mut Rng, near: &str) -> String {
    let other = pools::number(random);
    let (first, second) = if once_in(random, 2) { (near, other.as_str()) } else { (other.as_str(), near) };
    let bottom = any(random, &[">", ">="]);
    let top = any(random, &["<", "<="]);
    match random.u32(..8) {
        0 | 1 => format!(r#"{{"numeric":["=",{near}]}}"#),
        2 => format!(r#"{{"numeric":["{bottom}",{first}]}}"#),
        3 => format!(r#"{{"numeric":["{top}",{first}]}}"#),
        4 => format!(r#"{{"numeric":["{bottom}",-5,"{top}",{first}]}}"#),
        5 => format!(r#"{{"numeric":["{bottom}",{first},"{top}",1000]}}"#),
        6 => format!(r#"{{"numeric":["{bottom}",{first},"{top}",{second}]}}"#),
        _ => format!(r#"{{"numeric":["{bottom}",-1e300,"{top}",1e300]}}"#),
    }
}

fn anything_but(random: &mut Rng, text: &str, number: &str) -> String {
    let other = pools::string(random);
    let inner = match random.u32(..12) {
        0 => quoted(random, text),
        1 => number.to_owned(),
        2 => format!("[{},{}]", quoted(random, text), quoted(random, &other)),
        3 => format!("[{number},{}]", pools::number(random)),
        4 => format!("[{}]", quoted(random, &other)),
        5 if once_in(random, 8) => format!("[{},{number}]", quoted(random, text)),
        6 => one_part(random, "prefix", text, Part::Start),
        7 => one_part(random, "suffix", text, Part::End),
        8 => {
            let text = other_case(random, text);
            one(random, "equals-ignore-case", &text)
        }
        9 => wildcard(random, text),
        10 => {
            let operator = any(random, &["prefix", "suffix", "equals-ignore-case"]);
            format!("{{\"{operator}\":[{},{}]}}", quoted(random, &other), quoted(random, text))
        }
        _ => {
            let (one, two) = (wildcard_text(random, text), wildcard_text(random, &other));
            format!("{{\"wildcard\":[{},{}]}}", quoted(random, &one), quoted(random, &two))
        }
    };
    format!("{{\"anything-but\":{inner}}}")
}

/// Seldom used, or not allowed.
fn odd(random: &mut Rng, text: &str) -> String {
    match random.u32(..12) {
        0..4 => one(random, "exactly", text),
        4 => r#"{"exists":"true"}"#.to_owned(),
        5 => "[1]".to_owned(),
        6 => r#"{"prefix":"a","suffix":"b"}"#.to_owned(),
        7 => "{}".to_owned(),
        8 => one(random, "regex", text),
        9 => r#"{"numeric":["<",1,">",0]}"#.to_owned(),
        10 => r#"{"anything-but":[]}"#.to_owned(),
        _ => r#"{"anything-but":null}"#.to_owned(),
    }
}
