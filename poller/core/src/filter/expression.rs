//! Reads what stands in the array at a leaf of a pattern: literals, and objects of one operator each.
//!
//! In: the tokens of the array. Out: its [`Values`], or what is allowed where it goes wrong.

use super::address::AddressRange;
use super::error::InvalidPattern;
use super::json::{Reader, Text, Token};
use super::number::comparable;
use super::text::{CaselessText, Wildcard};
use super::values::{Exception, Operator, Values};
use std::ops::Bound;

/// Reads the values up to the end of the array, whose beginning was read.
pub(super) fn values(reader: &mut Reader<'_>) -> Result<Values, InvalidPattern> {
    let mut values = Values::default();
    let mut is_empty = true;
    loop {
        let operator = match next(reader)? {
            Token::ArrayEnd if is_empty => {
                return Err(refuse(reader, "an array of a pattern has at least one value"));
            }
            Token::ArrayEnd => return Ok(values),
            Token::ObjectStart => operator(reader)?,
            Token::String(text) => string_literal(text),
            Token::Number(text) => Operator::Number(text.to_owned(), comparable(text)),
            Token::Word(text) => Operator::Literal(text.to_owned()),
            Token::ArrayStart | Token::ObjectEnd | Token::Name(_) => {
                return Err(refuse(
                    reader,
                    "a value is a string, a number, true, false, null, or an object of one operator",
                ));
            }
        };
        is_empty = false;
        values.add(operator);
    }
}

/// The next token of a pattern that has not ended.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Result<Token<'a>, InvalidPattern> {
    reader.next()?.ok_or_else(|| refuse(reader, "the pattern ends too early"))
}

/// Refuses the last token.
pub(super) fn refuse(reader: &Reader<'_>, message: &str) -> InvalidPattern {
    InvalidPattern::new(reader.token_start(), message)
}

fn string_literal(text: Text<'_>) -> Operator {
    match AddressRange::single(&text.decoded()) {
        Some(address) => Operator::Address(address),
        None => Operator::Literal(text.quoted().into_owned()),
    }
}

const OPERATORS: &str = "an operator is one of anything-but, cidr, equals-ignore-case, exactly, exists, numeric, prefix, suffix, \
                         wildcard";

fn operator(reader: &mut Reader<'_>) -> Result<Operator, InvalidPattern> {
    let Token::Name(name) = next(reader)? else {
        return Err(refuse(reader, OPERATORS));
    };
    let operator = match &*name.decoded() {
        "exactly" => Operator::Literal(string(reader, "exactly takes a string")?.quoted().into_owned()),
        "prefix" => affix(reader, Affix::Prefix)?,
        "suffix" => affix(reader, Affix::Suffix)?,
        "equals-ignore-case" => {
            Operator::EqualsIgnoreCase(caseless(string(reader, "equals-ignore-case takes a string")?))
        }
        "wildcard" => {
            let text = string(reader, "wildcard takes a string")?;
            Operator::Wildcard(wildcard(reader, text)?)
        }
        "cidr" => {
            let text = string(reader, "cidr takes a string, such as \"10.0.0.0/8\"")?;
            Operator::Address(
                AddressRange::parse(&text.decoded()).map_err(|message| refuse(reader, message))?,
            )
        }
        "exists" => exists(reader)?,
        "numeric" => numeric(reader)?,
        "anything-but" => Operator::AnythingBut(anything_but(reader)?),
        _ => return Err(refuse(reader, OPERATORS)),
    };
    end_of_object(reader)?;
    Ok(operator)
}

fn end_of_object(reader: &mut Reader<'_>) -> Result<(), InvalidPattern> {
    if next(reader)? == Token::ObjectEnd {
        return Ok(());
    }
    Err(refuse(reader, "an operator stands alone in its object: write two objects, which are alternatives"))
}

fn string<'a>(reader: &mut Reader<'a>, allowed: &str) -> Result<Text<'a>, InvalidPattern> {
    let Token::String(text) = next(reader)? else {
        return Err(refuse(reader, allowed));
    };
    Ok(text)
}

fn caseless(text: Text<'_>) -> CaselessText {
    CaselessText::new(&text.quoted())
}

fn wildcard(reader: &Reader<'_>, text: Text<'_>) -> Result<Wildcard, InvalidPattern> {
    Wildcard::parse(&text.quoted()).map_err(|message| refuse(reader, message))
}

#[derive(Clone, Copy)]
enum Affix {
    Prefix,
    Suffix,
}

