//! A record as filters see it, before it is encoded: its payloads, and what its event says of it beside them.

use super::fields::Fields;
use super::payload::{self, Content};
use super::{Contents, Filters, Source};

/// A record that filters can judge. Never builds the event.
pub trait Recordlike {
    /// Where it comes from.
    const SOURCE: Source;

    /// What its producer wrote, in the order in which [`Source`] names the payloads; `None`: null, such as the value of a tombstone.
    fn payloads(&self) -> impl Iterator<Item = Option<&[u8]>>;

    /// Names everything else that its event says of it. Called only if a pattern asks for such.
    fn describe<'v>(&'v self, metadata: &mut Metadata<'_, 'v>);
}

/// Takes what an event says of a record beside its payloads.
pub struct Metadata<'f, 'a>(&'f mut Fields<'a>);

impl<'a> Metadata<'_, 'a> {
    /// A text.
    pub fn add_text(&mut self, name: &str, text: &str) {
        self.0.add_value(name, || format!("\"{text}\""));
    }

    /// A value, as the event spells it in JSON.
    pub fn add_json(&mut self, name: &str, value: impl FnOnce() -> String) {
        self.0.add_value(name, value);
    }

    /// A list or an object, as the event spells it in JSON.
    pub fn add_document(&mut self, name: &str, document: &'a str) {
        self.0.add_member(name, document).expect("an event says of a record what is JSON");
    }
}

impl Filters {
    pub(super) fn fields_of<'a, R: Recordlike>(&'a self, record: &'a R) -> (Fields<'a>, Contents) {
        assert_eq!(self.source, Some(R::SOURCE), "the filters are of the record's source");
        let mut fields = Fields::new(self.patterns.names());
        if self.uses.iter().any(Option::is_none) {
            record.describe(&mut Metadata(&mut fields));
        }
        let mut contents = [Content::Unreadable; payload::PAYLOADS_MAX];
        for (number, (name, payload)) in payload::names(R::SOURCE).iter().zip(record.payloads()).enumerate() {
            let Some(payload) = payload else { continue };
            if self.uses.iter().flatten().any(|used| used.is_of(number)) {
                contents[number] = payload::add(&mut fields, name, payload);
            }
        }
        (fields, contents)
    }
}
