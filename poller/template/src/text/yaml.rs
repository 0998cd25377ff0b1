//! YAML (and JSON, which YAML contains) to a tree.
//!
//! In: the text. Out: the tree, or the first place where it is no YAML. What is YAML, AWS's own tools decide, which read
//! YAML 1.1 as PyYAML does: the test `against_pyyaml` holds this reader against it. Work and memory are bounded, whatever
//! the text: aliases are copies, and copies have a price.
//!
//! ```text
//! characters ──► scanner: scalars, quoted, properties ──► events ──► Builder ──► tree
//!                tokens                                 collections
//! ```

#[cfg(test)]
mod against_pyyaml;
mod characters;
mod collections;
mod events;
mod properties;
mod quoted;
mod scalars;
mod scanner;
#[cfg(test)]
mod tests;
mod token;

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::json;
use super::node::{Node, Scalar, Style, Value};
use super::source::{Source, Span};
use super::yaml_mapping::{Key, OpenMapping};
use super::yaml_scalar::{YAML_TAG_PREFIX, plain_value, scalar, short_tag, tagged};
use characters::Language;
use events::{Event, EventKind, Events, Properties};
use std::collections::HashMap;
use token::SyntaxError;

/// Maps and lists inside each other: more is no template, and the evaluation of one recurses.
const DEPTH_MAX: usize = 64;

/// What the tree may weigh: its text in bytes and [`NODE_WEIGHT`] for each node, aliases copied out.
const WEIGHT_MAX: usize = 64 * 1024 * 1024;

/// What a node costs beside its text.
const NODE_WEIGHT: usize = 64;

/// The key that takes over the keys of other maps (YAML 1.1), unless it is in quotes.
const MERGE_KEY: &str = "<<";

/// The section whose keys are looked up by values.
const MAPPINGS: &str = "Mappings";

/// The tree of a template; `None` if it is none, which is reported.
pub(crate) fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    match tree(source.text(), diagnostics) {
        Ok(Some(root)) => Some(root),
        Ok(None) => {
            let help = "a template has at least a section `Resources`";
            diagnostics.push(Diagnostic::error(Code::Syntax, "the template is empty").help(help));
            None
        }
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            None
        }
    }
}

/// The tree of a text, unless there is nothing in it.
fn tree(text: &str, diagnostics: &mut Diagnostics) -> Result<Option<Node>, Stop> {
    let language = Language::of(text);
    if let Some(comment) = json::comment(text).filter(|_| language == Language::Yaml) {
        let span = Span { start: comment.start, end: comment.end };
        return Err(Box::new(
            Diagnostic::error(Code::Syntax, "JSON has no comments")
                .at(span, "a comment")
                .help("remove it, or write the template in YAML, where `# …` is a comment"),
        ));
    }
    if let Some((start, character)) = characters::first_forbidden(text).filter(|_| language == Language::Yaml)
    {
        let span = Span { start, end: start + character.len_utf8() };
        let what = format!("the character U+{:04X} is not allowed", u32::from(character));
        return Err(no_yaml(SyntaxError::new(what, span)));
    }
    let mut builder = Builder::new(diagnostics);
    let mut events = Events::new(text, language);
    while let Some(event) = events.next().map_err(no_yaml)? {
        builder.take(event)?;
    }
    Ok(builder.root)
}

type Stop = Box<Diagnostic>;

fn no_yaml(error: SyntaxError) -> Stop {
    let message = "the template is neither YAML nor JSON";
    let diagnostic = Diagnostic::error(Code::Syntax, message).at(error.span, error.what);
    Box::new(match error.inside {
        Some((what, begun)) => diagnostic.related(begun, what),
        None => diagnostic,
    })
}

/// Puts events together to nodes, with its own stack instead of recursion.
struct Builder<'d> {
    diagnostics: &'d mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<String, Anchored>,
    weight: usize,
    root: Option<Node>,
}

struct Anchored {
    node: Node,
    weight: usize,
}

/// A list or map whose end has not come yet.
struct Open {
    content: Content,
    properties: Properties,
    span: Span,
    weight_before: usize,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

impl<'d> Builder<'d> {
    fn new(diagnostics: &'d mut Diagnostics) -> Self {
        Self { diagnostics, open: Vec::new(), anchors: HashMap::new(), weight: 0, root: None }
    }

    fn take(&mut self, event: Event) -> Result<(), Stop> {
        let span = event.span;
        match event.kind {
            EventKind::Scalar(properties, content) => {
                self.add_weight(content.text.len(), span)?;
                let weight = NODE_WEIGHT + content.text.len();
                let node = scalar(content.text, content.is_plain, properties.tag.as_deref(), span);
                self.finish(node, properties.anchor, weight)
            }
            EventKind::Alias(anchor) => self.alias(&anchor, span),
            EventKind::SequenceStart(properties) => {
                self.begin(Content::Sequence(Vec::new()), properties, span)
            }
            EventKind::MappingStart(properties) => {
                self.begin(Content::Mapping(OpenMapping::default()), properties, span)
            }
            EventKind::End => self.end(span),
            EventKind::DocumentStart if self.root.is_some() => Err(Box::new(
                Diagnostic::error(Code::Syntax, "the file has more than one document")
                    .at(span, "only one document is allowed")
                    .help("remove this `---` and what follows it"),
            )),
            EventKind::DocumentStart => Ok(()),
        }
    }

