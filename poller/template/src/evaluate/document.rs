//! The sections of a template, with the shape that each must have.
//!
//! In: the tree. Out: parameters, conditions, mappings and resources by name, in the order of the template. Evaluates
//! nothing.

use super::diagnostics::{Code, Diagnostic, Diagnostics};
use super::globals;
use super::intrinsics::FOR_EACH;
use super::node::{Entry, Node, Value};
use super::references::SAM_FUNCTION;
use super::resource::Resource;
use super::resource_types::{self, READ};
use super::source::Span;
use super::suggest;
use crate::options::Unsupported;
use std::collections::BTreeMap;

/// SAM's macro: without it, `AWS::Serverless::…` means nothing.
const SAM_TRANSFORM: &str = "AWS::Serverless-2016-10-31";

/// The macro that brings further functions along.
pub(crate) const LANGUAGE_EXTENSIONS: &str = "AWS::LanguageExtensions";

/// Macros that change nothing of what Pelton reads, or that Pelton carries out itself.
const TRANSFORMS: [&str; 5] = [
    SAM_TRANSFORM,
    LANGUAGE_EXTENSIONS,
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
];

/// The sections that Pelton reads.
const READ_SECTIONS: [&str; 6] = ["Parameters", "Mappings", "Conditions", "Transform", "Globals", RESOURCES];

/// The only section that must not be empty.
const RESOURCES: &str = "Resources";

/// The sections that only AWS reads.
const OTHER_SECTIONS: [&str; 6] =
    ["AWSTemplateFormatVersion", "Description", "Metadata", "Rules", "Outputs", "Hooks"];

/// What makes resources, parameters or sections that the template does not show.
#[derive(Debug)]
pub(crate) struct Unseen {
    /// Its name: a macro, or a function in the place of a resource.
    pub(crate) name: String,
    /// Whether it was refused: what might come of it is not told as well.
    pub(crate) is_refused: bool,
}

/// As many resources as CloudFormation takes in a template.
const RESOURCES_MAX: usize = 500;

/// A template, section by section.
#[derive(Debug, Default)]
pub(crate) struct Document {
    pub(crate) parameters: Vec<Entry>,
    pub(crate) mappings: Vec<Entry>,
    pub(crate) conditions: BTreeMap<String, Entry>,
    pub(crate) resources: Vec<Resource>,
    /// Whether the template may call what the macro `AWS::LanguageExtensions` carries out.
    pub(crate) has_language_extensions: bool,
    /// What makes things that are not seen here.
    pub(crate) unseen: Vec<Unseen>,
    by_id: BTreeMap<String, usize>,
    /// Entries of `Resources` that are no resources, and why: an error to whatever refers to one.
    pub(crate) broken: BTreeMap<String, Diagnostic>,
}

impl Document {
    /// Takes a template apart. What has the wrong shape is reported and left out. `settings`: the names that functions and mappings
    /// have and Pelton reads.
    pub(crate) fn read(
        root: Node,
        settings: &[&str],
        unsupported: Unsupported,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut document = Self::default();
        let start = Span { start: root.span.start, end: root.span.start };
        let Value::Mapping(sections) = root.value else {
            diagnostics.push(
                Diagnostic::error(Code::WrongType, "the file is not a template")
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
                    let transforms = document.read_transforms(&section.value, unsupported, diagnostics);
                    has_sam_transform = transforms.contains(&SAM_TRANSFORM);
                    document.has_language_extensions = transforms.contains(&LANGUAGE_EXTENSIONS);
                }
                "Fn::Transform" => {
                    document.read_transforms(&section.value, unsupported, diagnostics);
                }
                "Globals" => globals = Some(entries_of(section, diagnostics)),
                RESOURCES => resources = Some(entries_of(section, diagnostics)),
                name if OTHER_SECTIONS.contains(&name) => {}
                name => diagnostics.push(unknown_section(name, section.key_span)),
            }
        }
        let globals = globals::Globals::read(globals.unwrap_or_default(), settings, diagnostics);
        match resources {
            Some(resources) => document.read_resources(resources, &globals, unsupported, diagnostics),
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
        unsupported: Unsupported,
        diagnostics: &mut Diagnostics,
    ) {
        if let Some(excess) = entries.get(RESOURCES_MAX) {
            let message = format!("the template has more than {RESOURCES_MAX} resources");
            diagnostics.push(
                Diagnostic::error(Code::TooLarge, message)
                    .at(excess.key_span, "the limit is exceeded here")
                    .help("CloudFormation has the same limit: split the template"),
            );
            return;
        }
        for entry in entries {
            if entry.key.starts_with("Fn::") {
                self.read_loop(entry, unsupported, diagnostics);
                continue;
            }
            let id = entry.key.clone();
            match Resource::read(entry, globals, diagnostics) {
                Ok(resource) => {
                    self.by_id.insert(id, self.resources.len());
                    self.resources.push(resource);
                }
                Err(why) => drop(self.broken.insert(id, *why)),
            }
        }
    }