impl Affix {
    /// Spelled as the value is: with the quote at the end that counts.
    fn spell(self, text: &str) -> String {
        match self {
            Self::Prefix => format!("\"{text}"),
            Self::Suffix => format!("{text}\""),
        }
    }
}

fn affix(reader: &mut Reader<'_>, affix: Affix) -> Result<Operator, InvalidPattern> {
    const ALLOWED: &str = "prefix and suffix take a string, or {\"equals-ignore-case\": \"…\"}";
    let text = match next(reader)? {
        Token::String(text) => {
            let text = affix.spell(&text.decoded());
            return Ok(match affix {
                Affix::Prefix => Operator::Prefix(text),
                Affix::Suffix => Operator::Suffix(text),
            });
        }
        Token::ObjectStart => {
            only_name(reader, &["equals-ignore-case"], ALLOWED)?;
            string(reader, ALLOWED)?
        }
        Token::ObjectEnd
        | Token::ArrayStart
        | Token::ArrayEnd
        | Token::Name(_)
        | Token::Number(_)
        | Token::Word(_) => {
            return Err(refuse(reader, ALLOWED));
        }
    };
    end_of_object(reader)?;
    let text = CaselessText::new(&affix.spell(&text.decoded()));
    Ok(match affix {
        Affix::Prefix => Operator::PrefixIgnoreCase(text),
        Affix::Suffix => Operator::SuffixIgnoreCase(text),
    })
}

/// The name that an object of one operator begins with, which must be one of `names`.
fn only_name<'n>(
    reader: &mut Reader<'_>,
    names: &[&'n str],
    allowed: &str,
) -> Result<&'n str, InvalidPattern> {
    let Token::Name(name) = next(reader)? else {
        return Err(refuse(reader, allowed));
    };
    let name = name.decoded();
    names.iter().find(|known| **known == name).copied().ok_or_else(|| refuse(reader, allowed))
}

fn exists(reader: &mut Reader<'_>) -> Result<Operator, InvalidPattern> {
    match next(reader)? {
        Token::Word("true") => Ok(Operator::Exists),
        Token::Word("false") => Ok(Operator::Absent),
        Token::Word(_) | Token::String(_) | Token::Number(_) | Token::Name(_) | Token::ObjectStart => {
            Err(refuse(reader, "exists takes true or false"))
        }
        Token::ObjectEnd | Token::ArrayStart | Token::ArrayEnd => {
            Err(refuse(reader, "exists takes true or false"))
        }
    }
}

const NUMERIC: &str =
    "numeric takes one of =, <, <=, >, >= and a number, or > or >= and a number and < or <= and a larger one";

fn numeric(reader: &mut Reader<'_>) -> Result<Operator, InvalidPattern> {
    if next(reader)? != Token::ArrayStart {
        return Err(refuse(reader, NUMERIC));
    }
    let (first, bound) = comparison(reader)?;
    let bottom = match &*first {
        "=" => {
            end_of_array(reader, NUMERIC)?;
            return Ok(Operator::Numeric(Bound::Included(bound), Bound::Included(bound)));
        }
        "<" | "<=" => {
            end_of_array(reader, NUMERIC)?;
            return Ok(Operator::Numeric(Bound::Unbounded, upper(&first, bound)));
        }
        ">" => Bound::Excluded(bound),
        ">=" => Bound::Included(bound),
        _ => return Err(refuse(reader, NUMERIC)),
    };
    let Some((second, top)) = second_comparison(reader)? else {
        return Ok(Operator::Numeric(bottom, Bound::Unbounded));
    };
    if !matches!(&*second, "<" | "<=") || bound >= top {
        return Err(refuse(reader, NUMERIC));
    }
    end_of_array(reader, NUMERIC)?;
    Ok(Operator::Numeric(bottom, upper(&second, top)))
}

fn upper(operator: &str, top: f64) -> Bound<f64> {
    if operator == "<" { Bound::Excluded(top) } else { Bound::Included(top) }
}

fn comparison(reader: &mut Reader<'_>) -> Result<(String, f64), InvalidPattern> {
    let operator = string(reader, NUMERIC)?;
    bounded(reader, operator)
}

/// `None` if the array ends.
fn second_comparison(reader: &mut Reader<'_>) -> Result<Option<(String, f64)>, InvalidPattern> {
    match next(reader)? {
        Token::ArrayEnd => Ok(None),
        Token::String(operator) => bounded(reader, operator).map(Some),
        Token::ObjectStart | Token::ObjectEnd | Token::ArrayStart | Token::Name(_) => {
            Err(refuse(reader, NUMERIC))
        }
        Token::Number(_) | Token::Word(_) => Err(refuse(reader, NUMERIC)),
    }
}

