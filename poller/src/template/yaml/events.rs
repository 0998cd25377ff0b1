//! Tokens to events: values, and the beginnings and ends of lists and maps.
//!
//! In: a text. Out: one event after the other, or the first place that is no YAML. Never recurses: what is open is on a
//! stack of its own.

use super::{Span, YAML_TAG_PREFIX};
use super::characters::Language;
use super::scanner::Scanner;
use super::token::{Kind, SyntaxError, Token};
use std::collections::HashMap;

/// A step through the tree.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) kind: EventKind,
    /// Without the anchor and the tag. The end of a list or map without brackets has no width.
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
enum State {
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
enum Position {
    First,
    Later,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Within brackets.
    Flow,
    Block,
    /// The value or key of a map without braces: a list there needs no indentation of its own.
    InMapping,
}

pub(super) struct Events {
    scanner: Scanner,
    state: State,
    /// What goes on when the node that is being read is complete.
    outer: Vec<State>,
    /// Where the lists and maps begin that are open.
    begun: Vec<Span>,
    tag_prefixes: HashMap<String, String>,
}

type Next = Result<Option<Event>, SyntaxError>;

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

    fn is_next(&mut self, kinds: &[Kind]) -> Result<bool, SyntaxError> {
        Ok(kinds.contains(&self.scanner.peek()?.kind))
    }

    /// Takes the next token if it is of this kind.
    fn take_if(&mut self, kind: &Kind) -> Result<Option<Token>, SyntaxError> {
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
        match token.kind {
            Kind::StreamEnd => {
                self.state = State::Finished;
                return Ok(None);
            }
            Kind::Version { .. } | Kind::TagDirective { .. } | Kind::UnknownDirective | Kind::DocumentStart => {
                self.directives()?;
                if self.take_if(&Kind::DocumentStart)?.is_none() {
                    return Err(self.unexpected("`---`")?);
                }
                self.state = State::DocumentContent;
            }
            _ if is_first => self.state = State::DocumentContent,
            _ => return Err(self.unexpected("the end of the file, or `---`")?),
        }
        Ok(Some(Event { kind: EventKind::DocumentStart, span }))
    }

    /// `%YAML` and `%TAG`
    fn directives(&mut self) -> Result<(), SyntaxError> {
        let mut has_version = false;
        let mut prefixes = HashMap::new();
        loop {
            match &self.scanner.peek()?.kind {
                Kind::Version { .. } | Kind::TagDirective { .. } | Kind::UnknownDirective => {}
                _ => break,
            }
            let token = self.scanner.take();
            let error = |what| Err(SyntaxError::new(what, token.span));
            match token.kind {
                Kind::Version { .. } if has_version => return error("the version stands twice"),
                Kind::Version { major } if major.trim_start_matches('0') != "1" => {
                    return error("only versions 1 of YAML can be read");
                }
                Kind::Version { .. } => has_version = true,
                Kind::TagDirective { handle, prefix } => {
                    if prefixes.insert(handle, prefix).is_some() {
                        return error("this handle stands twice");
                    }
                }
                _ => {}
            }
        }
        self.tag_prefixes = default_tag_prefixes();
        self.tag_prefixes.extend(prefixes);
        Ok(())
    }

    fn document_content(&mut self) -> Next {
        self.outer.push(State::DocumentEnd);
        let kind = &self.scanner.peek()?.kind;
        let is_empty = matches!(
            kind,
            Kind::Version { .. }
                | Kind::TagDirective { .. }
                | Kind::UnknownDirective
                | Kind::DocumentStart
                | Kind::DocumentEnd
                | Kind::StreamEnd
        );
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
        if let Kind::Alias(_) = self.scanner.peek()?.kind {
            let token = self.scanner.take();
            self.state = self.leave();
            let Kind::Alias(name) = token.kind else { unreachable!("the token was looked at") };
            return Ok(Some(Event { kind: EventKind::Alias(name), span: token.span }));
        }
        let (properties, before) = self.properties()?;
        let span = self.scanner.peek()?.span;
        let kind = match &self.scanner.peek()?.kind {
            Kind::BlockEntry if place == Place::InMapping => {
                self.state = State::IndentlessSequenceEntry;
                EventKind::SequenceStart(properties)
            }
            Kind::Scalar { .. } => return Ok(Some(self.scalar(properties, before.is_some_and(|it| it.is_bare)))),
            Kind::FlowSequenceStart => {
                self.begin(State::FlowSequenceEntry(Position::First));
                EventKind::SequenceStart(properties)
            }
            Kind::FlowMappingStart => {
                self.begin(State::FlowMappingKey(Position::First));
                EventKind::MappingStart(properties)
            }
            Kind::BlockSequenceStart if place != Place::Flow => {
                self.begin(State::BlockSequenceEntry);
                EventKind::SequenceStart(properties)
            }
            Kind::BlockMappingStart if place != Place::Flow => {
                self.begin(State::BlockMappingKey);
                EventKind::MappingStart(properties)
            }
            _ => {
                let Some(before) = before else { return Err(self.unexpected("a value")?) };
                self.state = self.leave();
                let is_plain = properties.tag.is_none();
                let scalar = ScalarEvent { text: String::new(), is_plain };
                let span = Span { start: before.end, end: before.end };
                return Ok(Some(Event { kind: EventKind::Scalar(properties, scalar), span }));
            }
        };
        Ok(Some(Event { kind, span }))
    }