    fn is_key_next(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.content);
        matches!(innermost, Some(Content::Mapping(OpenMapping { key: None, .. })))
    }

    /// Whether the keys here are looked up by values: then `True` and `true` are the same one.
    fn resolves_keys(&self) -> bool {
        let section = match self.open.first().map(|open| &open.content) {
            Some(Content::Mapping(OpenMapping { key: Some(section), .. })) => section,
            Some(Content::Mapping(_) | Content::Sequence(_)) | None => return false,
        };
        section.text == MAPPINGS
    }

    fn begin(&mut self, content: Content, properties: Properties, span: Span) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!("maps and lists are nested deeper than {DEPTH_MAX} levels");
            return Err(Box::new(Diagnostic::error(Code::TooLarge, message).at(span, "too deep")));
        }
        if self.is_key_next() {
            return Err(key_is_no_text(span));
        }
        let weight_before = self.weight;
        self.add_weight(0, span)?;
        self.open.push(Open { content, properties, span, weight_before });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Stop> {
        let open = self.open.pop().expect("the events end only what they began");
        let weight = self.weight - open.weight_before;
        let (value, content_end) = match open.content {
            Content::Sequence(items) => {
                let end = items.last().map_or(open.span.end, |item| item.span.end);
                (Value::Sequence(items), end)
            }
            Content::Mapping(mapping) => {
                let end = mapping.end().unwrap_or(open.span.end);
                (Value::Mapping(mapping.into_entries(self.diagnostics)), end)
            }
        };
        // A flow collection ends with a bracket; the end of a block collection is a place further down, without width.
        let end = if span.end > span.start { span.end } else { content_end };
        let node = Node { value, span: Span { start: open.span.start, end } };
        let tag = open.properties.tag.as_deref().and_then(short_tag);
        self.finish(tagged(node, tag), open.properties.anchor, weight)
    }

    fn alias(&mut self, anchor: &str, span: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(anchor) else {
            let is_open = self.open.iter().any(|open| open.properties.anchor.as_deref() == Some(anchor));
            return Err(if is_open {
                let message = "this alias is inside the value that it names";
                Box::new(Diagnostic::error(Code::Cycle, message).at(span, ""))
            } else {
                no_yaml(SyntaxError::new(format!("no anchor `&{anchor}` is defined above"), span))
            });
        };
        let weight = anchored.weight;
        let node = anchored.node.clone();
        self.add_weight(weight, span)?;
        self.finish(node, None, weight)
    }

    /// Puts a complete node where it belongs.
    fn finish(&mut self, node: Node, anchor: Option<String>, weight: usize) -> Result<(), Stop> {
        if let Some(anchor) = anchor {
            self.add_weight(weight, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), weight });
        }
        let resolves_keys = self.resolves_keys();
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping(mapping)) => match mapping.key.take() {
                None => mapping.key = Some(key(node, resolves_keys)?),
                Some(key) => mapping.add(key, node),
            },
        }
        Ok(())
    }

    fn add_weight(&mut self, text: usize, span: Span) -> Result<(), Stop> {
        self.weight += NODE_WEIGHT + text;
        if self.weight <= WEIGHT_MAX {
            return Ok(());
        }
        let message = format!("the template expands to more than {WEIGHT_MAX} bytes");
        Err(Box::new(
            Diagnostic::error(Code::TooLarge, message)
                .at(span, "the limit is exceeded here")
                .help("use fewer aliases (`*name`) of large values"),
        ))
    }
}

/// A key is a name: what is written, also if that is a number.
fn key(node: Node, resolves_keys: bool) -> Result<Key, Stop> {
    let span = node.span;
    match node.value {
        Value::Null => Ok(Key { text: "null".to_owned(), span, is_merge: false }),
        Value::Scalar(Scalar { text, style: Style::Plain }) => {
            let is_merge = text == MERGE_KEY;
            let text = if resolves_keys { plain_value(&text).into_owned() } else { text };
            Ok(Key { text, span, is_merge })
        }
        Value::Scalar(Scalar { text, style: Style::Text }) => Ok(Key { text, span, is_merge: false }),
        Value::Sequence(_) | Value::Mapping(_) => Err(key_is_no_text(span)),
    }
}

fn key_is_no_text(span: Span) -> Stop {
    Box::new(Diagnostic::error(Code::Syntax, "a key must be a string").at(span, "this is not a string"))
}
