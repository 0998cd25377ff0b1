//! Tokens to events: values, and the beginnings and ends of lists and maps.
//!
//! In: a text. Out: one event after the other, or the first place that is no YAML. Never recurses: what is open is on a
//! stack of its own.

use super::characters::Language;
use super::scanner::Scanner;
use super::token::{Kind, SyntaxError, Token};
use super::{Span, YAML_TAG_PREFIX};
use std::collections::HashMap;

/// A step through the tree.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    /// With the anchor and the tag. The end of a list or map without brackets has no width.
    pub(super) span: Span,
}

#[derive(Debug)]
pub(super) enum EventKind {
    /// The first document begins, or one behind it.
    DocumentStart,
    Scalar(Properties, ScalarEvent),
    /// Another node once more, by the name of its anchor.
    Alias(String),
    SequenceStart(Properties),
    MappingStart(Properties),
    /// The innermost list or map ends.
    End,
}

/// What may stand in front of a node.
#[derive(Debug, Default)]
pub(super) struct Properties {
    pub(super) anchor: Option<String>,
    /// Written out: `!Ref`, `tag:yaml.org,2002:str`. None for `!` alone, which says nothing.
    pub(super) tag: Option<String>,
}

#[derive(Debug)]
pub(super) struct ScalarEvent {
    pub(super) text: String,
    /// Without quotes and without a tag: it may be a number, a boolean or nothing.
    pub(super) is_plain: bool,
}

/// What is expected next.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    FirstDocument,
    Document,
    DocumentContent,
    DocumentEnd,
    BlockSequenceEntry,
    /// An entry of a list that has the indentation of the map around it.
    IndentlessSequenceEntry,
    BlockMappingKey,
    BlockMappingValue,
    FlowSequenceEntry(Position),
    /// A map of one entry without braces: `[key: value]`.
    FlowPairKey,
    FlowPairValue,
    FlowPairEnd,
    FlowMappingKey(Position),
    FlowMappingValue,
    /// Behind a key without `:`.
    FlowMappingNoValue,
    Finished,
}

/// Whether a comma has to come before an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    First,
    Later,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Within brackets.
    Flow,
    Block,
    /// The value or key of a map without braces: a list there needs no indentation of its own.
    InMapping,
}

pub(super) struct Events {
    pub(super) scanner: Scanner,
    pub(super) state: State,
    /// What goes on when the node that is being read is complete.
    outer: Vec<State>,
    /// Where the lists and maps begin that are open.
    begun: Vec<Span>,
    tag_prefixes: HashMap<String, String>,
}

pub(super) type Next = Result<Option<Event>, SyntaxError>;

impl Events {
    pub(super) fn new(text: &str, language: Language) -> Self {
        Self {
            scanner: Scanner::new(text, language),
            state: State::FirstDocument,
            outer: Vec::new(),
            begun: Vec::new(),
            tag_prefixes: default_tag_prefixes(),
        }
    }

