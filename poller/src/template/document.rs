//! The sections of a template, with the shape that each must have.
//!
//! In: the tree. Out: parameters, conditions, mappings and resources by name, in the order of the template. Evaluates
//! nothing.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::globals;
use super::node::{Entry, Node, Value};
use super::source::Span;
use super::suggest;
use std::collections::BTreeMap;

/// SAM's macro: without it, `AWS::Serverless::…` means nothing.
const SAM_TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// Macros that change nothing of what Pelton reads, or that Pelton carries out itself.
const TRANSFORMS: [&str; 3] = [SAM_TRANSFORM, "AWS::LanguageExtensions", "AWS::CodeDeployBlueGreen"];

const SECTIONS: [&str; 12] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Globals",
    "Resources",
    "Outputs",
    "Hooks",
];

/// As many resources as CloudFormation takes in a template.
const RESOURCES_MAX: usize = 500;

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

/// A template, section by section.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) parameters: Vec<Entry>,
    pub(super) mappings: Vec<Entry>,
    pub(super) conditions: BTreeMap<String, Entry>,
    pub(super) resources: Vec<Resource>,
    by_id: BTreeMap<String, usize>,
}

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

impl Document {
    /// Takes a template apart. What has the wrong shape is reported and left out.
    pub(super) fn read(root: Node, diagnostics: &mut Diagnostics) -> Self {
        let mut document = Self::default();
        let start = Span { start: root.span.start, end: root.span.start };
        let Value::Mapping(sections) = root.value else {
            diagnostics.push(
                Diagnostic::error(Code::WrongType, "the file is no template")
                    .at(root.span, "a template is a map of sections, such as `Resources`"),
            );
            return document;
        };
        let mut globals = None;
        let mut resources = None;
        let mut has_sam_transform = false;
        for section in sections {
            match section.key.as_str() {
                "Parameters" => document.parameters = entries_of(section, diagnostics),
                "Mappings" => document.mappings = entries_of(section, diagnostics),
                "Conditions" => {
                    let named = entries_of(section, diagnostics).into_iter();
                    document.conditions = named.map(|entry| (entry.key.clone(), entry)).collect();
                }
                "Transform" => has_sam_transform = check_transforms(&section.value, diagnostics),
                "Globals" => globals = Some(entries_of(section, diagnostics)),
                "Resources" => resources = Some(entries_of(section, diagnostics)),
                name if SECTIONS.contains(&name) => {}
                name => diagnostics.push(
                    Diagnostic::error(Code::UnknownName, format!("a template has no section `{name}`"))
                        .at(section.key_span, "unknown section")
                        .help(suggest::did_you_mean(name, SECTIONS, "sections")),
                ),
            }
        }
        let globals = globals::Globals::read(globals.unwrap_or_default(), diagnostics);
        match resources {
            Some(resources) => document.read_resources(resources, &globals, diagnostics),
            None => {
                let message = "the template has no section `Resources`";
                diagnostics
                    .push(Diagnostic::error(Code::Missing, message).at(start, "the template begins here"));
            }
        }
        if !has_sam_transform {
            document.refuse_sam(diagnostics);
        }
        document
    }

    fn read_resources(
        &mut self,
        entries: Vec<Entry>,
        globals: &globals::Globals,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(excess) = entries.get(RESOURCES_MAX) {
            let message = format!("the template has more than {RESOURCES_MAX} resources");
            diagnostics.push(
                Diagnostic::error(Code::TooLarge, message)
                    .at(excess.key_span, "one too many")
                    .help("CloudFormation takes no more either: split the template"),
            );
            return;
        }
        for entry in entries {
            if let Some(resource) = Resource::read(entry, globals, diagnostics) {
                self.by_id.insert(resource.id.clone(), self.resources.len());
                self.resources.push(resource);
            }
        }
    }

    /// The resource of that logical id.
    pub(super) fn resource(&self, id: &str) -> Option<&Resource> {
        self.by_id.get(id).map(|&index| &self.resources[index])
    }

    /// Logical ids, in the order of the template.
    pub(super) fn resource_ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.resources.iter().map(|resource| resource.id.as_str())
    }

    fn refuse_sam(&self, diagnostics: &mut Diagnostics) {
        let Some(first) =
            self.resources.iter().find(|resource| resource.kind.starts_with("AWS::Serverless::"))
        else {
            return;
        };
        diagnostics.push(
            Diagnostic::error(Code::Missing, format!("`{}` needs SAM's transform", first.kind))
                .at(first.id_span, "")
                .help(format!("add a line `Transform: {SAM_TRANSFORM}` at the top of the template")),
        );
    }
}

impl Resource {
    fn read(entry: Entry, globals: &globals::Globals, diagnostics: &mut Diagnostics) -> Option<Self> {
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
        for attribute in attributes {
            match attribute.key.as_str() {
                "IgnoreGlobals" => ignored_globals = names(&attribute.value).unwrap_or_default(),
                _ => diagnostics.extend(resource.read_attribute(attribute)),
            }
        }
        if resource.kind.is_empty() {
            diagnostics.push(
                Diagnostic::error(Code::Missing, format!("the resource `{}` has no `Type`", resource.id))
                    .at(id_span, "needs a `Type`, such as `AWS::Kinesis::Stream`"),
            );
            return None;
        }
        globals.apply(&mut resource, &ignored_globals);
        Some(resource)
    }

    /// Takes an attribute over; answers what is wrong with it.
    fn read_attribute(&mut self, attribute: Entry) -> Option<Diagnostic> {
        match attribute.key.as_str() {
            "Type" => self.kind = attribute.value.as_scalar().unwrap_or_default().to_owned(),
            "Properties" if attribute.value.as_mapping().is_some() => self.properties = attribute.value,
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

fn entries_of(section: Entry, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    match section.value.value {
        Value::Mapping(entries) => entries,
        Value::Null | Value::Scalar(_) | Value::Sequence(_) => {
            diagnostics.push(wrong_shape(&section, "a map").help("fill the section, or remove it"));
            Vec::new()
        }
    }
}

/// The value of `entry` is not `wanted`.
pub(super) fn wrong_shape(entry: &Entry, wanted: &str) -> Diagnostic {
    Diagnostic::error(Code::WrongType, format!("`{}` is {}", entry.key, entry.value.kind()))
        .at(entry.key_span, format!("must be {wanted}"))
}

/// Whether SAM's transform is among them; the ones that Pelton would have to carry out and cannot are reported.
fn check_transforms(node: &Node, diagnostics: &mut Diagnostics) -> bool {
    let transforms = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    };
    for transform in transforms {
        let name = transform.as_scalar().or_else(|| transform.get("Name")?.as_scalar());
        if name.is_some_and(|name| TRANSFORMS.contains(&name)) {
            continue;
        }
        let name = name.unwrap_or("this transform");
        diagnostics.push(
            Diagnostic::error(Code::Unsupported, format!("`{name}` is not supported by Pelton"))
                .at(transform.span, "changes the template on AWS in a way that Pelton cannot know")
                .help("give Pelton the template as it is after the transform"),
        );
    }
    transforms.iter().any(|transform| transform.as_scalar() == Some(SAM_TRANSFORM))
}