    fn scalar(&mut self, properties: Properties, is_bare: bool) -> Event {
        let token = self.scanner.take();
        self.state = self.leave();
        let Kind::Scalar { text, is_plain } = token.kind else { unreachable!("the token was looked at") };
        let is_plain = is_bare || (is_plain && properties.tag.is_none());
        Event { kind: EventKind::Scalar(properties, ScalarEvent { text, is_plain }), span: token.span }
    }

    /// The anchor and the tag in front of a node, in either order; where they end, if there are any.
    fn properties(&mut self) -> Result<(Properties, Option<Before>), SyntaxError> {
        let mut properties = Properties::default();
        let mut before = None;
        let mut has_tag = false;
        let mut is_bare = false;
        loop {
            match self.scanner.peek()?.kind {
                Kind::Anchor(_) if properties.anchor.is_none() => {}
                Kind::Tag { .. } if !has_tag => {}
                _ => return Ok((properties, before)),
            }
            let token = self.scanner.take();
            match token.kind {
                Kind::Anchor(name) => properties.anchor = Some(name),
                Kind::Tag { handle, suffix } => {
                    let tag = self.tag(handle, suffix, token.span)?;
                    has_tag = true;
                    is_bare = tag == "!";
                    properties.tag = Some(tag).filter(|_| !is_bare);
                }
                _ => unreachable!("the token was looked at"),
            }
            before = Some(Before { end: token.span.end, is_bare });
        }
    }

    fn tag(&self, handle: Option<String>, suffix: String, span: Span) -> Result<String, SyntaxError> {
        let Some(handle) = handle else { return Ok(suffix) };
        match self.tag_prefixes.get(&handle) {
            Some(prefix) => Ok(format!("{prefix}{suffix}")),
            None => Err(SyntaxError::new(format!("no `%TAG` declares the handle `{handle}`"), span)),
        }
    }

    /// Takes the token that begins a list or map.
    fn begin(&mut self, state: State) {
        let token = self.scanner.take();
        self.begun.push(token.span);
        self.state = state;
    }

    /// Takes the token that ends a list or map.
    fn end(&mut self) -> Next {
        let token = self.scanner.take();
        self.begun.pop();
        self.state = self.leave();
        Ok(Some(Event { kind: EventKind::End, span: token.span }))
    }

    fn leave(&mut self) -> State {
        self.outer.pop().expect("a node stands in a document")
    }

    /// Reads a node, and goes on with `then`.
    fn node_then(&mut self, then: State, place: Place) -> Next {
        self.outer.push(then);
        self.node(place)
    }

    /// There is no value behind what ends here.
    fn empty_at(&mut self, at: usize, then: State) -> Next {
        self.state = then;
        let scalar = ScalarEvent { text: String::new(), is_plain: true };
        let kind = EventKind::Scalar(Properties::default(), scalar);
        Ok(Some(Event { kind, span: Span { start: at, end: at } }))
    }

    /// There is no value before the next token.
    fn empty_here(&mut self, then: State) -> Next {
        let at = self.scanner.peek()?.span.start;
        self.empty_at(at, then)
    }

    /// The next token is not `expected`.
    fn unexpected(&mut self, expected: &str) -> Result<SyntaxError, SyntaxError> {
        let token = self.scanner.peek()?;
        let span = Span { start: token.span.start, end: token.span.end.max(token.span.start + 1) };
        let what = match &token.kind {
            Kind::BlockMappingStart | Kind::BlockSequenceStart if !self.begun.is_empty() => {
                "no line above has this indentation".to_owned()
            }
            found => format!("expected {expected}, found {}", found.shown()),
        };
        Ok(SyntaxError::new(what, span))
    }

    /// The same, within the innermost list or map.
    fn unexpected_inside(&mut self, expected: &str, what: &'static str) -> Result<SyntaxError, SyntaxError> {
        let begun = *self.begun.last().expect("a list or map is open");
        Ok(self.unexpected(expected)?.inside(what, Span { end: begun.end.max(begun.start + 1), ..begun }))
    }

    fn block_sequence_entry(&mut self) -> Next {
        if let Some(entry) = self.take_if(&Kind::BlockEntry)? {
            if self.is_next(&[Kind::BlockEntry, Kind::BlockEnd])? {
                return self.empty_at(entry.span.end, State::BlockSequenceEntry);
            }
            return self.node_then(State::BlockSequenceEntry, Place::Block);
        }
        if !self.is_next(&[Kind::BlockEnd])? {
            return Err(self.unexpected_inside("`-`", "the list begins here")?);
        }
        self.end()
    }

