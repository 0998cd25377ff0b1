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

/// The attributes that a resource may have beside its properties.
const RESOURCE_ATTRIBUTES: [&str; 11] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "Metadata",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "Connectors",
    "IgnoreGlobals",
];

/// A resource, its properties not yet evaluated.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) id_span: Span,
    /// `Type`.
    pub(super) kind: String,
    /// `Properties`, with those of `Globals` merged into them; an empty map if there are none.
    pub(super) properties: Node,
    /// `Condition`: the resource exists only if it holds.
    pub(super) condition: Option<(String, Span)>,
    /// `DependsOn`.
    pub(super) depends_on: Vec<(String, Span)>,
    pub(super) metadata: Option<Node>,
}

impl Resource {
    /// Takes a resource apart. `None` if it is none, which is reported.
    pub(super) fn read(
        entry: Entry,
        globals: &globals::Globals,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        if let Some(diagnostic) = wrong_id(&entry) {
            diagnostics.push(diagnostic);
            return None;
        }
        let (id, id_span) = (entry.key, entry.key_span);
        let Value::Mapping(attributes) = entry.value.value else {
            diagnostics.push(
                Diagnostic::error(Code::WrongType, format!("the resource `{id}` is {}", entry.value.kind()))
                    .at(id_span, "must be a map with a `Type`"),
            );
            return None;
        };
        let mut resource = Self {
            id,
            id_span,
            kind: String::new(),
            properties: Node { value: Value::Mapping(Vec::new()), span: id_span },
            condition: None,
            depends_on: Vec::new(),
            metadata: None,
        };
        let mut ignored_globals = Vec::new();
        let mut has_type = false;
        for attribute in attributes {
            match attribute.key.as_str() {
                "IgnoreGlobals" => ignored_globals = names(&attribute.value).unwrap_or_default(),
                "Type" => {
                    has_type = true;
                    diagnostics.extend(resource.read_type(&attribute));
                }
                _ => diagnostics.extend(resource.read_attribute(attribute)),
            }
        }
        if !has_type {
            diagnostics.push(
                Diagnostic::error(Code::Missing, format!("the resource `{}` has no `Type`", resource.id))
                    .at(id_span, "needs a `Type`, such as `AWS::Kinesis::Stream`"),
            );
        }
        if resource.kind.is_empty() {
            return None;
        }
        globals.apply(&mut resource, &ignored_globals);
        resource.properties.remove_empty_properties();
        Some(resource)
    }

    /// Takes the type over; answers what is wrong with it.
    fn read_type(&mut self, attribute: &Entry) -> Option<Diagnostic> {
        let Some(kind) = attribute.value.as_scalar() else {
            return Some(wrong_shape(attribute, "the name of a type, such as `AWS::Kinesis::Stream`"));
        };
        let wrong = resource_types::check(kind, attribute.value.span);
        let meant = wrong.as_ref().and_then(|wrong| wrong.meant);
        self.kind = meant.unwrap_or(kind).to_owned();
        wrong.map(|wrong| wrong.diagnostic)
    }

    /// Takes an attribute over; answers what is wrong with it.
    fn read_attribute(&mut self, attribute: Entry) -> Option<Diagnostic> {
        match attribute.key.as_str() {
            "Properties" if attribute.value.as_mapping().is_some() => self.properties = attribute.value,
            "Properties" if attribute.value.value == Value::Null => {}
            "Properties" => return Some(wrong_shape(&attribute, "a map")),
            "Condition" => match attribute.value.as_scalar() {
                Some(name) => self.condition = Some((name.to_owned(), attribute.value.span)),
                None => return Some(wrong_shape(&attribute, "the name of a condition")),
            },
            "DependsOn" => match names(&attribute.value) {
                Some(names) => self.depends_on = names,
                None => return Some(wrong_shape(&attribute, "a logical id, or a list of them")),
            },
            "Metadata" => self.metadata = Some(attribute.value),
            name if RESOURCE_ATTRIBUTES.contains(&name) => {}
            name => {
                return Some(
                    Diagnostic::error(Code::UnknownName, format!("a resource has no attribute `{name}`"))
                        .at(attribute.key_span, "unknown attribute")
                        .help(suggest::did_you_mean(name, RESOURCE_ATTRIBUTES, "attributes")),
                );
            }
        }
        None
    }
}

/// What is wrong with the logical id of a resource, if anything is.
fn wrong_id(entry: &Entry) -> Option<Diagnostic> {
    if entry.key.starts_with("Fn::") {
        return Some(
            Diagnostic::error(Code::Unsupported, format!("`{}` is not supported by Pelton", entry.key))
                .at(entry.key_span, "makes resources that Pelton would not see")
                .help("write the resources out"),
        );
    }
    let is_logical_id = !entry.key.is_empty() && entry.key.chars().all(|c| c.is_ascii_alphanumeric());
    (!is_logical_id).then(|| {
        Diagnostic::error(Code::InvalidValue, format!("`{}` is no logical id", entry.key))
            .at(entry.key_span, "must consist of letters A-Z, a-z and digits")
    })
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