    /// The next event; none at the end.
    pub(super) fn next(&mut self) -> Next {
        loop {
            let event = match self.state {
                State::FirstDocument | State::Document => self.document_start()?,
                State::DocumentContent => self.document_content()?,
                State::DocumentEnd => self.document_end()?,
                State::BlockSequenceEntry => self.block_sequence_entry()?,
                State::IndentlessSequenceEntry => self.indentless_sequence_entry()?,
                State::BlockMappingKey => self.block_mapping_key()?,
                State::BlockMappingValue => self.block_mapping_value()?,
                State::FlowSequenceEntry(position) => self.flow_sequence_entry(position)?,
                State::FlowPairKey => self.flow_pair_key()?,
                State::FlowPairValue => self.flow_pair_value()?,
                State::FlowPairEnd => self.flow_pair_end()?,
                State::FlowMappingKey(position) => self.flow_mapping_key(position)?,
                State::FlowMappingValue => self.flow_mapping_value()?,
                State::FlowMappingNoValue => self.empty_here(State::FlowMappingKey(Position::Later))?,
                State::Finished => return Ok(None),
            };
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    pub(super) fn is_next(&mut self, kinds: &[Kind]) -> Result<bool, SyntaxError> {
        Ok(kinds.contains(&self.scanner.peek()?.kind))
    }

    /// Takes the next token if it is of this kind.
    pub(super) fn take_if(&mut self, kind: &Kind) -> Result<Option<Token>, SyntaxError> {
        let is_it = self.scanner.peek()?.kind == *kind;
        Ok(is_it.then(|| self.scanner.take()))
    }

    fn document_start(&mut self) -> Next {
        let is_first = matches!(self.state, State::FirstDocument);
        if !is_first {
            while self.take_if(&Kind::DocumentEnd)?.is_some() {}
        }
        let token = self.scanner.peek()?;
        let span = token.span;
        if token.kind == Kind::StreamEnd {
            self.state = State::Finished;
            return Ok(None);
        }
        let is_marked = token.kind.is_directive() || token.kind == Kind::DocumentStart;
        if is_marked {
            self.directives()?;
            if self.take_if(&Kind::DocumentStart)?.is_none() {
                return Err(self.unexpected("`---`")?);
            }
        } else if token.kind == Kind::DocumentEnd {
            return Err(self.unexpected("a value")?);
        } else if !is_first {
            return Err(self.unexpected("the end of the file, or `---`")?);
        }
        self.state = State::DocumentContent;
        Ok(Some(Event { kind: EventKind::DocumentStart, span }))
    }

    /// `%YAML` and `%TAG`
    fn directives(&mut self) -> Result<(), SyntaxError> {
        let mut has_version = false;
        let mut prefixes = HashMap::new();
        while self.scanner.peek()?.kind.is_directive() {
            let token = self.scanner.take();
            let error = |what| Err(SyntaxError::new(what, token.span));
            if let Kind::Version { major } = token.kind {
                if has_version {
                    return error("duplicate `%YAML` directive");
                }
                if major.trim_start_matches('0') != "1" {
                    return error("only version 1 of YAML is supported");
                }
                has_version = true;
            } else if let Kind::TagDirective { handle, prefix } = token.kind
                && prefixes.insert(handle, prefix).is_some()
            {
                return error("this handle is already declared");
            }
        }
        self.tag_prefixes = default_tag_prefixes();
        self.tag_prefixes.extend(prefixes);
        Ok(())
    }

    fn document_content(&mut self) -> Next {
        self.outer.push(State::DocumentEnd);
        let kind = &self.scanner.peek()?.kind;
        let is_empty =
            kind.is_directive() || [Kind::DocumentStart, Kind::DocumentEnd, Kind::StreamEnd].contains(kind);
        if is_empty {
            let outer = self.leave();
            return self.empty_here(outer);
        }
        self.node(Place::Block)
    }

    fn document_end(&mut self) -> Next {
        self.state = State::Document;
        self.take_if(&Kind::DocumentEnd)?;
        Ok(None)
    }

    /// A value, a list, a map, or an alias, with what stands in front of it.
    fn node(&mut self, place: Place) -> Next {
        if let Kind::Alias(name) = &mut self.scanner.peek_mut()?.kind {
            let name = std::mem::take(name);
            let span = self.scanner.take().span;
            self.state = self.leave();
            return Ok(Some(Event { kind: EventKind::Alias(name), span }));
        }
        let (properties, before) = self.properties()?;
        let token = self.scanner.peek_mut()?;
        let start = before.map_or(token.span.start, |before| before.span.start);
        let span = Span { start, ..token.span };
        if let Kind::Scalar { text, is_plain } = &mut token.kind {
            let text = std::mem::take(text);
            // What follows `!` alone counts as written without quotes.
            let is_bare = before.is_some_and(|before| before.is_bare);
            let is_plain = is_bare || (*is_plain && properties.tag.is_none());
            self.scanner.take();
            self.state = self.leave();
            let kind = EventKind::Scalar(properties, ScalarEvent { text, is_plain });
            return Ok(Some(Event { kind, span }));
        }
        let kind = if place == Place::InMapping && token.kind == Kind::BlockEntry {
            self.state = State::IndentlessSequenceEntry;
            EventKind::SequenceStart(properties)
        } else if let Some(content) = content(&token.kind, place) {
            self.begun.push(self.scanner.take().span);
            self.state = content;
            let is_mapping = matches!(content, State::FlowMappingKey(_) | State::BlockMappingKey);
            if is_mapping {
                EventKind::MappingStart(properties)
            } else {
                EventKind::SequenceStart(properties)
            }
        } else {
            let Some(before) = before else { return Err(self.unexpected("a value")?) };
            self.state = self.leave();
            let is_plain = properties.tag.is_none();
            let kind = EventKind::Scalar(properties, ScalarEvent { text: String::new(), is_plain });
            return Ok(Some(Event { kind, span: before.span }));
        };
        Ok(Some(Event { kind, span }))
    }

    /// The anchor and the tag in front of a node, in either order, and their place, if there are any.
    fn properties(&mut self) -> Result<(Properties, Option<Before>), SyntaxError> {
        let mut properties = Properties::default();
        let mut before: Option<Before> = None;
        let mut has_tag = false;
        let mut is_bare = false;
        loop {
            let token = self.scanner.peek_mut()?;
            let span = token.span;
            if let Kind::Anchor(name) = &mut token.kind
                && properties.anchor.is_none()
            {
                properties.anchor = Some(std::mem::take(name));
            } else if let Kind::Tag { handle, suffix } = &mut token.kind
                && !has_tag
            {
                let (handle, suffix) = (handle.take(), std::mem::take(suffix));
                let tag = self.tag(handle, suffix, span)?;
                has_tag = true;
                is_bare = tag == "!";
                properties.tag = Some(tag).filter(|_| !is_bare);
            } else {
                return Ok((properties, before));
            }
            self.scanner.take();
            let start = before.map_or(span.start, |before| before.span.start);
            before = Some(Before { span: Span { start, ..span }, is_bare });
        }
    }

    fn tag(&self, handle: Option<String>, suffix: String, span: Span) -> Result<String, SyntaxError> {
        let Some(handle) = handle else { return Ok(suffix) };
        match self.tag_prefixes.get(&handle) {
            Some(prefix) => Ok(format!("{prefix}{suffix}")),
            None => Err(SyntaxError::new(format!("no `%TAG` declares the handle `{handle}`"), span)),
        }
    }

    /// Takes the token that ends a list or map.
    pub(super) fn end(&mut self) -> Next {
        let token = self.scanner.take();
        self.begun.pop();
        self.state = self.leave();
        Ok(Some(Event { kind: EventKind::End, span: token.span }))
    }

    pub(super) fn leave(&mut self) -> State {
        self.outer.pop().expect("a node stands in a document")
    }

    /// Reads a node, and goes on with `then`.
    pub(super) fn node_then(&mut self, then: State, place: Place) -> Next {
        self.outer.push(then);
        self.node(place)
    }

    /// There is no value behind what ends here.
    pub(super) fn empty_at(&mut self, at: usize, then: State) -> Next {
        self.state = then;
        let scalar = ScalarEvent { text: String::new(), is_plain: true };
        let kind = EventKind::Scalar(Properties::default(), scalar);
        Ok(Some(Event { kind, span: Span { start: at, end: at } }))
    }

    /// There is no value before the next token.
    pub(super) fn empty_here(&mut self, then: State) -> Next {
        let at = self.scanner.peek()?.span.start;
        self.empty_at(at, then)
    }

    /// The next token is not `expected`.
    fn unexpected(&mut self, expected: &str) -> Result<SyntaxError, SyntaxError> {
        let token = self.scanner.peek()?;
        let span = Span { start: token.span.start, end: token.span.end.max(token.span.start + 1) };
        let is_indented = [Kind::BlockMappingStart, Kind::BlockSequenceStart].contains(&token.kind);
        let what = if is_indented && !self.begun.is_empty() {
            "no line above has this indentation".to_owned()
        } else {
            format!("expected {expected}, found {}", token.kind.shown())
        };
        Ok(SyntaxError::new(what, span))
    }

    /// The same, within the innermost list or map.
    pub(super) fn unexpected_inside(
        &mut self,
        expected: &str,
        what: &'static str,
    ) -> Result<SyntaxError, SyntaxError> {
        let begun = *self.begun.last().expect("a list or map is open");
        Ok(self.unexpected(expected)?.inside(what, Span { end: begun.end.max(begun.start + 1), ..begun }))
    }
}

/// The anchor and the tag of a node.
#[derive(Clone, Copy)]
struct Before {
    span: Span,
    /// Whether the tag is `!` alone: what follows counts as written without quotes.
    is_bare: bool,
}

/// What comes after a token that begins a list or map, if this one does so there.
fn content(kind: &Kind, place: Place) -> Option<State> {
    let is_block = place != Place::Flow;
    let contents = [
        (Kind::FlowSequenceStart, State::FlowSequenceEntry(Position::First), true),
        (Kind::FlowMappingStart, State::FlowMappingKey(Position::First), true),
        (Kind::BlockSequenceStart, State::BlockSequenceEntry, is_block),
        (Kind::BlockMappingStart, State::BlockMappingKey, is_block),
    ];
    contents
        .into_iter()
        .find(|(begin, _, is_allowed)| begin == kind && *is_allowed)
        .map(|(_, content, _)| content)
}

fn default_tag_prefixes() -> HashMap<String, String> {
    [("!", "!"), ("!!", YAML_TAG_PREFIX)]
        .map(|(handle, prefix)| (handle.to_owned(), prefix.to_owned()))
        .into()
}
