//! Reads one pattern.
//!
//! In: its text. Out: its branches, one for each way through its `$or`s, or where and why it is none. A name may repeat: what stands
//! under both is required, as when AWS's guide writes `dynamodb` twice. Of a leaf that repeats, the last counts.

use super::error::InvalidPattern;
use super::expression::{next, refuse, values};
use super::json::{Reader, Token};
use super::values::Values;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most branches that the `$or`s of one pattern may make in all, as in EventBridge.
pub(super) const BRANCHES_MAX: usize = 1000;

/// One leaf of a pattern: the values allowed at one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clause {
    /// The names on the way, joined by dots, as event-ruler does.
    pub(super) name: String,
    pub(super) values: Values,
    /// The values as the pattern writes them.
    pub(super) text: String,
    /// Where they begin in the pattern, in bytes.
    pub(super) offset: usize,
}

/// All of its clauses are required.
pub(super) type Branch = BTreeMap<String, Arc<Clause>>;

/// The branches of a pattern, of which one must match.
///
/// `$or` with an array of two objects or more is an alternative, unless one of them has an operator's name among its fields.
/// Otherwise, as in event-ruler, the pattern is read once more with `$or` as a field like any other.
pub(super) fn parse(text: &str) -> Result<Vec<Branch>, InvalidPattern> {
    Parser::new(text, true).parse().or_else(|invalid| Parser::new(text, false).parse().map_err(|_| invalid))
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<'a>,
    steps: Vec<String>,
    knows_or: bool,
}

/// Whether an object stands in the array of an `$or`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Pattern,
    Or,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, knows_or: bool) -> Self {
        Self { text, reader: Reader::new(text), steps: Vec::new(), knows_or }
    }

    fn parse(mut self) -> Result<Vec<Branch>, InvalidPattern> {
        if next(&mut self.reader)? != Token::ObjectStart {
            return Err(refuse(
                &self.reader,
                "a pattern is an object, such as {\"data\": {\"status\": [\"open\"]}}",
            ));
        }
        let mut branches = vec![Branch::new()];
        self.object(&mut branches, Within::Pattern)?;
        self.reader.next()?;
        Ok(branches)
    }

    /// Recurses once for each level, of which a pattern cannot have more than it has characters.
    fn object(&mut self, branches: &mut Vec<Branch>, within: Within) -> Result<(), InvalidPattern> {
        let mut is_empty = true;
        while let Token::Name(name) = next(&mut self.reader)? {
            is_empty = false;
            let name = name.decoded().into_owned();
            if self.knows_or && name == "$or" {
                self.either(branches)?;
            } else if within == Within::Or && is_reserved(&name) {
                return Err(refuse(&self.reader, "no field of an object in $or is named like an operator"));
            } else {
                self.member(name, branches, within)?;
            }
        }
        if is_empty {
            return Err(refuse(&self.reader, "an object of a pattern has at least one field"));
        }
        Ok(())
    }

    fn member(
        &mut self,
        name: String,
        branches: &mut Vec<Branch>,
        within: Within,
    ) -> Result<(), InvalidPattern> {
        match next(&mut self.reader)? {
            Token::ObjectStart => {
                self.steps.push(name);
                self.object(branches, within)?;
                self.steps.pop();
            }
            Token::ArrayStart => self.leaf(&name, branches)?,
            Token::String(_) | Token::Number(_) | Token::Word(_) => {
                return Err(refuse(&self.reader, "a value stands in an array, such as [\"open\"]"));
            }
            Token::ObjectEnd | Token::ArrayEnd | Token::Name(_) => {
                return Err(refuse(&self.reader, "a field of a pattern is an object or an array"));
            }
        }
        Ok(())
    }

    fn leaf(&mut self, name: &str, branches: &mut [Branch]) -> Result<(), InvalidPattern> {
        let offset = self.reader.token_start();
        let values = values(&mut self.reader)?;
        let text = self.text[offset..self.reader.token_end()].to_owned();
        let name = self.name(name);
        let clause = Arc::new(Clause { name: name.clone(), values, text, offset });
        for branch in branches {
            branch.insert(name.clone(), Arc::clone(&clause));
        }
        Ok(())
    }

    /// Names are joined as event-ruler joins them, which leaves out the dot after one empty name, and so makes `{"": {"a": …}}` the
    /// same as `{"a": …}`.
    fn name(&self, last: &str) -> String {
        let base = self.steps.join(".");
        if base.is_empty() { last.to_owned() } else { format!("{base}.{last}") }
    }

    fn either(&mut self, branches: &mut Vec<Branch>) -> Result<(), InvalidPattern> {
        const ALLOWED: &str = "$or takes an array of at least two objects";
        if next(&mut self.reader)? != Token::ArrayStart {
            return Err(refuse(&self.reader, ALLOWED));
        }
        let before = std::mem::take(branches);
        let mut alternatives = 0;
        loop {
            match next(&mut self.reader)? {
                Token::ObjectStart => {
                    let mut alternative = before.clone();
                    self.object(&mut alternative, Within::Or)?;
                    branches.append(&mut alternative);
                    alternatives += 1;
                }
                Token::ArrayEnd if alternatives >= 2 => return Ok(()),
                Token::ArrayEnd | Token::ArrayStart | Token::ObjectEnd | Token::Name(_) => {
                    return Err(refuse(&self.reader, ALLOWED));
                }
                Token::String(_) | Token::Number(_) | Token::Word(_) => {
                    return Err(refuse(&self.reader, ALLOWED));
                }
            }
            if branches.len() > BRANCHES_MAX {
                return Err(refuse(&self.reader, "the alternatives of $or make at most 1000 combinations"));
            }
        }
    }
}

/// Names that event-ruler keeps for operators.
fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 24] = [
        "exactly",
        "equals-ignore-case",
        "prefix",
        "suffix",
        "anything-but",
        "exists",
        "wildcard",
        "numeric",
        "cidr",
        "=",
        "<",
        "<=",
        ">",
        ">=",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "date-after",
        "date-on-or-after",
        "date-before",
        "date-on-or-before",
        "in-date-range",
        "ip-address-in-range",
        "ip-address-not-in-range",
    ];
    RESERVED.contains(&name)
}
