//! YAML (and JSON, which YAML contains) to a tree.
//!
//! In: the text. Out: the tree, or the first place where it is no YAML. Keys that stand twice are reported, and the
//! first one counts. Work and memory are bounded, whatever the text: aliases are copies, and copies have a price.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::json;
use super::node::{Entry, Node, Value};
use super::source::{Source, Span};
use super::yaml_mapping::OpenMapping;
use super::yaml_scalar::{scalar, short_tag, tagged};
use saphyr_parser::{Event, Parser, Tag};
use std::collections::HashMap;

/// Maps and lists inside each other: more is no template, and the evaluation of one recurses.
const DEPTH_MAX: usize = 64;

/// What the tree may weigh: its text in bytes and [`NODE_WEIGHT`] for each node, aliases copied out.
const WEIGHT_MAX: usize = 64 * 1024 * 1024;

/// What a node costs beside its text.
const NODE_WEIGHT: usize = 64;

/// The tree of a template; `None` if it is none, which is reported.
pub(super) fn parse(source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    if let Some(comment) = json::comment(source.text()) {
        let span = Span { start: comment.start, end: comment.end };
        diagnostics.push(
            Diagnostic::error(Code::Syntax, "JSON has no comments")
                .at(span, "a comment")
                .help("remove it, or write the template in YAML, where `# …` is a comment"),
        );
        return None;
    }
    let text = json::readable_as_yaml(source.text());
    let mut builder = Builder::new(Offsets::of(source.text()), diagnostics);
    let mut parser = Parser::new_from_str(&text);
    while let Some(event) = parser.next_event() {
        let stop = match event {
            Ok((event, span)) => builder.take(event, span).err(),
            Err(error) => Some(builder.syntax_error(error.marker().index(), error.info())),
        };
        if let Some(diagnostic) = stop {
            diagnostics.push(*diagnostic);
            return None;
        }
    }
    let root = builder.root;
    if root.is_none() {
        let help = "a template has at least a section `Resources`";
        diagnostics.push(Diagnostic::error(Code::Syntax, "the template is empty").help(help));
    }
    root
}

/// From characters, which the parser counts, to bytes.
struct Offsets(Vec<u32>);

impl Offsets {
    fn of(text: &str) -> Self {
        let bytes = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
        Self(bytes.map(|byte| u32::try_from(byte).expect("a template is smaller than 4 GB")).collect())
    }

    fn byte(&self, character: usize) -> usize {
        let last = self.0.len() - 1;
        self.0[character.min(last)] as usize
    }

    fn span(&self, span: saphyr_parser::Span) -> Span {
        Span { start: self.byte(span.start.index()), end: self.byte(span.end.index()) }
    }
}

type Stop = Box<Diagnostic>;

/// Puts events together to nodes, with its own stack instead of recursion.
struct Builder<'d> {
    offsets: Offsets,
    diagnostics: &'d mut Diagnostics,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
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
    tag: Option<String>,
    anchor: usize,
    span: Span,
    weight_before: usize,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping(OpenMapping),
}

impl<'d> Builder<'d> {
    fn new(offsets: Offsets, diagnostics: &'d mut Diagnostics) -> Self {
        Self { offsets, diagnostics, open: Vec::new(), anchors: HashMap::new(), weight: 0, root: None }
    }