    fn indentless_sequence_entry(&mut self) -> Next {
        if let Some(entry) = self.take_if(&Kind::BlockEntry)? {
            if self.is_next(&[Kind::BlockEntry, Kind::Key, Kind::Value, Kind::BlockEnd])? {
                return self.empty_at(entry.span.end, State::IndentlessSequenceEntry);
            }
            return self.node_then(State::IndentlessSequenceEntry, Place::Block);
        }
        let start = self.scanner.peek()?.span.start;
        self.state = self.leave();
        Ok(Some(Event { kind: EventKind::End, span: Span { start, end: start } }))
    }

    fn block_mapping_key(&mut self) -> Next {
        if let Some(key) = self.take_if(&Kind::Key)? {
            if self.is_next(&[Kind::Key, Kind::Value, Kind::BlockEnd])? {
                return self.empty_at(key.span.end, State::BlockMappingValue);
            }
            return self.node_then(State::BlockMappingValue, Place::InMapping);
        }
        if !self.is_next(&[Kind::BlockEnd])? {
            return Err(self.unexpected_inside("a key", "the map begins here")?);
        }
        self.end()
    }

    fn block_mapping_value(&mut self) -> Next {
        let Some(value) = self.take_if(&Kind::Value)? else {
            return self.empty_here(State::BlockMappingKey);
        };
        if self.is_next(&[Kind::Key, Kind::Value, Kind::BlockEnd])? {
            return self.empty_at(value.span.end, State::BlockMappingKey);
        }
        self.node_then(State::BlockMappingKey, Place::InMapping)
    }

    fn flow_sequence_entry(&mut self, position: Position) -> Next {
        if !self.is_next(&[Kind::FlowSequenceEnd])? {
            if position == Position::Later && self.take_if(&Kind::FlowEntry)?.is_none() {
                return Err(self.unexpected_inside("`,` or `]`", "the list begins here")?);
            }
            let token = self.scanner.peek()?;
            if token.kind == Kind::Key {
                let span = token.span;
                self.state = State::FlowPairKey;
                return Ok(Some(Event { kind: EventKind::MappingStart(Properties::default()), span }));
            }
            if !self.is_next(&[Kind::FlowSequenceEnd])? {
                return self.node_then(State::FlowSequenceEntry(Position::Later), Place::Flow);
            }
        }
        self.end()
    }

    fn flow_pair_key(&mut self) -> Next {
        let key = self.scanner.take();
        if self.is_next(&[Kind::Value, Kind::FlowEntry, Kind::FlowSequenceEnd])? {
            return self.empty_at(key.span.end, State::FlowPairValue);
        }
        self.node_then(State::FlowPairValue, Place::Flow)
    }

    fn flow_pair_value(&mut self) -> Next {
        let Some(value) = self.take_if(&Kind::Value)? else { return self.empty_here(State::FlowPairEnd) };
        if self.is_next(&[Kind::FlowEntry, Kind::FlowSequenceEnd])? {
            return self.empty_at(value.span.end, State::FlowPairEnd);
        }
        self.node_then(State::FlowPairEnd, Place::Flow)
    }

    fn flow_pair_end(&mut self) -> Next {
        let start = self.scanner.peek()?.span.start;
        self.state = State::FlowSequenceEntry(Position::Later);
        Ok(Some(Event { kind: EventKind::End, span: Span { start, end: start } }))
    }

    fn flow_mapping_key(&mut self, position: Position) -> Next {
        if !self.is_next(&[Kind::FlowMappingEnd])? {
            if position == Position::Later && self.take_if(&Kind::FlowEntry)?.is_none() {
                return Err(self.unexpected_inside("`,` or `}`", "the map begins here")?);
            }
            if let Some(key) = self.take_if(&Kind::Key)? {
                if self.is_next(&[Kind::Value, Kind::FlowEntry, Kind::FlowMappingEnd])? {
                    return self.empty_at(key.span.end, State::FlowMappingValue);
                }
                return self.node_then(State::FlowMappingValue, Place::Flow);
            }
            if !self.is_next(&[Kind::FlowMappingEnd])? {
                return self.node_then(State::FlowMappingNoValue, Place::Flow);
            }
        }
        self.end()
    }

    fn flow_mapping_value(&mut self) -> Next {
        let then = State::FlowMappingKey(Position::Later);
        let Some(value) = self.take_if(&Kind::Value)? else { return self.empty_here(then) };
        if self.is_next(&[Kind::FlowEntry, Kind::FlowMappingEnd])? {
            return self.empty_at(value.span.end, then);
        }
        self.node_then(then, Place::Flow)
    }
}

/// Where the anchor and the tag of a node end.
#[derive(Clone, Copy)]
struct Before {
    end: usize,
    /// Whether the tag is `!` alone: what follows counts as written without quotes.
    is_bare: bool,
}

fn default_tag_prefixes() -> HashMap<String, String> {
    [("!", "!"), ("!!", YAML_TAG_PREFIX)].map(|(handle, prefix)| (handle.to_owned(), prefix.to_owned())).into()
}
