//! A resource of the template, taken apart: its type, properties and attributes.
//!
//! In: an entry of `Resources`. Out: the resource with what `Globals` adds to it, or what is wrong with it. Evaluates
//! nothing.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::document::wrong_shape;
use super::globals;
use super::node::{Entry, Node, Value};
use super::resource_types;
use super::source::Span;
use super::suggest;

/// The attributes that Pelton reads.
const READ_ATTRIBUTES: [&str; 5] = ["Type", "Properties", "Condition", "Metadata", "IgnoreGlobals"];

/// The attributes that only AWS reads.
const OTHER_ATTRIBUTES: [&str; 8] = [
    "Connectors",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Description",
    "UpdatePolicy",
    "UpdateReplacePolicy",
    "Version",
];

/// A resource, its properties not yet evaluated.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) id: String,
    pub(crate) id_span: Span,
    /// `Type`.
    pub(crate) kind: String,
    /// `Properties`, with those of `Globals` merged into them; an empty map if there are none. They have any shape.
    pub(crate) properties: Node,
    /// `Condition`: the resource exists only if it holds.
    pub(crate) condition: Option<(String, Span)>,
    /// `DependsOn`.
    pub(crate) depends_on: Vec<(String, Span)>,
    pub(crate) metadata: Option<Node>,
    /// `Connectors`: each becomes resources of its own.
    pub(crate) connectors: Vec<String>,
}

impl Resource {
    /// Takes a resource apart, and reports what is wrong with it. If it is none, the answer is why.
    pub(crate) fn read(
        entry: Entry,
        globals: &globals::Globals,
        diagnostics: &mut Diagnostics,
    ) -> Result<Self, Box<Diagnostic>> {
        let (id, id_span) = (entry.key, entry.key_span);
        let Value::Mapping(attributes) = entry.value.value else {
            let message = format!("the resource `{id}` is {}", entry.value.kind());
            let diagnostic = Diagnostic::error(Code::WrongType, message);
            return Err(Box::new(diagnostic.at(id_span, "must be a map with a `Type`")));
        };
        let mut resource = Self {
            id,
            id_span,
            kind: String::new(),
            properties: Node { value: Value::Mapping(Vec::new()), span: id_span },
            condition: None,
            depends_on: Vec::new(),
            metadata: None,
            connectors: Vec::new(),
        };
        match attributes.iter().find(|attribute| attribute.key == "Type") {
            Some(kind) => diagnostics.extend(resource.read_type(kind)?),
            None => {
                let message = format!("the resource `{}` has no `Type`", resource.id);
                let diagnostic = Diagnostic::error(Code::Missing, message);
                return Err(Box::new(
                    diagnostic.at(id_span, "needs a `Type`, such as `AWS::Kinesis::Stream`"),
                ));
            }
        }
        diagnostics.extend(resource.wrong_id());
        let mut ignored_globals = Vec::new();
        for attribute in attributes {
            match attribute.key.as_str() {
                "IgnoreGlobals" => ignored_globals = names(&attribute.value).unwrap_or_default(),
                _ => diagnostics.extend(resource.read_attribute(attribute)),
            }
        }
        globals.apply(&mut resource, &ignored_globals);
        resource.properties.remove_empty_properties();
        Ok(resource)
    }

    /// Takes the type over; answers what is wrong with its name.
    fn read_type(&mut self, attribute: &Entry) -> Result<Option<Diagnostic>, Box<Diagnostic>> {
        let Some(kind) = attribute.value.as_scalar() else {
            let wanted = "the name of a type, such as `AWS::Kinesis::Stream`";
            return Err(Box::new(wrong_shape(attribute, wanted)));
        };
        let wrong = resource_types::check(kind, attribute.value.span);
        let meant = wrong.as_ref().and_then(|wrong| wrong.meant);
        self.kind = meant.unwrap_or(kind).to_owned();
        Ok(wrong.map(|wrong| wrong.diagnostic))
    }

    /// Whether Pelton reads resources of this type.
    fn is_read(&self) -> bool {
        resource_types::READ.contains(&self.kind.as_str())
    }

    /// Takes an attribute over; answers what is wrong with it, if Pelton reads the resource.
    fn read_attribute(&mut self, attribute: Entry) -> Option<Diagnostic> {
        match attribute.key.as_str() {
            "Type" => {}
            "Properties" if attribute.value.value == Value::Null => {}
            "Properties" => self.properties = attribute.value,
            "Condition" => match attribute.value.as_scalar() {
                Some(name) => self.condition = Some((name.to_owned(), attribute.value.span)),
                None => return self.is_read().then(|| wrong_shape(&attribute, "the name of a condition")),
            },
            "DependsOn" => self.depends_on = names(&attribute.value).unwrap_or_default(),
            "Metadata" => self.metadata = Some(attribute.value),
            "Connectors" => {
                let connectors = attribute.value.as_mapping().unwrap_or_default();
                self.connectors = connectors.iter().map(|connector| connector.key.clone()).collect();
            }
            name if OTHER_ATTRIBUTES.contains(&name) => {}
            name if self.is_read() => {
                let known = [&READ_ATTRIBUTES[..], &OTHER_ATTRIBUTES].concat();
                let nearest = suggest::nearest(name, known.iter().copied());
                let nearest_read = nearest.filter(|nearest| READ_ATTRIBUTES.contains(nearest));
                let message = format!("a resource has no attribute `{name}`");
                return Some(
                    suggest::unknown_name(name, nearest_read, message)
                        .at(attribute.key_span, "unknown attribute")
                        .help(suggest::did_you_mean(name, known.iter().copied(), "attributes")),
                );
            }
            _ => {}
        }
        None
    }

    /// What is wrong with the logical id, if anything is: Pelton names what it runs by it.
    fn wrong_id(&self) -> Option<Diagnostic> {
        let is_logical_id = !self.id.is_empty() && self.id.chars().all(|c| c.is_ascii_alphanumeric());
        if is_logical_id {
            return None;
        }
        let message = format!("`{}` is not a valid logical id", self.id);
        let diagnostic = if self.is_read() {
            Diagnostic::error(Code::InvalidValue, message)
        } else {
            Diagnostic::warning(Code::InvalidValue, message)
        };
        Some(diagnostic.at(self.id_span, "must consist of the letters A-Z and a-z, and digits"))
    }
}

/// A name, or a list of names.
fn names(node: &Node) -> Option<Vec<(String, Span)>> {
    let name = |node: &Node| Some((node.as_scalar()?.to_owned(), node.span));
    match &node.value {
        Value::Scalar(_) => Some(vec![name(node)?]),
        Value::Sequence(items) => items.iter().map(name).collect(),
        Value::Null | Value::Mapping(_) => None,
    }
}