    fn take(&mut self, event: Event<'_>, span: saphyr_parser::Span) -> Result<(), Stop> {
        let span = self.offsets.span(span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.add_weight(text.len(), span)?;
                let weight = NODE_WEIGHT + text.len();
                let node = if self.is_key_next() {
                    Node::text(text, span)
                } else {
                    scalar(text.into_owned(), style, tag.as_deref(), span)
                };
                self.finish(node, anchor, weight)
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::SequenceStart(anchor, tag) => {
                self.begin(Content::Sequence(Vec::new()), anchor, tag.as_deref(), span)
            }
            Event::MappingStart(anchor, tag) => {
                self.begin(Content::Mapping(OpenMapping::default()), anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::DocumentStart(_) if self.root.is_some() => Err(Box::new(
                Diagnostic::error(Code::Syntax, "a second document begins")
                    .at(span, "only one document is allowed")
                    .help("remove this `---` and what follows it"),
            )),
            Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::StreamStart
            | Event::StreamEnd
            | Event::Nothing => Ok(()),
        }
    }

    fn is_key_next(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.content);
        matches!(innermost, Some(Content::Mapping(OpenMapping { key: None, .. })))
    }

    fn begin(&mut self, content: Content, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), Stop> {
        if self.open.len() >= DEPTH_MAX {
            let message = format!("maps and lists are nested deeper than {DEPTH_MAX} levels");
            return Err(Box::new(Diagnostic::error(Code::TooLarge, message).at(span, "too deep")));
        }
        if self.is_key_next() {
            return Err(key_is_no_text(span));
        }
        let weight_before = self.weight;
        self.add_weight(0, span)?;
        self.open.push(Open { content, tag: tag.and_then(short_tag), anchor, span, weight_before });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Stop> {
        let open = self.open.pop().expect("the parser ends only what it began");
        let weight = self.weight - open.weight_before;
        let (value, content_end) = match open.content {
            Content::Sequence(items) => {
                let end = items.last().map_or(open.span.end, |item| item.span.end);
                (Value::Sequence(items), end)
            }
            Content::Mapping(mapping) => {
                let end = mapping.entries.last().map_or(open.span.end, |entry| entry.value.span.end);
                (Value::Mapping(mapping.into_entries()), end)
            }
        };
        // A flow collection ends with a bracket; the end of a block collection is a place further down, without width.
        let end = if span.end > span.start { span.end } else { content_end };
        let node = Node { value, span: Span { start: open.span.start, end } };
        self.finish(tagged(node, open.tag), open.anchor, weight)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Box::new(
                Diagnostic::error(Code::Cycle, "this alias stands inside of what it names").at(span, ""),
            ));
        };
        let weight = anchored.weight;
        let node = anchored.node.clone();
        self.add_weight(weight, span)?;
        self.finish(node, 0, weight)
    }

    /// Puts a complete node where it belongs.
    fn finish(&mut self, node: Node, anchor: usize, weight: usize) -> Result<(), Stop> {
        if anchor != 0 {
            self.add_weight(weight, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), weight });
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping(mapping)) => match mapping.key.take() {
                None => mapping.key = Some(key(node)?),
                Some((key, key_span)) => {
                    if let Some(duplicate) = mapping.add(Entry { key, key_span, value: node }) {
                        self.diagnostics.push(duplicate);
                    }
                }
            },
        }
        Ok(())
    }

    fn add_weight(&mut self, text: usize, span: Span) -> Result<(), Stop> {
        self.weight += NODE_WEIGHT + text;
        if self.weight <= WEIGHT_MAX {
            return Ok(());
        }
        let message = format!("the template unfolds to more than {WEIGHT_MAX} bytes");
        Err(Box::new(
            Diagnostic::error(Code::TooLarge, message)
                .at(span, "the limit is passed here")
                .help("use fewer aliases (`*name`) of large pieces"),
        ))
    }

    fn syntax_error(&self, character: usize, what: &str) -> Stop {
        let start = self.offsets.byte(character);
        let message = "the template is neither YAML nor JSON";
        Box::new(Diagnostic::error(Code::Syntax, message).at(Span { start, end: start + 1 }, what))
    }
}

fn key(node: Node) -> Result<(String, Span), Stop> {
    match node.value {
        Value::Scalar(scalar) => Ok((scalar.text, node.span)),
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => Err(key_is_no_text(node.span)),
    }
}

