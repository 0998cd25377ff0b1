//! The lines in which a problem is shown, short enough to be shown.
//!
//! In: the template's text, and places in it. Out: a text with the same line breaks and shorter lines, and the same
//! places in it. A template may be one line of a megabyte, and a renderer walks through all that it is given, for each
//! problem anew.

use super::source::{Source, Span};
use std::ops::Range;

/// Longer lines are cut.
const LINE_BYTES_MAX: usize = 500;

/// What is kept before and behind the start of a place in a line that is cut: more than a terminal shows.
const CONTEXT_BYTES: usize = 200;

/// Stands for what is missing between two places of a line.
const GAP: &str = " … ";

/// Lines further away than this from every place are emptied: none of them is shown.
const NEAR_LINES: usize = 3;

/// A part of the template, cut.
pub(crate) struct Excerpt {
    pub(crate) text: String,
    /// The number of its first line in the template.
    pub(crate) line: usize,
    /// The places, in the order in which they were given.
    pub(crate) places: Vec<Range<usize>>,
}

/// A stretch of the template, and where it stands in the excerpt.
struct Kept {
    stretch: Range<usize>,
    at: usize,
}

impl Excerpt {
    /// The lines from the first to the last of these places, each of which lies within one line.
    pub(crate) fn of(source: &Source, places: &[Span]) -> Self {
        let text = source.text();
        let first = places.iter().map(|place| place.start).min().unwrap_or(0);
        let last = places.iter().map(|place| place.end).max().unwrap_or(0);
        let begin = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);

        let lines = lines(text, begin..end);
        let line_of = |place: &Span| lines.partition_point(|line| line.end < place.start);
        let shown: Vec<usize> = places.iter().map(line_of).collect();
        let mut result = String::new();
        let mut kept = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                result.push('\n');
            }
            if !shown.iter().any(|shown| shown.abs_diff(index) <= NEAR_LINES) {
                continue;
            }
            let shown = line.start..line.start + text[line.clone()].trim_end_matches('\r').len();
            for (count, stretch) in stretches(text, &shown, places).into_iter().enumerate() {
                if count > 0 {
                    result.push_str(GAP);
                }
                kept.push(Kept { stretch: stretch.clone(), at: result.len() });
                result.push_str(&text[stretch]);
            }
        }
        let places = places.iter().map(|place| moved(place, &kept)).collect();
        Self { text: result, line: source.position(begin).line, places }
    }

    /// The column of the first place in the excerpt, in characters, from 1.
    pub(crate) fn column(&self) -> usize {
        let start = self.places.first().map_or(0, |place| place.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        self.text[line_start..start].chars().count() + 1
    }
}

/// The lines of a part of the text, without their line breaks.
fn lines(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let mut start = part.start;
    let mut lines = Vec::new();
    for line in text[part].split('\n') {
        lines.push(start..start + line.len());
        start += line.len() + 1;
    }
    lines
}

/// What is kept of a line: all of it, or what is around the places in it, in order.
fn stretches(text: &str, line: &Range<usize>, places: &[Span]) -> Vec<Range<usize>> {
    if line.len() <= LINE_BYTES_MAX {
        return vec![line.clone()];
    }
    let around = |place: usize| {
        let start = text.floor_char_boundary(place.saturating_sub(CONTEXT_BYTES)).max(line.start);
        start..text.ceil_char_boundary(place + CONTEXT_BYTES).min(line.end)
    };
    let mut starts: Vec<usize> = places.iter().map(|place| place.start).collect();
    starts.retain(|start| (line.start..=line.end).contains(start));
    starts.sort_unstable();
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for stretch in starts.into_iter().map(around) {
        match stretches.last_mut() {
            Some(last) if stretch.start <= last.end => last.end = stretch.end,
            Some(_) | None => stretches.push(stretch),
        }
    }
    if stretches.is_empty() { vec![around(line.start)] } else { stretches }
}

/// Where a place of the template is in the excerpt. What of it is cut off is not underlined.
fn moved(place: &Span, kept: &[Kept]) -> Range<usize> {
    let is_before = |kept: &&Kept| kept.stretch.start <= place.start;
    let Some(Kept { stretch, at }) = kept.iter().rev().find(is_before) else { return 0..0 };
    let inside = |byte: usize| at + byte.min(stretch.end) - stretch.start;
    inside(place.start)..inside(place.end.max(place.start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The excerpt of a text around the words that are given, and where they are in it.
    fn excerpt(text: &str, words: &[&str]) -> Excerpt {
        let place = |word: &&str| {
            let start = text.find(*word).expect("the word is there");
            Span { start, end: start + word.len() }
        };
        let places: Vec<Span> = words.iter().map(place).collect();
        let excerpt = Excerpt::of(&Source::new(Path::new("t.yaml"), text.to_owned()), &places);
        for (place, word) in excerpt.places.iter().zip(words) {
            assert_eq!(&excerpt.text[place.clone()], *word);
        }
        excerpt
    }

    #[test]
    fn short_lines_stay_as_they_are() {
        let excerpt = excerpt("a: 1\nb: two\nc: three\nd: 4\n", &["three", "two"]);
        assert_eq!((excerpt.text.as_str(), excerpt.line, excerpt.column()), ("b: two\nc: three", 2, 4));
    }

    #[test]
    fn line_ends_of_windows_are_not_shown() {
        let text = "a: 1\r\nb: 2\r\nc: 3\r\n";
        let excerpt = excerpt(text, &["b: 2", "1"]);
        assert_eq!(excerpt.text, "a: 1\nb: 2");
        let source = Source::new(Path::new("t.yaml"), text.to_owned());
        assert_eq!(Excerpt::of(&source, &[Span { start: 4, end: 5 }]).places, vec![4..4]);
    }

    #[test]
    fn a_long_line_is_cut_around_its_places() {
        let filler = "é".repeat(10_000);
        let one = excerpt(&format!("{filler}HERE{filler}"), &["HERE"]);
        assert_eq!(one.text.chars().count(), 202);
        assert_eq!(one.column(), 101);
        let two = excerpt(&format!("{filler}HERE{filler}THERE{filler}"), &["THERE", "HERE"]);
        assert_eq!(two.text.matches(GAP).count(), 1);
        assert!(two.text.len() < 5 * CONTEXT_BYTES);
        let near = excerpt(&format!("{filler}HERE{}THERE{filler}", "x".repeat(50)), &["THERE", "HERE"]);
        assert_eq!(near.text.matches(GAP).count(), 0);
    }

    #[test]
    fn lines_that_are_not_shown_are_emptied_and_counted() {
        let text = format!("HERE\n{}THERE\n", "filler\n".repeat(1000));
        let excerpt = excerpt(&text, &["THERE", "HERE"]);
        assert_eq!(excerpt.text.lines().count(), 1002);
        assert!(excerpt.text.len() < 1100);
    }

    #[test]
    fn a_place_at_the_end_or_longer_than_what_is_kept_is_shown_as_far_as_it_goes() {
        let text = "x".repeat(3000);
        let source = Source::new(Path::new("t.yaml"), text.clone());
        let excerpt = Excerpt::of(&source, &[Span { start: 3000, end: 3000 }, Span { start: 0, end: 3000 }]);
        assert_eq!(excerpt.places[1], 0..CONTEXT_BYTES);
        assert_eq!(excerpt.places[0].start, excerpt.text.len());
    }
}
