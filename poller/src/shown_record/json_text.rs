//! JSON, laid out for people. Numbers and strings stay as they are written.

/// The document with one member a line. It must be JSON.
pub(super) fn laid_out(json: &str) -> String {
    let mut text = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                text.push('"');
                take_string(&mut characters, &mut text);
            }
            '{' | '[' => {
                text.push(character);
                while characters.peek().is_some_and(char::is_ascii_whitespace) {
                    characters.next();
                }
                let closing = if character == '{' { '}' } else { ']' };
                if characters.next_if_eq(&closing).is_some() {
                    text.push(closing);
                } else {
                    depth += 1;
                    new_line(depth, &mut text);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(depth, &mut text);
                text.push(character);
            }
            ',' => {
                text.push(',');
                new_line(depth, &mut text);
            }
            ':' => text.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => text.push(other),
        }
    }
    text
}

/// The rest of a string, its closing quotation mark included.
fn take_string(characters: &mut impl Iterator<Item = char>, text: &mut String) {
    let mut is_escaped = false;
    for character in characters {
        text.push(character);
        match character {
            '"' if !is_escaped => return,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
}

fn new_line(depth: usize, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(laid_out(json), expected);
    }

    #[test]
    fn each_member_has_a_line_and_nothing_is_written_in_another_way() {
        check(
            r#"{"b" :1.10,"a":[1e300,{ }, [ ]],"a":12345678901234567890123}"#,
            "{\n  \"b\": 1.10,\n  \"a\": [\n    1e300,\n    {},\n    []\n  ],\n  \"a\": 12345678901234567890123\n}",
        );
        check(r#""a, {b}: \" \\""#, r#""a, {b}: \" \\""#);
        check(" null ", "null");
        check("[\n]", "[]");
    }
}