fn key_is_no_text(span: Span) -> Stop {
    Box::new(Diagnostic::error(Code::Syntax, "a key must be text").at(span, "this is no text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::diagnostics::Colour;
    use std::path::Path;

    fn read(text: &str) -> (Option<Node>, Diagnostics) {
        let source = Source::new(Path::new("template.yaml"), text.to_owned());
        let mut diagnostics = Diagnostics::new(source.clone());
        let node = parse(&source, &mut diagnostics);
        (node, diagnostics)
    }

    /// Maps as `{k=v}`, lists as `[v]`, nothing as `~`: enough to see what was read.
    fn shown(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
            Value::Mapping(entries) => {
                let entry = |entry: &Entry| format!("{}={}", entry.key, shown(&entry.value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (node, diagnostics) = read(text);
        assert!(diagnostics.is_empty(), "{}", diagnostics.render(Colour::Never));
        assert_eq!(shown(&node.expect("no problem was reported")), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, message: &str, line: usize, column: usize) {
        let (_, diagnostics) = read(text);
        let first = diagnostics.iter().next().expect("a problem is reported");
        assert!(first.message.contains(message), "{}", first.message);
        let position = diagnostics.position(first).expect("it has a place");
        assert_eq!((position.line, position.column), (line, column), "{}", diagnostics.render(Colour::Never));
    }

    #[test]
    fn short_tags_are_written_out() {
        check("a: !Ref B", "{a={Ref=B}}");
        check("a: !GetAtt B.Arn", "{a={Fn::GetAtt=B.Arn}}");
        check("a: !Join\n  - ','\n  - [x, !Ref y]", "{a={Fn::Join=[, [x {Ref=y}]]}}");
        check("a: !Equals [!Condition x, 'true']", "{a={Fn::Equals=[{Condition=x} true]}}");
        check("a: !!str 5", "{a=5}");
        check("a: !Sub |\n  x\n  y\n", "{a={Fn::Sub=x\ny\n}}");
    }

    #[test]
    fn an_empty_value_is_nothing_unless_quoted() {
        check("{a: yes, b: ~, c: , d: '', e: !!str null, null: f}", "{a=yes b=~ c=~ d= e=null null=f}");
    }

    #[test]
    fn json_is_read_with_tabs_and_surrogate_pairs() {
        check("{\n\t\"a\": [1,\t\"\\ud83d\\ude00\\/\"],\n\t\"b\":{\"c\":true}\n}", "{a=[1 😀/] b={c=true}}");
        check(r#"{"a":{"Fn::GetAtt":["B","Arn"]}}"#, "{a={Fn::GetAtt=[B Arn]}}");
    }

    #[test]
    fn aliases_and_merge_keys_are_copied() {
        check("a: &x {k: v}\nb: *x", "{a={k=v} b={k=v}}");
        check("a: &x {k: v, l: w}\nb:\n  <<: *x\n  l: own", "{a={k=v l=w} b={l=own k=v}}");
        check("a: &x {k: 1}\nc: &y {k: 2, m: 3}\nb: {<<: [*x, *y]}", "{a={k=1} c={k=2 m=3} b={k=1 m=3}}");
    }

    #[test]
    fn what_is_no_yaml_is_refused_with_its_place() {
        check_refused("a: b: c", "neither YAML nor JSON", 1, 5);
        check_refused("a: [1, 2\nb: 3", "neither YAML nor JSON", 2, 2);
        check_refused("a:\n\tb: 1", "neither YAML nor JSON", 2, 2);
        check_refused("é: *nope", "neither YAML nor JSON", 1, 4);
        check_refused("a: 1\n---\nb: 2", "second document", 2, 1);
        check_refused("? [a, b]\n: 1", "a key must be text", 1, 3);
        check_refused("a: &x [*x]", "inside of what it names", 1, 8);
    }

    #[test]
    fn a_comment_in_json_is_refused_with_its_place() {
        check_refused("{\n  // why\n  \"a\": 1\n}", "JSON has no comments", 2, 3);
        check_refused("{\"a\": 1, /* why */ \"b\": 2}", "JSON has no comments", 1, 10);
    }

    #[test]
    fn a_key_that_stands_twice_is_reported() {
        check_refused("a: 1\nb: 2\na: 3", "`a` stands twice", 3, 1);
    }

    #[test]
    fn depth_is_limited() {
        check_refused(&"[".repeat(DEPTH_MAX + 1), "nested deeper than 64 levels", 1, 65);
    }

    #[test]
    fn an_alias_bomb_does_not_explode() {
        let mut text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
        for level in 1..20 {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        let (node, diagnostics) = read(&text);
        assert!(node.is_none());
        assert!(diagnostics.render(Colour::Never).contains("unfolds to more than"));
    }

    #[test]
    fn an_empty_template_is_refused() {
        assert!(read("# nothing\n").0.is_none());
        assert!(read("").1.has_errors());
    }
}
