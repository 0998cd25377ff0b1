//! The part of a record that its producer wrote, and what happens if it is not of the kind that a pattern is written for
//! (specification 6.3).

use super::Source;
use super::compiled::Treatment;
use super::error::InvalidPattern;
use super::fields::Fields;
use super::json::{Reader, Token};
use super::pattern::Branch;
use base64_simd::forgiving_decode_to_vec;

/// Most payloads of one record: key and value of Kafka.
pub(super) const PAYLOADS_MAX: usize = 2;

/// What a payload holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Content {
    /// A JSON object. Other JSON counts as text: AWS does not say, and to filter by it would drop more.
    Object,
    /// Other text in UTF-8.
    Plain,
    /// Bytes that are none, or nothing.
    #[default]
    Unreadable,
}

/// How a clause looks into a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PayloadUse {
    /// Which of the record's payloads.
    payload: usize,
    wants: Content,
}

/// Under which names the payloads of a source are matched.
pub(super) fn names(source: Source) -> &'static [&'static str] {
    match source {
        Source::Kinesis => &["data"],
        Source::DynamoDb => &["dynamodb"],
        Source::Kafka => &["value", "key"],
        Source::Sqs => &["body"],
    }
}

/// What of a record of Kinesis stands under `kinesis` may be named with or without that.
pub(super) fn canonical(source: Option<Source>, name: &str) -> &str {
    if source == Some(Source::Kinesis) { name.strip_prefix("kinesis.").unwrap_or(name) } else { name }
}

/// Whether and how a clause of that name looks into a payload.
pub(super) fn use_of(source: Option<Source>, name: &str) -> Option<PayloadUse> {
    names(source?).iter().enumerate().find_map(|(payload, known)| match name.strip_prefix(known) {
        Some("") => Some(PayloadUse { payload, wants: Content::Plain }),
        Some(rest) if rest.starts_with('.') => Some(PayloadUse { payload, wants: Content::Object }),
        Some(_) | None => None,
    })
}

/// Refuses values for the data of Kinesis and DynamoDB as a whole: they are matched as JSON only.
pub(super) fn check(source: Option<Source>, branches: Vec<Branch>) -> Result<Vec<Branch>, InvalidPattern> {
    if !matches!(source, Some(Source::Kinesis | Source::DynamoDb)) {
        return Ok(branches);
    }
    for clause in branches.iter().flat_map(|branch| branch.values()) {
        let name = canonical(source, &clause.name);
        if use_of(source, name).is_some_and(|used| used.wants == Content::Plain) {
            return Err(InvalidPattern::new(
                clause.offset,
                &format!("{name} takes an object of fields, not values"),
            ));
        }
    }
    Ok(branches)
}

/// How to take a clause for a record whose payloads hold `contents`.
pub(super) fn treatment(
    source: Option<Source>,
    used: Option<PayloadUse>,
    contents: [Content; PAYLOADS_MAX],
) -> Treatment {
    let (Some(source), Some(used)) = (source, used) else { return Treatment::Judge };
    match source {
        _ if contents[used.payload] == used.wants => Treatment::Judge,
        Source::Kafka => Treatment::Ignore,
        Source::Kinesis | Source::DynamoDb | Source::Sqs => Treatment::Refuse,
    }
}

impl PayloadUse {
    /// Whether it looks into the payload of that number.
    pub(super) fn is_of(self, payload: usize) -> bool {
        self.payload == payload
    }

    /// Whether it looks for that in the payload.
    pub(super) fn wants(self, content: Content) -> bool {
        self.wants == content
    }
}

/// Whether a clause is refused because the payload that it looks into is not a JSON object.
pub(super) fn misses_json(
    source: Option<Source>,
    used: PayloadUse,
    contents: [Content; PAYLOADS_MAX],
) -> bool {
    let is_refused = treatment(source, Some(used), contents) == Treatment::Refuse;
    is_refused && used.wants(Content::Object)
}

/// Whether a payload is the base64 text of a JSON object: its producer encoded what its SDK, or `pelton put`, encodes anyway.
#[must_use]
pub fn is_json_in_base64(payload: &[u8]) -> bool {
    let Ok(decoded) = forgiving_decode_to_vec(payload) else { return false };
    std::str::from_utf8(&decoded).is_ok_and(is_object)
}

fn is_object(text: &str) -> bool {
    let mut reader = Reader::new(text);
    let Ok(Some(Token::ObjectStart)) = reader.next() else { return false };
    loop {
        match reader.next() {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Adds a payload to the fields, under its name.
pub(super) fn add<'a>(fields: &mut Fields<'a>, name: &str, payload: &'a [u8]) -> Content {
    let Ok(text) = std::str::from_utf8(payload) else { return Content::Unreadable };
    let is_object = text.trim_start_matches(['\u{feff}', ' ', '\t', '\n', '\r']).starts_with('{');
    // If it turns out to be no JSON, no clause that looks at what was added is judged.
    if is_object && fields.add_member(name, text).is_ok() {
        return Content::Object;
    }
    fields.add_value(name, || format!("\"{text}\""));
    Content::Plain
}
