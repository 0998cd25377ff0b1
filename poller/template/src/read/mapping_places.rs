//! Where a template gives the parameters of a mapping: what is wrong with one is shown there.

use super::context::{Context, Reported};
use super::node::Entry;
use super::source::Span;
use pelton_model::Parameter;
use std::collections::BTreeSet;

/// A place where a parameter is given.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What it is called there: SAM has some names of its own.
    pub(crate) name: String,
    pub(crate) key_span: Span,
    pub(crate) value_span: Span,
}

/// Every parameter of one mapping.
#[derive(Default)]
pub(crate) struct Places<'t> {
    given: Vec<(Parameter, Place)>,
    /// Those with a value that could not be read, which was reported.
    unreadable: BTreeSet<Parameter>,
    /// What stands for the destination of failed records.
    pub(crate) destination: Option<&'t Entry>,
    /// What makes that a FIFO queue or topic, if the template does.
    pub(crate) fifo: Option<Span>,
}

impl<'t> Places<'t> {
    /// The value of a parameter that is a text, a number or a boolean. What is wrong with it is reported, and then nothing else is
    /// said about the parameter.
    pub(crate) fn read_text(
        &mut self,
        context: &mut Context<'t>,
        parameter: Parameter,
        property: &'t Entry,
    ) -> Result<Option<String>, Reported> {
        self.add(parameter, property);
        let text = context.text(property);
        if text.is_err() {
            self.add_unreadable(parameter);
        }
        text
    }

    /// A parameter stands here.
    pub(crate) fn add(&mut self, parameter: Parameter, property: &Entry) {
        let Entry { key, key_span, value } = property;
        self.add_at(parameter, Place { name: key.clone(), key_span: *key_span, value_span: value.span });
    }

    pub(crate) fn add_at(&mut self, parameter: Parameter, place: Place) {
        self.given.push((parameter, place));
    }

    /// The value of a parameter could not be read: nothing else is said about it.
    pub(crate) fn add_unreadable(&mut self, parameter: Parameter) {
        self.unreadable.insert(parameter);
    }

    pub(crate) fn is_unreadable(&self, parameter: Parameter) -> bool {
        self.unreadable.contains(&parameter)
    }

    /// Each place where the parameter is given: SAM may have several names for one.
    pub(crate) fn all(&self, parameter: Parameter) -> impl Iterator<Item = &Place> {
        self.given.iter().filter(move |(given, _)| *given == parameter).map(|(_, place)| place)
    }

    pub(crate) fn of(&self, parameter: Parameter) -> Option<&Place> {
        self.all(parameter).next()
    }
}
