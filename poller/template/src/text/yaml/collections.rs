//! The entries of lists and maps, one state of [`Events`] each: without brackets (block), and with them (flow).

use super::Span;
use super::events::{Event, EventKind, Events, Next, Place, Position, Properties, State};
use super::token::Kind;

impl Events {
    pub(super) fn block_sequence_entry(&mut self) -> Next {
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

    pub(super) fn indentless_sequence_entry(&mut self) -> Next {
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

    pub(super) fn block_mapping_key(&mut self) -> Next {
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

    pub(super) fn block_mapping_value(&mut self) -> Next {
        let Some(value) = self.take_if(&Kind::Value)? else {
            return self.empty_here(State::BlockMappingKey);
        };
        if self.is_next(&[Kind::Key, Kind::Value, Kind::BlockEnd])? {
            return self.empty_at(value.span.end, State::BlockMappingKey);
        }
        self.node_then(State::BlockMappingKey, Place::InMapping)
    }

    pub(super) fn flow_sequence_entry(&mut self, position: Position) -> Next {
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

    pub(super) fn flow_pair_key(&mut self) -> Next {
        let key = self.scanner.take();
        if self.is_next(&[Kind::Value, Kind::FlowEntry, Kind::FlowSequenceEnd])? {
            return self.empty_at(key.span.end, State::FlowPairValue);
        }
        self.node_then(State::FlowPairValue, Place::Flow)
    }

    pub(super) fn flow_pair_value(&mut self) -> Next {
        let Some(value) = self.take_if(&Kind::Value)? else { return self.empty_here(State::FlowPairEnd) };
        if self.is_next(&[Kind::FlowEntry, Kind::FlowSequenceEnd])? {
            return self.empty_at(value.span.end, State::FlowPairEnd);
        }
        self.node_then(State::FlowPairEnd, Place::Flow)
    }

    pub(super) fn flow_pair_end(&mut self) -> Next {
        let start = self.scanner.peek()?.span.start;
        self.state = State::FlowSequenceEntry(Position::Later);
        Ok(Some(Event { kind: EventKind::End, span: Span { start, end: start } }))
    }

    pub(super) fn flow_mapping_key(&mut self, position: Position) -> Next {
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

    pub(super) fn flow_mapping_value(&mut self) -> Next {
        let then = State::FlowMappingKey(Position::Later);
        let Some(value) = self.take_if(&Kind::Value)? else { return self.empty_here(then) };
        if self.is_next(&[Kind::FlowEntry, Kind::FlowMappingEnd])? {
            return self.empty_at(value.span.end, then);
        }
        self.node_then(then, Place::Flow)
    }
}
