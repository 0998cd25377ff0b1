//! `parameter_overrides` in every form that SAM reads.
//!
//! In: a text, a list of texts, or a table. Out: names and values, in their order.

use super::SamConfigError;
use std::path::Path;
use toml::Value;

const KEY: &str = "ParameterKey=";
const VALUE: &str = ",ParameterValue=";

/// What is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum OverridesError {
    /// Neither a text, nor a list, nor a table.
    WrongType,
    /// A part that names no parameter.
    Part(String),
}

impl OverridesError {
    pub(super) fn in_file(self, file: &Path, key: String) -> SamConfigError {
        let file = file.to_owned();
        match self {
            Self::WrongType => {
                let allowed = "a text, a list of texts, or a table of names and values";
                SamConfigError::WrongType { file, key, allowed }
            }
            Self::Part(part) => SamConfigError::Override { file, key, part },
        }
    }
}

/// Names and values.
pub(super) fn read(value: &Value) -> Result<Vec<(String, String)>, OverridesError> {
    match value {
        Value::String(text) => words(text).into_iter().map(pair).collect(),
        Value::Array(items) => {
            let mut pairs = Vec::new();
            for item in items {
                match (read(item), item) {
                    (Ok(mut several), _) => pairs.append(&mut several),
                    // One pair, with spaces in its value that nobody quoted.
                    (Err(OverridesError::Part(_)), Value::String(text)) => pairs.push(pair(text.clone())?),
                    (Err(error), _) => return Err(error),
                }
            }
            Ok(pairs)
        }
        Value::Table(table) => table.iter().map(|(name, value)| Ok((name.clone(), plain(value)?))).collect(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            Err(OverridesError::WrongType)
        }
    }
}

/// A value of a table; a list has commas between its items.
fn plain(value: &Value) -> Result<String, OverridesError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(items) => Ok(items.iter().map(plain).collect::<Result<Vec<_>, _>>()?.join(",")),
        Value::Table(_) => Err(OverridesError::WrongType),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => Ok(value.to_string()),
    }
}

/// `K=V`, or `ParameterKey=K,ParameterValue=V`.
fn pair(word: String) -> Result<(String, String), OverridesError> {
    let long = word.strip_prefix(KEY).and_then(|rest| rest.split_once(VALUE));
    match long.or_else(|| word.split_once('=')) {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        Some(_) | None => Err(OverridesError::Part(word)),
    }
}

/// The words of a text as a shell takes it apart: spaces part them, unless they are quoted or behind a backslash.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                let next = characters.next().unwrap_or('\\');
                let is_escape = matches!(next, ' ' | '"' | '\'' | '\\');
                let word = word.get_or_insert_default();
                if !is_escape {
                    word.push('\\');
                }
                word.push(next);
            }
            _ if quote == Some(character) => quote = None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            _ if character.is_whitespace() && quote.is_none() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(toml: &str, expected: &[(&str, &str)]) {
        let table: toml::Table = format!("v = {toml}").parse().unwrap();
        let pairs = read(&table["v"]).unwrap();
        let pairs: Vec<(&str, &str)> =
            pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, expected, "{toml}");
    }

    #[test]
    fn a_text_has_pairs_with_spaces_between_them() {
        check(r#""""#, &[]);
        check(r#""A=1 B=two""#, &[("A", "1"), ("B", "two")]);
        check(r#""A=\"one two\" B=\"\" C=a=b""#, &[("A", "one two"), ("B", ""), ("C", "a=b")]);
        check(r#""\"A=one two\"""#, &[("A", "one two")]);
        check(
            r#"'A="say \"hi\"" B=one\ two C=\d+'"#,
            &[("A", "say \"hi\""), ("B", "one two"), ("C", r"\d+")],
        );
        check(r#""A='one two'\nB=3""#, &[("A", "one two"), ("B", "3")]);
        check(r#""A=1,2,3""#, &[("A", "1,2,3")]);
    }

    #[test]
    fn the_long_form_of_cloudformation_is_read() {
        check(
            r#""ParameterKey=A,ParameterValue=1 ParameterKey=B,ParameterValue=\"x y\"""#,
            &[("A", "1"), ("B", "x y")],
        );
        check(r#""ParameterKey=A,ParameterValue=a,b=c""#, &[("A", "a,b=c")]);
    }

    #[test]
    fn a_list_and_a_table_are_read() {
        check(r#"["A=1", "B=x y=z"]"#, &[("A", "1"), ("B", "x"), ("y", "z")]);
        check(r#"["A=one two", "B=3"]"#, &[("A", "one two"), ("B", "3")]);
        check(
            r#"{A = "x y", B = 2, C = true, D = ["a", "b"]}"#,
            &[("A", "x y"), ("B", "2"), ("C", "true"), ("D", "a,b")],
        );
    }

    #[test]
    fn what_names_no_parameter_is_refused() {
        let part = |text: &str| read(&Value::String(text.to_owned())).unwrap_err();
        assert_eq!(part("A=1 B"), OverridesError::Part("B".to_owned()));
        assert_eq!(part("=1"), OverridesError::Part("=1".to_owned()));
        assert_eq!(read(&Value::Integer(1)).unwrap_err(), OverridesError::WrongType);
    }
}
