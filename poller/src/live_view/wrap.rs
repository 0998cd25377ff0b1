//! Text in lines of a width, without anything that could move a terminal's cursor.
//!
//! In: text of others. Out: lines. Never drops a character.

/// The text in lines of at most `columns` characters, each after `indent` spaces. Words longer than a line are broken. Control
/// characters become their escapes, such as `\u{1b}`.
pub(crate) fn wrap(text: &str, columns: usize, indent: usize) -> Vec<String> {
    let width = columns.saturating_sub(indent).max(1);
    let margin = " ".repeat(indent);
    text.lines()
        .flat_map(|line| lines_of(&readable(line), width))
        .map(|line| margin.clone() + &line)
        .collect()
}

/// The text with escapes for control characters.
fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => readable.push_str("    "),
            control if control.is_control() => readable.extend(control.escape_default()),
            other => readable.push(other),
        }
    }
    readable
}

/// One line, broken behind spaces where it has some.
fn lines_of(text: &str, width: usize) -> Vec<String> {
    let mut rest: Vec<char> = text.trim_end().chars().collect();
    let mut lines = Vec::new();
    while rest.len() > width {
        let space = rest[..=width].iter().rposition(|character| *character == ' ');
        let end =
            space.filter(|space| !rest[..*space].iter().all(|character| *character == ' ')).unwrap_or(width);
        let behind = rest.split_off(end);
        lines.push(rest.iter().collect());
        let spaces = behind.iter().take_while(|character| **character == ' ').count();
        rest = behind[spaces..].to_vec();
    }
    lines.push(rest.iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, indent: usize, expected: &[&str]) {
        assert_eq!(wrap(text, columns, indent), expected);
    }

    #[test]
    fn lines_break_behind_words_and_long_words_in_the_middle() {
        check("the order has no amount", 10, 0, &["the order", "has no", "amount"]);
        check("abcdefghij", 6, 2, &["  abcd", "  efgh", "  ij"]);
        check("ab abcdefgh", 4, 0, &["ab", "abcd", "efgh"]);
        check("   indented far too much", 8, 0, &["   inden", "ted far", "too much"]);
    }

    #[test]
    fn lines_of_the_text_stay_lines() {
        check("a\n\nb\r\n", 10, 1, &[" a", " ", " b"]);
        check("", 10, 0, &[]);
    }

    #[test]
    fn control_characters_are_shown_as_escapes() {
        check("\x1b[2Jred\tdone\u{9b}", 80, 0, &["\\u{1b}[2Jred    done\\u{9b}"]);
    }
}