fn bounded(reader: &mut Reader<'_>, operator: Text<'_>) -> Result<(String, f64), InvalidPattern> {
    let Token::Number(text) = next(reader)? else {
        return Err(refuse(reader, NUMERIC));
    };
    Ok((operator.decoded().into_owned(), number(reader, text)?))
}

fn number(reader: &Reader<'_>, text: &str) -> Result<f64, InvalidPattern> {
    comparable(text)
        .ok_or_else(|| refuse(reader, "a number that is compared has no more digits than a double keeps"))
}

fn end_of_array(reader: &mut Reader<'_>, allowed: &str) -> Result<(), InvalidPattern> {
    if next(reader)? == Token::ArrayEnd { Ok(()) } else { Err(refuse(reader, allowed)) }
}

const ANYTHING_BUT: &str = "anything-but takes a string, a number, an array of either strings or numbers, or an object of one of \
                            equals-ignore-case, prefix, suffix, wildcard";

fn anything_but(reader: &mut Reader<'_>) -> Result<Exception, InvalidPattern> {
    match next(reader)? {
        Token::String(text) => Ok(Exception::Strings(vec![text.quoted().into_owned()])),
        Token::Number(text) => Ok(Exception::Numbers(vec![number(reader, text)?])),
        Token::ArrayStart => anything_but_list(reader),
        Token::ObjectStart => anything_but_object(reader),
        Token::ObjectEnd | Token::ArrayEnd | Token::Name(_) | Token::Word(_) => {
            Err(refuse(reader, ANYTHING_BUT))
        }
    }
}

fn anything_but_list(reader: &mut Reader<'_>) -> Result<Exception, InvalidPattern> {
    let (mut strings, mut numbers) = (Vec::new(), Vec::new());
    loop {
        match next(reader)? {
            Token::String(text) => strings.push(text.quoted().into_owned()),
            Token::Number(text) => numbers.push(number(reader, text)?),
            Token::ArrayEnd => break,
            Token::ObjectStart | Token::ObjectEnd | Token::ArrayStart | Token::Name(_) | Token::Word(_) => {
                return Err(refuse(reader, ANYTHING_BUT));
            }
        }
    }
    match (strings.is_empty(), numbers.is_empty()) {
        (false, true) => Ok(Exception::Strings(strings)),
        (true, false) => Ok(Exception::Numbers(numbers)),
        (true, true) | (false, false) => Err(refuse(reader, ANYTHING_BUT)),
    }
}

fn anything_but_object(reader: &mut Reader<'_>) -> Result<Exception, InvalidPattern> {
    let name = only_name(reader, &["equals-ignore-case", "prefix", "suffix", "wildcard"], ANYTHING_BUT)?;
    let start = reader.token_start();
    let texts = strings(reader)?;
    let is_affix = matches!(name, "prefix" | "suffix");
    if texts.is_empty() || (is_affix && texts.iter().any(|text| text.decoded().is_empty())) {
        return Err(InvalidPattern::new(
            start,
            "anything-but takes no empty list, and no empty prefix or suffix",
        ));
    }
    let exception = match name {
        "prefix" => {
            Exception::Prefixes(texts.iter().map(|text| Affix::Prefix.spell(&text.decoded())).collect())
        }
        "suffix" => {
            Exception::Suffixes(texts.iter().map(|text| Affix::Suffix.spell(&text.decoded())).collect())
        }
        "wildcard" => {
            Exception::Wildcards(texts.iter().map(|text| wildcard(reader, *text)).collect::<Result<_, _>>()?)
        }
        _ => Exception::IgnoreCase(texts.iter().map(|text| caseless(*text)).collect()),
    };
    end_of_object(reader)?;
    Ok(exception)
}

/// One string, or an array of strings.
fn strings<'a>(reader: &mut Reader<'a>) -> Result<Vec<Text<'a>>, InvalidPattern> {
    let mut texts = Vec::new();
    let mut token = next(reader)?;
    if let Token::String(text) = token {
        return Ok(vec![text]);
    }
    if token != Token::ArrayStart {
        return Err(refuse(reader, ANYTHING_BUT));
    }
    loop {
        token = next(reader)?;
        match token {
            Token::String(text) => texts.push(text),
            Token::ArrayEnd => return Ok(texts),
            Token::ObjectStart | Token::ObjectEnd | Token::ArrayStart => {
                return Err(refuse(reader, ANYTHING_BUT));
            }
            Token::Name(_) | Token::Number(_) | Token::Word(_) => return Err(refuse(reader, ANYTHING_BUT)),
        }
    }
}
