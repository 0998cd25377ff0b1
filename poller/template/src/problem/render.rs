//! Shows problems as rustc does: the line, what is underlined in it, and what to do.
//!
//! In: the problems. Out: text. Never fails, and never lets a control character of the template through.

use super::diagnostics::{Colour, Diagnostic, Diagnostics, Label, Severity};
use super::excerpt::Excerpt;
use super::source::{Position, Source, Span};
use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet, normalize_untrusted_str,
};
use std::fmt::Write;

pub(crate) fn render(diagnostics: &Diagnostics, colour: Colour) -> String {
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
        text.push_str(&render_one(diagnostic, diagnostics.source(), &path, &renderer));
        text.push_str("\n\n");
    }
    write_totals(&mut text, diagnostics, &path);
    text
}

fn render_one(diagnostic: &Diagnostic, source: &Source, path: &str, renderer: &Renderer) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let message = match &diagnostic.label {
        Some(label) if diagnostic.is_brief => {
            let position = source.position(label.span.start);
            format!("{} ({path}:{}:{})", diagnostic.message, position.line, position.column)
        }
        Some(_) | None => diagnostic.message.clone(),
    };
    let title = level.primary_title(&message).id(diagnostic.code.to_string());
    if diagnostic.is_brief {
        return renderer.render(&[Group::with_title(title)]);
    }
    let mut group = Group::with_title(title);
    let labels: Vec<&Label> = diagnostic.label.iter().chain(&diagnostic.related).collect();
    let spans: Vec<Span> = labels.iter().map(|label| source.first_line(label.span)).collect();
    let excerpt = Excerpt::of(source, &spans);
    group = match &diagnostic.label {
        Some(_) => group.element(snippet(&excerpt, &labels, path)),
        None => group.element(Origin::path(path)),
    };
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(normalize_untrusted_str(help)));
    }
    let text = renderer.render(&[group]);
    match diagnostic.label {
        Some(_) => with_true_column(text, source.position(spans[0].start), &excerpt, path),
        None => text,
    }
}

fn snippet<'a>(excerpt: &'a Excerpt, labels: &[&'a Label], path: &'a str) -> Snippet<'a, Annotation<'a>> {
    let annotations = labels.iter().zip(&excerpt.places).enumerate().map(|(index, (label, place))| {
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let annotation = kind.span(place.clone());
        if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) }
    });
    Snippet::source(excerpt.text.as_str()).line_start(excerpt.line).path(path).annotations(annotations)
}

/// The renderer counts columns in what it is given: of a line that was cut, it does not know the true ones.
fn with_true_column(text: String, position: Position, excerpt: &Excerpt, path: &str) -> String {
    let shown = excerpt.column();
    if shown == position.column {
        return text;
    }
    let place = |column: usize| format!("{path}:{}:{column}", position.line);
    text.replacen(&place(shown), &place(position.column), 1)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::load;

    #[test]
    fn of_a_template_on_one_line_little_is_shown_with_the_true_columns() {
        let filler = "x".repeat(9000);
        let streams: Vec<String> = (0..110)
            .map(|index| {
                let properties = format!(r#"{{"ShardCount":0,"Tags":[{{"Key":"k","Value":"{filler}"}}]}}"#);
                format!(r#""S{index}":{{"Type":"AWS::Kinesis::Stream","Properties":{properties}}}"#)
            })
            .collect();
        let text = format!(r#"{{"Resources":{{{}}}}}"#, streams.join(","));
        let shown = load(&text).diagnostics.render(Colour::Never);
        assert!(shown.len() < 100 * 1000, "{} bytes", shown.len());
        for index in [0, 99] {
            let name = format!(r#""S{index}":"#);
            let stream = text.find(&name).expect("it is there");
            let column = stream + text[stream..].find(r#":0,"#).expect("it is there") + 2;
            assert!(shown.contains(&format!("/app/template.yaml:1:{column}\n")), "{index}");
        }
    }
}
