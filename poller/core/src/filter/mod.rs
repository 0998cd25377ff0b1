//! FilterCriteria: which records a mapping's function is to see (specification 6).
//!
//! In: the patterns of a mapping, and a record. Out: whether one of the patterns matches it, and if none does, the clause that
//! decided. Never changes a record, never fails on one: what cannot be judged passes, as far as AWS does not say otherwise.
//!
//! | module | does |
//! |---|---|
//! | `pattern`, `expression` | read a pattern, or say where it is none |
//! | `values`, `number`, `text`, `address` | compare one value |
//! | `json`, `fields` | find the values that patterns ask for, in one pass over the text |
//! | `compiled`, `array_consistency` | judge a record by what was found |
//! | `recordlike`, `event_record` | what of a record is matched |
//!
//! The semantics are those of AWS's engine, event-ruler 2.1.0, except where AWS says that Lambda differs; a test compares both.

mod address;
mod array_consistency;
mod compiled;
mod error;
mod event_record;
mod explanation;
mod expression;
mod fields;
mod json;
mod number;
mod pattern;
mod payload;
mod recordlike;
#[cfg(test)]
mod tests;
mod text;
mod values;

pub use error::PatternError;
pub use event_record::RecordError;
pub use explanation::{Decided, Explanation, Why};
pub use payload::is_json_in_base64;
pub use recordlike::{Metadata, Recordlike};

use compiled::{Decisive, Patterns};
use error::InvalidPattern;
use fields::Fields;
use payload::{Content, PAYLOADS_MAX, PayloadUse};

/// Most filters of a mapping: AWS allows 5, and 10 to who asks for more.
pub const FILTERS_MAX: usize = 10;

/// Longest pattern, in characters.
pub const PATTERN_CHARACTERS_MAX: usize = 4096;

/// Where records come from: what of them is matched, and what happens if data and pattern are of different kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `data` is the payload.
    Kinesis,
    /// `dynamodb` is the payload; its values are typed (`{"S": ["x"]}`).
    DynamoDb,
    /// `value` and `key` are payloads.
    Kafka,
    /// `body` is the payload.
    Sqs,
}

/// Whether the function is to see a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A filter matches.
    Pass,
    /// None does: the record is settled without an invocation.
    Drop,
    /// The same, and its payload is not the JSON object that a filter needs.
    DropNotJson,
}

/// The filters of a mapping: a record passes if one of them matches.
#[derive(Clone, Debug)]
pub struct Filters {
    /// `None`: documents are matched as they stand.
    source: Option<Source>,
    patterns: Patterns,
    /// Of each clause, whether it looks into a payload.
    uses: Vec<Option<PayloadUse>>,
}

impl Filters {
    /// The filters of a mapping that reads `source`; `None` without any, so that nothing is done for a record.
    ///
    /// # Errors
    ///
    /// For the first pattern that is none or that the source does not allow, and if there are more than [`FILTERS_MAX`].
    pub fn compile(source: Source, patterns: &[String]) -> Result<Option<Self>, PatternError> {
        Self::compile_for(Some(source), patterns)
    }

    /// Filters that match JSON documents as they stand, by [`Filters::explain_document`].
    ///
    /// # Errors
    ///
    /// As [`Filters::compile`].
    pub fn compile_bare(patterns: &[String]) -> Result<Option<Self>, PatternError> {
        Self::compile_for(None, patterns)
    }

    fn compile_for(source: Option<Source>, texts: &[String]) -> Result<Option<Self>, PatternError> {
        if texts.is_empty() {
            return Ok(None);
        }
        let mut patterns = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let branches = Self::check_limits(index, text)
                .and_then(|()| pattern::parse(text))
                .and_then(|branches| payload::check(source, branches))
                .map_err(|invalid| invalid.of_pattern(index, text))?;
            patterns.push(branches);
        }
        let patterns = Patterns::new(patterns, |name| payload::canonical(source, name));
        let uses = patterns.clauses().iter().map(|clause| payload::use_of(source, &clause.name)).collect();
        Ok(Some(Self { source, patterns, uses }))
    }

    fn check_limits(index: usize, text: &str) -> Result<(), InvalidPattern> {
        if index >= FILTERS_MAX {
            return Err(InvalidPattern::new(0, "a mapping has at most 10 filters"));
        }
        match text.char_indices().nth(PATTERN_CHARACTERS_MAX) {
            Some((offset, _)) => Err(InvalidPattern::new(offset, "a pattern has at most 4096 characters")),
            None => Ok(()),
        }
    }

    /// Judges a record before it is encoded. Its payloads are parsed at most once, and only if a pattern looks into one.
    ///
    /// # Panics
    ///
    /// If these are not the filters of a mapping that reads the record's source.
    #[must_use]
    pub fn judge<R: Recordlike>(&self, record: &R) -> Verdict {
        let (fields, contents) = self.fields_of(record);
        self.verdict(&fields, contents, |_| {})
    }

    /// The same, with the clauses that decided.
    ///
    /// # Panics
    ///
    /// As [`Filters::judge`].
    #[must_use]
    pub fn explain<R: Recordlike>(&self, record: &R) -> Explanation {
        let (fields, contents) = self.fields_of(record);
        self.explain_fields(&fields, contents).of_payloads(&record.payloads().flatten().collect::<Vec<_>>())
    }

    /// Judges a record as it stands inside an invocation event of its source: one JSON object.
    ///
    /// # Errors
    ///
    /// If the text is no such record.
    pub fn explain_event_record(&self, record: &str) -> Result<Explanation, RecordError> {
        let mut contents = Contents::default();
        let parts = event_record::parts(self.source, record)?;
        let mut fields = Fields::new(self.patterns.names());
        parts.add_to(&mut fields, &mut contents)?;
        Ok(self.explain_fields(&fields, contents).of_payloads(&parts.payloads()))
    }

    /// Judges a JSON document by filters that are bare.
    ///
    /// # Errors
    ///
    /// If the text is no JSON object.
    pub fn explain_document(&self, document: &str) -> Result<Explanation, RecordError> {
        self.explain_event_record(document)
    }

    fn explain_fields(&self, fields: &Fields<'_>, contents: Contents) -> Explanation {
        let mut decided = Vec::new();
        let verdict = self.verdict(fields, contents, |decisive| decided.push(self.decided(decisive)));
        match verdict {
            Verdict::Pass => Explanation::Pass,
            Verdict::Drop => Explanation::Drop(decided),
            Verdict::DropNotJson => Explanation::DropNotJson { decided, is_json_in_base64: false },
        }
    }

    fn verdict(&self, fields: &Fields<'_>, contents: Contents, explain: impl FnMut(Decisive)) -> Verdict {
        let treatment = |clause: usize| payload::treatment(self.source, self.uses[clause], contents);
        if self.patterns.match_fields(fields, treatment, explain) {
            Verdict::Pass
        } else if self.uses.iter().flatten().any(|used| payload::misses_json(self.source, *used, contents)) {
            Verdict::DropNotJson
        } else {
            Verdict::Drop
        }
    }
}

/// Of each payload of a record, what it holds.
type Contents = [Content; PAYLOADS_MAX];