    /// `Fn::ForEach` and `Fn::Transform` in the place of a resource: a problem unless it is certain that Pelton reads
    /// nothing of what they make.
    fn read_loop(&mut self, entry: Entry, unsupported: Unsupported, diagnostics: &mut Diagnostics) {
        let is_needed = may_make_what_is_read(&entry);
        if is_needed {
            diagnostics.push(
                unsupported
                    .diagnostic(
                        format!("`{}` is not supported by Pelton", entry.key),
                        "write the resources out, or start with `--allow-unsupported` to run without them",
                        "Pelton runs without these resources",
                    )
                    .at(entry.key_span, "creates resources that Pelton cannot see"),
            );
        }
        let is_refused = is_needed && unsupported == Unsupported::Refuse;
        self.unseen.push(Unseen { name: entry.key, is_refused });
    }

    /// The transforms that Pelton carries out. A macro may change everything: it is a problem.
    fn read_transforms(
        &mut self,
        node: &Node,
        unsupported: Unsupported,
        diagnostics: &mut Diagnostics,
    ) -> Vec<&'static str> {
        let transforms = match &node.value {
            Value::Null => &[],
            Value::Sequence(items) => items.as_slice(),
            Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
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
                unsupported
                    .diagnostic(
                        format!("`{name}` is not supported by Pelton"),
                        "give Pelton the template as it is after the transform, or start with \
                         `--allow-unsupported` to run it as it is before",
                        "Pelton runs the template as it is before this transform",
                    )
                    .at(transform.span, "changes the template on AWS in a way that Pelton cannot know"),
            );
            let is_refused = unsupported == Unsupported::Refuse;
            self.unseen.push(Unseen { name: name.to_owned(), is_refused });
        }
        known
    }

    /// The resource of that logical id.
    pub(crate) fn resource(&self, id: &str) -> Option<&Resource> {
        self.by_id.get(id).map(|&index| &self.resources[index])
    }

    /// Logical ids, in the order of the template.
    pub(crate) fn resource_ids(&self) -> impl Iterator<Item = &str> + Clone {
        self.resources.iter().map(|resource| resource.id.as_str())
    }

    /// Without its transform, SAM's resources mean nothing to AWS. Pelton reads its functions.
    fn refuse_sam(&self, diagnostics: &mut Diagnostics) {
        let is_of_sam = |resource: &&Resource| resource.kind.starts_with("AWS::Serverless::");
        let mut of_sam = self.resources.iter().filter(is_of_sam);
        let function = of_sam.clone().find(|resource| resource.kind == SAM_FUNCTION);
        let Some(first) = function.or_else(|| of_sam.next()) else { return };
        let message = format!("`{}` needs the SAM transform", first.kind);
        let diagnostic = match function {
            Some(_) => Diagnostic::error(Code::Missing, message),
            None => Diagnostic::warning(Code::Missing, message),
        };
        diagnostics.push(
            diagnostic
                .at(first.id_span, "")
                .help(format!("add a line `Transform: {SAM_TRANSFORM}` at the top of the template")),
        );
    }
}

/// A slip in a section that Pelton reads is refused: what it holds would be lost.
fn unknown_section(name: &str, span: Span) -> Diagnostic {
    let known = [&READ_SECTIONS[..], &OTHER_SECTIONS].concat();
    let nearest = suggest::nearest(name, known.iter().copied());
    let nearest_read = nearest.filter(|nearest| READ_SECTIONS.contains(nearest));
    suggest::unknown_name(name, nearest_read, format!("a template has no section `{name}`"))
        .at(span, "unknown section")
        .help(suggest::did_you_mean(name, known.iter().copied(), "sections"))
}

/// Whether a function in the place of a resource may make a resource that Pelton reads: unless all that it repeats is of
/// other types.
fn may_make_what_is_read(entry: &Entry) -> bool {
    if !entry.key.starts_with(FOR_EACH) {
        return true;
    }
    let repeated = entry.value.as_sequence().and_then(|arguments| arguments.get(2)?.as_mapping());
    let Some(repeated) = repeated else { return true };
    repeated.iter().any(|entry| {
        if entry.key.starts_with("Fn::") {
            return may_make_what_is_read(entry);
        }
        let kind = entry.value.get("Type").and_then(Node::as_scalar);
        kind.is_none_or(|kind| READ.contains(&kind) || resource_types::check(kind, entry.key_span).is_some())
    })
}

fn entries_of(section: Entry, diagnostics: &mut Diagnostics) -> Vec<Entry> {
    match section.value.value {
        Value::Mapping(entries) => entries,
        Value::Null if section.key != RESOURCES => Vec::new(),
        Value::Null | Value::Scalar(_) | Value::Sequence(_) => {
            diagnostics.push(wrong_shape(&section, "a map").help("add entries to the section, or remove it"));
            Vec::new()
        }
    }
}

/// The value of `entry` is not `wanted`.
pub(crate) fn wrong_shape(entry: &Entry, wanted: &str) -> Diagnostic {
    Diagnostic::error(Code::WrongType, format!("`{}` is {}", entry.key, entry.value.kind()))
        .at(entry.key_span, format!("must be {wanted}"))
}
