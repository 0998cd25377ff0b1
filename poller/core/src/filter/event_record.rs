//! What of a record is matched as it stands inside an invocation event.
//!
//! In: one JSON object, as an event holds it. Out: its fields, with its payloads decoded: `kinesis.data`, and `value` and `key` of
//! Kafka, are base64 there; `body` of SQS is a string.

use super::fields::Fields;
use super::json::{NotJson, Reader, Text, Token};
use super::payload;
use super::{Contents, Source};
use base64_simd::STANDARD;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// A text that is no record of its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordError {
    /// Where in the text, in bytes.
    pub offset: usize,
    message: String,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for RecordError {}

impl From<NotJson> for RecordError {
    fn from(NotJson { offset, reason }: NotJson) -> Self {
        Self { offset, message: format!("it is not JSON, {reason} at byte {}", offset + 1) }
    }
}

fn wrong(message: &str) -> RecordError {
    RecordError { offset: 0, message: message.to_owned() }
}

/// A record taken apart.
pub(super) struct Parts<'a> {
    /// Metadata, as JSON.
    members: Vec<(Cow<'a, str>, &'a str)>,
    /// Number, name and bytes of each payload that is there and decoded.
    payloads: Vec<(usize, &'static str, Cow<'a, [u8]>)>,
}

/// Takes a record apart. `None` for a document that is matched as it stands.
pub(super) fn parts(source: Option<Source>, record: &str) -> Result<Parts<'_>, RecordError> {
    let mut parts = Parts { members: Vec::new(), payloads: Vec::new() };
    for member in members(record)? {
        match (source, &*member.name) {
            (Some(Source::Kinesis), "kinesis") => {
                let inner = members(member.raw).map_err(|_| wrong("its kinesis is not a JSON object"))?;
                for member in inner {
                    let is_data = member.name == "data";
                    parts.add(member, if is_data { Some((0, "data", Coding::Base64)) } else { None })?;
                }
            }
            (Some(Source::Kafka), "value") => parts.add(member, Some((0, "value", Coding::Base64)))?,
            (Some(Source::Kafka), "key") => parts.add(member, Some((1, "key", Coding::Base64)))?,
            (Some(Source::Sqs), "body") => parts.add(member, Some((0, "body", Coding::Text)))?,
            (Some(Source::DynamoDb), "dynamodb") => parts.add(member, Some((0, "dynamodb", Coding::Json)))?,
            (_, _) => parts.add(member, None)?,
        }
    }
    Ok(parts)
}

/// How a payload stands in the event.
#[derive(Clone, Copy)]
enum Coding {
    Base64,
    Text,
    Json,
}

impl<'a> Parts<'a> {
    fn add(
        &mut self,
        member: Member<'a>,
        payload: Option<(usize, &'static str, Coding)>,
    ) -> Result<(), RecordError> {
        let Some((number, name, coding)) = payload else {
            self.members.push((member.name, member.raw));
            return Ok(());
        };
        match (coding, member.first) {
            (Coding::Json, _) => self.payloads.push((number, name, Cow::Borrowed(member.raw.as_bytes()))),
            (Coding::Text, Token::String(text)) => self.payloads.push((number, name, bytes(text))),
            (Coding::Base64, Token::String(text)) => {
                let decoded = STANDARD.decode_to_vec(text.decoded().as_bytes());
                let decoded = decoded.map_err(|_| wrong(&format!("its {name} is not base64")))?;
                self.payloads.push((number, name, Cow::Owned(decoded)));
            }
            // Nothing that a payload could be, such as the null of a tombstone.
            (Coding::Base64 | Coding::Text, _) => {}
        }
        Ok(())
    }

    /// The bytes of its payloads.
    pub(super) fn payloads(&self) -> Vec<&[u8]> {
        self.payloads.iter().map(|(_, _, payload)| payload.as_ref()).collect()
    }

    /// Adds everything to `fields`, and says of each payload what it holds.
    pub(super) fn add_to(
        &'a self,
        fields: &mut Fields<'a>,
        contents: &mut Contents,
    ) -> Result<(), RecordError> {
        for (name, raw) in &self.members {
            fields.add_member(name, raw)?;
        }
        for (number, name, payload) in &self.payloads {
            contents[*number] = payload::add(fields, name, payload);
        }
        Ok(())
    }
}

fn bytes(text: Text<'_>) -> Cow<'_, [u8]> {
    match text.decoded() {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

struct Member<'a> {
    name: Cow<'a, str>,
    first: Token<'a>,
    /// The whole value.
    raw: &'a str,
}

/// The members of an object, in order.
fn members(text: &str) -> Result<Vec<Member<'_>>, RecordError> {
    let mut reader = Reader::new(text);
    if reader.next()? != Some(Token::ObjectStart) {
        return Err(wrong("it is not a JSON object"));
    }
    let mut members = Vec::new();
    while let Some(token) = reader.next()? {
        let Token::Name(name) = token else { continue };
        let Some(first) = reader.next()? else { continue };
        let start = reader.token_start();
        reader.skip(first)?;
        members.push(Member { name: name.decoded(), first, raw: &text[start..reader.token_end()] });
    }
    Ok(members)
}
