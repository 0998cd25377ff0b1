//! Strings compared without case, and with wildcards.
//!
//! In: a part of a pattern. Out: whether a value matches it. Both are spelled as event-ruler does, a string between its quotes.

/// A text whose characters match in lower and in upper case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CaselessText {
    /// Of each character, how it is written in lower and in upper case.
    characters: Vec<(String, String)>,
}

impl CaselessText {
    /// Takes the case of each character by itself, as event-ruler does: `ß` matches `SS`, but `SS` does not match `ß`.
    pub(super) fn new(text: &str) -> Self {
        let mut characters = Vec::new();
        for character in text.chars() {
            if character.len_utf16() == 2 {
                // event-ruler takes each half of a surrogate pair by itself, and Java writes half a pair as a question mark.
                characters.extend([("?".to_owned(), "?".to_owned()), ("?".to_owned(), "?".to_owned())]);
            } else {
                characters.push((character.to_lowercase().collect(), character.to_uppercase().collect()));
            }
        }
        Self { characters }
    }

    /// Whether `value` is this text.
    pub(super) fn is(&self, value: &str) -> bool {
        self.after_start(value) == Some("")
    }

    /// Whether `value` begins with this text.
    pub(super) fn starts(&self, value: &str) -> bool {
        self.after_start(value).is_some()
    }

    /// Whether `value` ends with this text.
    pub(super) fn ends(&self, value: &str) -> bool {
        let before_end = self.characters.iter().rev().try_fold(value, |rest, (lower, upper)| {
            rest.strip_suffix(lower.as_str()).or_else(|| rest.strip_suffix(upper.as_str()))
        });
        before_end.is_some()
    }

    fn after_start<'a>(&self, value: &'a str) -> Option<&'a str> {
        self.characters.iter().try_fold(value, |rest, (lower, upper)| {
            rest.strip_prefix(lower.as_str()).or_else(|| rest.strip_prefix(upper.as_str()))
        })
    }
}

/// A text in which `*` stands for any characters, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    first: String,
    /// What stands between two wildcards.
    middle: Vec<String>,
    /// What stands after the last wildcard; `None` without any.
    last: Option<String>,
}

impl Wildcard {
    /// `\*` is an asterisk, `\\` a backslash.
    ///
    /// # Errors
    ///
    /// What is allowed, if `text` is no such text.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = vec![String::new()];
        let mut part = String::new();
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match (character, characters.peek()) {
                ('*', Some('*')) => return Err("wildcard takes no two asterisks in a row"),
                ('*', _) => {
                    push(&mut parts, &mut part);
                    parts.push(String::new());
                }
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    part.push(*escaped);
                    characters.next();
                }
                ('\\', _) => return Err("wildcard takes a backslash only before an asterisk or a backslash"),
                (other, _) => part.push(other),
            }
        }
        push(&mut parts, &mut part);
        let first = parts.remove(0);
        let last = parts.pop();
        Ok(Self { first, middle: parts, last })
    }

    /// Whether `value` matches. Takes time in proportion to its length.
    pub(super) fn is(&self, value: &str) -> bool {
        let Some(mut rest) = value.strip_prefix(self.first.as_str()) else { return false };
        let Some(last) = &self.last else { return rest.is_empty() };
        for part in &self.middle {
            let Some(at) = rest.find(part.as_str()) else { return false };
            rest = &rest[at + part.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

/// Moves what was gathered to the end of the last part.
fn push(parts: &mut [String], gathered: &mut String) {
    if let Some(last) = parts.last_mut() {
        last.push_str(gathered);
    }
    gathered.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_wildcard(pattern: &str, value: &str, expected: bool) {
        assert_eq!(Wildcard::parse(pattern).unwrap().is(value), expected, "{pattern} {value}");
    }

    #[test]
    fn a_wildcard_stands_for_any_characters_or_none() {
        check_wildcard("*", "", true);
        check_wildcard("*", "anything", true);
        check_wildcard("a*", "a", true);
        check_wildcard("a*a", "a", false);
        check_wildcard("a*a", "aa", true);
        check_wildcard("*b*d*", "abcde", true);
        check_wildcard("*d*b*", "abcde", false);
        check_wildcard("abc", "abc", true);
        check_wildcard("abc", "abcd", false);
        check_wildcard("*.png", "a.png", true);
        check_wildcard("*ab", "aab", true);
        check_wildcard("*ab*ab", "xab", false);
    }

    #[test]
    fn an_escaped_asterisk_or_backslash_stands_for_itself() {
        check_wildcard(r"a\*b", "a*b", true);
        check_wildcard(r"a\*b", "axb", false);
        check_wildcard(r"a\\*", r"a\b", true);
        for pattern in ["**", r"\", r"a\b", "a**b"] {
            assert!(Wildcard::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn case_is_taken_character_by_character() {
        for (pattern, value, expected) in [
            ("Alice", "aLICE", true),
            ("Alice", "aLICE ", false),
            ("ß", "SS", true),
            ("SS", "ß", false),
            ("É", "é", true),
            ("É", "e", false),
            ("ǅ", "ǆ", true),
            ("ǅ", "ǅ", false),
            ("😀", "😀", false),
            ("😀", "??", true),
        ] {
            assert_eq!(CaselessText::new(pattern).is(value), expected, "{pattern} {value}");
        }
        assert!(CaselessText::new("US-").starts("us-east-1"));
        assert!(CaselessText::new(".PNG").ends("a.png"));
        assert!(!CaselessText::new(".PNG").ends("a.jpg"));
    }
}
