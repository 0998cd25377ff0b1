//! The fields of an event that patterns ask for.
//!
//! In: JSON, and which names are asked for. Out: the values found under each name, and in which elements of which arrays they stand.
//! Nothing else is kept; the text is read once, without recursion.

use super::json::{NotJson, Reader, Token};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The names that patterns ask for: those on the way to a leaf, joined by dots.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// In the order of their bytes, each once.
    names: Vec<String>,
    steps: BTreeSet<String>,
}

impl Names {
    pub(super) fn new(names: BTreeSet<String>) -> Self {
        let steps = names.iter().flat_map(|name| steps_of(name)).map(str::to_owned).collect();
        Self { names: names.into_iter().collect(), steps }
    }

    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()
    }

    /// Whether `name` is asked for, or one that begins with it.
    fn lead_on_from(&self, name: &str) -> bool {
        let at = self.names.partition_point(|known| known.as_str() < name);
        self.names.get(at).is_some_and(|known| known.starts_with(name))
    }

    /// Whether event-ruler looks below `step`: it knows only the parts of names, and leaves out fields that are none.
    fn have_step(&self, step: &str) -> bool {
        self.steps.contains(step)
            || (step.contains('.') && steps_of(step).all(|part| self.steps.contains(part)))
    }
}

/// The parts of a name between dots; empty ones at the end are left out, as Java does.
fn steps_of(name: &str) -> impl Iterator<Item = &str> {
    let parts = if name.is_empty() { name } else { name.trim_end_matches('.') };
    parts.split('.').take(if parts.is_empty() && !name.is_empty() { 0 } else { usize::MAX })
}

/// A value found, spelled as [`super::values`] says.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) value: Cow<'a, str>,
    /// The innermost element that it stands in.
    pub(super) element: ElementId,
    /// Its number among all values found.
    pub(super) ordinal: u32,
}

pub(super) type ElementId = u32;
pub(super) type ArrayId = u32;

/// What stands in no array.
pub(super) const NO_ELEMENT: ElementId = 0;

/// An object or array that is an element of an array. A string or a number is none: it stands in what its array stands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    /// The element that its array stands in.
    pub(super) outer: ElementId,
    pub(super) array: ArrayId,
    /// Ordinal of the first value in it.
    pub(super) first: u32,
    /// Ordinal of the first value after it.
    pub(super) end: u32,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Array {
    /// Ordinal of the first value after it.
    pub(super) end: u32,
    /// Whether values stand in it that are no elements in the sense above.
    pub(super) has_values: bool,
}

/// The fields found.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    names: &'a Names,
    by_name: Vec<Vec<Field<'a>>>,
    /// Their ids begin after [`NO_ELEMENT`].
    elements: Vec<Element>,
    arrays: Vec<Array>,
    count: u32,
}

/// An object or array that is being read.
#[derive(Clone, Copy)]
struct Open {
    /// What to go back to when it ends.
    name_len: usize,
    element: ElementId,
    array: Option<ArrayId>,
}

impl<'a> Fields<'a> {
    /// No field yet, of those that `names` ask for.
    pub(super) fn new(names: &'a Names) -> Self {
        let by_name = names.names.iter().map(|_| Vec::new()).collect();
        Self { names, by_name, elements: Vec::new(), arrays: Vec::new(), count: 0 }
    }

    /// The values found under the name of that number.
    pub(super) fn named(&self, index: usize) -> &[Field<'a>] {
        &self.by_name[index]
    }

    pub(super) fn element(&self, id: ElementId) -> Element {
        self.elements[id as usize - 1]
    }

    pub(super) fn array(&self, id: ArrayId) -> Array {
        self.arrays[id as usize]
    }

    pub(super) fn arrays_len(&self) -> usize {
        self.arrays.len()
    }

    /// Adds one value that stands in no array, spelled as [`super::values`] says, if it is asked for.
    pub(super) fn add_value(&mut self, name: &str, value: impl FnOnce() -> String) {
        if let Some(index) = self.names.index_of(name) {
            self.push(index, Cow::Owned(value()), NO_ELEMENT);
        }
    }

    /// Adds a value as a field of that name.
    ///
    /// # Errors
    ///
    /// If the text is not JSON. Part of it may have been added.
    pub(super) fn add_member(&mut self, name: &str, text: &'a str) -> Result<(), NotJson> {
        if !self.names.have_step(name) || !self.names.lead_on_from(name) {
            return Ok(());
        }
        self.walk(Reader::new(text), name.to_owned())
    }

    fn walk(&mut self, mut reader: Reader<'a>, mut name: String) -> Result<(), NotJson> {
        let mut element = NO_ELEMENT;
        let mut open: Vec<Open> = Vec::new();
        while let Some(mut token) = reader.next()? {
            let mut name_len = name.len();
            if let Token::Name(step) = token {
                let step = step.decoded();
                token = reader
                    .next()?
                    .ok_or(NotJson { offset: reader.token_start(), reason: "a value is missing" })?;
                name.push('.');
                name.push_str(&step);
                if !self.names.have_step(&step) || !self.names.lead_on_from(&name) {
                    reader.skip(token)?;
                    name.truncate(name_len);
                    continue;
                }
            }
            let array = open.last().and_then(|open| open.array);
            match token {
                Token::ObjectStart | Token::ArrayStart => {
                    let is_array = token == Token::ArrayStart;
                    open.push(Open { name_len, element, array: is_array.then(|| self.open_array()) });
                    if let Some(array) = array {
                        element = self.open_element(element, array);
                    }
                    continue;
                }
                Token::ObjectEnd | Token::ArrayEnd => {
                    if let Some(closed) = open.pop() {
                        self.close(element, closed, open.last().is_some_and(|open| open.array.is_some()));
                        element = closed.element;
                        name_len = closed.name_len;
                    }
                }
                Token::String(text) => self.add(&name, text.quoted(), element, array),
                Token::Number(text) | Token::Word(text) => {
                    self.add(&name, Cow::Borrowed(text), element, array)
                }
                Token::Name(_) => {}
            }
            name.truncate(name_len);
        }
        Ok(())
    }

    fn add(&mut self, name: &str, value: Cow<'a, str>, element: ElementId, array: Option<ArrayId>) {
        let Some(index) = self.names.index_of(name) else { return };
        if let Some(array) = array {
            self.arrays[array as usize].has_values = true;
        }
        self.push(index, value, element);
    }

    fn push(&mut self, index: usize, value: Cow<'a, str>, element: ElementId) {
        self.by_name[index].push(Field { value, element, ordinal: self.count });
        self.count += 1;
    }

    fn open_array(&mut self) -> ArrayId {
        self.arrays.push(Array::default());
        narrow(self.arrays.len() - 1)
    }

    fn open_element(&mut self, outer: ElementId, array: ArrayId) -> ElementId {
        self.elements.push(Element { outer, array, first: self.count, end: u32::MAX });
        narrow(self.elements.len())
    }

    /// Notes where an object or array ends, which was `element` if it stood in an array.
    fn close(&mut self, element: ElementId, closed: Open, is_element: bool) {
        if let Some(array) = closed.array {
            self.arrays[array as usize].end = self.count;
        }
        if is_element {
            self.elements[element as usize - 1].end = self.count;
        }
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).expect("a record has less than four thousand million values")
}
