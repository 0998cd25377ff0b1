//! Shows problems as rustc does: the line, what is underlined in it, and what to do.
//!
//! In: the problems. Out: text. Never fails, and never lets a control character of the template through.

use super::diagnostics::{Colour, Diagnostic, Diagnostics, Label, Severity};
use super::source::{Source, Span};
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use std::fmt::Write;

pub(super) fn render(diagnostics: &Diagnostics, colour: Colour) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let path = diagnostics.source().path().display().to_string();
    let mut text = String::new();
    for diagnostic in diagnostics.iter() {
        let group = group_of(diagnostic, diagnostics.source(), &path);
        text.push_str(&renderer.render(&[group]));
        text.push_str("\n\n");
    }
    write_totals(&mut text, diagnostics, &path);
    text
}

fn group_of<'a>(diagnostic: &'a Diagnostic, source: &'a Source, path: &'a str) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.to_string());
    let mut group = Group::with_title(title);
    group = match &diagnostic.label {
        Some(label) => group.element(snippet(label, &diagnostic.related, source, path)),
        None => group.element(Origin::path(path)),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    group
}

/// Only the lines from the first to the last label: a renderer that is given the whole template walks through all of
/// it for each problem.
fn snippet<'a>(
    label: &'a Label,
    related: &'a [Label],
    source: &'a Source,
    path: &'a str,
) -> Snippet<'a, Annotation<'a>> {
    let labels = || std::iter::once(label).chain(related);
    let spans: Vec<Span> = labels().map(|label| source.first_line(label.span)).collect();
    let first = spans.iter().map(|span| span.start).min().unwrap_or(0);
    let last = spans.iter().map(|span| span.end).max().unwrap_or(0);
    let text = source.text();
    let begin = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);

    let annotations = labels().zip(&spans).enumerate().map(|(index, (label, span))| {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(span.start - begin..span.end - begin);
        if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
    });
    Snippet::source(&text[begin..end])
        .line_start(source.position(begin).line)
        .path(path)
        .annotations(annotations)
}

fn write_totals(text: &mut String, diagnostics: &Diagnostics, path: &str) {
    let count = |severity| diagnostics.iter().filter(|item| item.severity == severity).count();
    let parts: Vec<String> = [(count(Severity::Error), "error"), (count(Severity::Warning), "warning")]
        .into_iter()
        .filter(|&(count, _)| count > 0)
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    let mut line = format!("{path}: {}", parts.join(", "));
    if diagnostics.left_out() > 0 {
        line.push_str(&format!(", and {} more that are not shown", diagnostics.left_out()));
    }
    writeln!(text, "{line}").expect("writing into a String cannot fail");
}
