//! Text of others, for a terminal: it may be coloured, and may do nothing else to the terminal.
//!
//! In: a line that a handler wrote. Out: the line without what moves the cursor, clears the screen or rings the bell:
//! a carriage return would write over the name of the function, an escape sequence over everything.

use super::terminal::Palette;
use std::borrow::Cow;
use std::fmt::Write as _;

/// What begins an escape sequence with parameters.
const SEQUENCE: &str = "\x1b[";

/// Ends all colours.
const RESET: &str = "\x1b[0m";

/// The line, with every character but the tab that a terminal would act on as its escape, such as `\r`. Colours stay where the palette has
/// colours, and end with the line; otherwise they are left out.
pub(super) fn tame(line: &str, palette: Palette) -> Cow<'_, str> {
    if !line.contains(is_escaped) {
        return line.into();
    }
    let mut tamed = String::with_capacity(line.len());
    let mut is_coloured = false;
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if let Some(len) = colour_len(rest) {
            let (colour, behind) = rest.split_at(len);
            if palette == Palette::Colour {
                tamed.push_str(colour);
                is_coloured = true;
            }
            rest = behind;
            continue;
        }
        if is_escaped(first) {
            write!(tamed, "{}", escape(first)).expect("writing to a string does not fail");
        } else {
            tamed.push(first);
        }
        rest = &rest[first.len_utf8()..];
    }
    if is_coloured {
        tamed.push_str(RESET);
    }
    tamed.into()
}

/// Whether a terminal would do something with this character instead of showing it: a control character, or one that
/// changes the direction or the order of what is beside it.
pub(super) fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'                   // Arabic letter mark
            | '\u{200b}' | '\u{200e}' | '\u{200f}' // zero width space, marks; not the joiners, which letters and emoji need
            | '\u{2028}'..='\u{202e}'   // line and paragraph separator, embeddings and overrides
            | '\u{2060}'..='\u{206f}'   // invisible operators, isolates
            | '\u{feff}'                 // byte order mark
            | '\u{fff9}'..='\u{fffb}'   // interlinear annotation
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

/// Such as `\r`, or `\u{202e}`.
fn escape(c: char) -> String {
    if c.is_control() { c.escape_debug().to_string() } else { c.escape_unicode().to_string() }
}

fn is_escaped(c: char) -> bool {
    is_active(c) && c != '\t'
}

/// The length of the sequence that sets a colour or a weight (`ESC [ 1 ; 31 m`), if the text begins with one.
fn colour_len(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix(SEQUENCE)?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';' && c != ':')?;
    parameters[end..].starts_with('m').then_some(SEQUENCE.len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, plain: &str, coloured: &str) {
        assert_eq!(tame(line, Palette::Plain), plain);
        assert_eq!(tame(line, Palette::Colour), coloured);
    }

    #[test]
    fn what_is_only_text_stays_as_it_is() {
        check("a\tb ß 漢", "a\tb ß 漢", "a\tb ß 漢");
        check("", "", "");
    }

    #[test]
    fn what_moves_the_cursor_is_shown_as_its_escape() {
        check("10%\r20%", r"10%\r20%", r"10%\r20%");
        check("\x1b[2J\x1b[1;1H", r"\u{1b}[2J\u{1b}[1;1H", r"\u{1b}[2J\u{1b}[1;1H");
        check("a\x08\x07\x7f\0", r"a\u{8}\u{7}\u{7f}\0", r"a\u{8}\u{7}\u{7f}\0");
        check("\u{9b}2J\x1b]0;title\x07", r"\u{9b}2J\u{1b}]0;title\u{7}", r"\u{9b}2J\u{1b}]0;title\u{7}");
        check("\x1b[31", r"\u{1b}[31", r"\u{1b}[31");
    }

    #[test]
    fn what_changes_the_order_of_the_line_is_shown_as_its_escape() {
        for c in ('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
            .chain(['\u{200e}', '\u{200f}', '\u{61c}'])
        {
            let escaped = format!(r"paid \u{{{:x}}}001", u32::from(c));
            check(&format!("paid {c}001"), &escaped, &escaped);
        }
        for c in '\u{80}'..='\u{9f}' {
            let escaped = format!(r"a\u{{{:x}}}", u32::from(c));
            check(&format!("a{c}"), &escaped, &escaped);
        }
        check("\u{2028}\u{feff}", r"\u{2028}\u{feff}", r"\u{2028}\u{feff}");
        check(
            "👩\u{200d}🚀 نمی\u{200c}خواهم",
            "👩\u{200d}🚀 نمی\u{200c}خواهم",
            "👩\u{200d}🚀 نمی\u{200c}خواهم",
        );
    }

    #[test]
    fn colours_show_where_there_are_colours_and_end_with_the_line() {
        check("\x1b[1;31mred", "red", "\x1b[1;31mred\x1b[0m");
        check("\x1b[38:5:9mred\x1b[m!", "red!", "\x1b[38:5:9mred\x1b[m!\x1b[0m");
    }
}
