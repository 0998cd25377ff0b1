//! The sections of a template, with the shape that each must have.
//!
//! In: the tree. Out: parameters, conditions, mappings and resources by name, in the order of the template. Evaluates
//! nothing.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::globals;
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::source::Span;
use super::suggest;
use std::collections::{BTreeMap, BTreeSet};

/// SAM's macro: without it, `AWS::Serverless::…` means nothing.
const SAM_TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// The macro that brings further functions along.
pub(super) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

/// Macros that change nothing of what Pelton reads, or that Pelton carries out itself.
const TRANSFORMS: [&str; 5] = [
    SAM_TRANSFORM,
    LANGUAGE_EXTENSIONS,
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
];

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

/// A template, section by section.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) parameters: Vec<Entry>,
    pub(super) mappings: Vec<Entry>,
    pub(super) conditions: BTreeMap<String, Entry>,
    pub(super) resources: Vec<Resource>,
    /// Whether the template may call what the macro `AWS::LanguageExtensions` carries out.
    pub(super) has_language_extensions: bool,
    by_id: BTreeMap<String, usize>,
    /// Entries of `Resources` that are no resources, which was reported: a reference to one is not told again.
    broken: BTreeSet<String>,
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
                "Transform" => {
                    let transforms = check_transforms(&section.value, diagnostics);
                    has_sam_transform = transforms.contains(&SAM_TRANSFORM);
                    document.has_language_extensions = transforms.contains(&LANGUAGE_EXTENSIONS);
                }
                "Fn::Transform" => {
                    check_transforms(&section.value, diagnostics);
                }
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
            let id = entry.key.clone();
            match Resource::read(entry, globals, diagnostics) {
                Some(resource) => {
                    self.by_id.insert(id, self.resources.len());
                    self.resources.push(resource);
                }
                None => drop(self.broken.insert(id)),
            }
        }
    }

    /// The resource of that logical id.
    pub(super) fn resource(&self, id: &str) -> Option<&Resource> {
        self.by_id.get(id).map(|&index| &self.resources[index])
    }

    /// Whether a resource of that name may be there, though it could not be read: that was reported.
    pub(super) fn is_broken(&self, id: &str) -> bool {
        self.broken.contains(id) || self.broken.iter().any(|id| id.starts_with("Fn::"))
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

/// The ones that Pelton carries out; those that it would have to and cannot are reported.
fn check_transforms(node: &Node, diagnostics: &mut Diagnostics) -> Vec<&'static str> {
    let transforms = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    };
    let mut known = Vec::new();
    for transform in transforms {
        let name = transform.as_scalar().or_else(|| transform.get("Name")?.as_scalar());
        if let Some(transform) = TRANSFORMS.iter().find(|&&known| Some(known) == name) {
            known.push(*transform);
            continue;
        }
        let name = name.unwrap_or("this transform");
        diagnostics.push(
            Diagnostic::error(Code::Unsupported, format!("`{name}` is not supported by Pelton"))
                .at(transform.span, "changes the template on AWS in a way that Pelton cannot know")
                .help("give Pelton the template as it is after the transform"),
        );
    }
    known
}
