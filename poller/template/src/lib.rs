//! A SAM or CloudFormation template, as far as Pelton runs it.
//!
//! In: a file, and values for its parameters. Out: the application that it describes, or every problem at once, each
//! with its line. Only what Pelton needs is evaluated: what else the template holds cannot be wrong here.
//!
//! | step | from | to |
//! |---|---|---|
//! | `text` | bytes | nodes that know their place |
//! | `evaluate` | nodes | values: parameters, conditions, intrinsic functions, references |
//! | `read` | values | functions, streams, event source mappings |
//! | `show` | what came of it | texts for people and programs |
//!
//! A step knows those before it: its `mod.rs` names all that it takes from them. `problem` says what is wrong and
//! where, `options` what a template does not say itself, both for every step.

#[cfg(test)]
mod at_once;
mod evaluate;
#[cfg(test)]
mod every_kafka_setting;
#[cfg(test)]
mod every_setting;
mod options;
mod problem;
mod read;
#[cfg(test)]
mod robustness;
mod show;
#[cfg(test)]
mod testing;
mod text;

pub use options::{
    FunctionsRun, GivenParameter, KafkaOptions, LoadOptions, ParameterOrigin, STACK_NAME_DEFAULT, Selection,
    Unsupported,
};
pub use problem::{diagnostics, source, suggest};
pub use show::description::description;
pub use show::summary::{Secrets, summary};

use diagnostics::{Code, Diagnostic, Diagnostics};
use evaluate::context::{Context, Reported};
use evaluate::document::Document;
use evaluate::{cycles, dependencies, parameters, pseudo_parameters};
use pelton_model::{Application, Function, Mapping};
use read::functions::Read;
use read::{event_source_mappings, functions, kafka_options, mappings, selection, streams, tables};
use source::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use text::yaml;

/// The files that are a template if none is named, in this order.
pub const FILE_NAMES: [&str; 3] = ["template.yaml", "template.yml", "samplesam.yaml"];

/// What came of a template.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it describes; `None` if there is an error among the diagnostics.
    pub application: Option<Application>,
    /// Every problem, in the order of the template.
    pub diagnostics: Diagnostics,
    /// Values that nobody is to see: of parameters with `NoEcho`.
    secrets: Vec<String>,
}

impl Loaded {
    /// Values that nobody is to see.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets::from(self.secrets.clone())
    }
}

/// The template of a folder: the first of [`FILE_NAMES`] that exists.
#[must_use]
pub fn find(folder: &Path) -> Option<PathBuf> {
    FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// Reads a template. Reads no other file, and asks nobody.
#[must_use]
pub fn load(path: &Path, options: &LoadOptions) -> Loaded {
    match source::read(path) {
        Ok(source) => load_source(source, options),
        Err(failure) => {
            let (source, diagnostic) = *failure;
            let mut diagnostics = Diagnostics::new(source);
            diagnostics.push(diagnostic);
            Loaded { application: None, diagnostics, secrets: Vec::new() }
        }
    }
}

/// Reads a template that is in memory already. Relative paths start at the folder of its path.
#[must_use]
pub fn load_source(source: Source, options: &LoadOptions) -> Loaded {
    let root = root_of(source.path());
    let mut diagnostics = Diagnostics::new(source.clone());
    let Some(tree) = yaml::parse(&source, &mut diagnostics) else {
        return Loaded { application: None, diagnostics, secrets: Vec::new() };
    };
    let read: Vec<&str> = functions::read_properties().chain(mappings::SETTINGS).collect();
    let document = Document::read(tree, &read, options.unsupported, &mut diagnostics);
    let mut context = Context::new(&document, options, diagnostics);
    parameters::resolve(&mut context);
    let application = read_application(&mut context, root);
    parameters::warn_of_unused(&mut context);
    context.diagnostics.push_as_warnings(document.broken.values().cloned());
    cycles::check(&mut context);
    dependencies::check(&mut context);
    let Context { mut diagnostics, secrets, .. } = context;
    diagnostics.sort();
    Loaded { application: (!diagnostics.has_errors()).then_some(application), diagnostics, secrets }
}

/// The folder of the template, absolute.
fn root_of(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.parent().map_or_else(PathBuf::new, |parent| parent.components().collect())
}

fn read_application(context: &mut Context<'_>, root: PathBuf) -> Application {
    pseudo_parameters::settle(context);
    selection::check_names(context);
    context.not_here = functions::not_here(context, &root);
    let mut found = event_source_mappings::read_all(context);
    kafka_options::check_names(context, &found.read);
    let functions = read_functions(context, &found.needed_functions, &root);
    found.read.retain(|read| {
        let is_runnable = functions.contains_key(&read.mapping.function);
        // The function of an enabled mapping was reported, unless what is wrong with it is allowed.
        let is_reported = read.mapping.enabled && context.diagnostics.has_errors();
        if !is_runnable && !is_reported {
            context.report(
                Diagnostic::warning(Code::Ignored, format!("the mapping `{}` is left out", read.mapping.id))
                    .at(read.span, "its function cannot run here"),
            );
        }
        is_runnable
    });
    let streams = streams::read_all(context, &found.needed_streams);
    let tables = tables::read_all(context, &found.needed_tables);
    context.require_something_left(&found.read);
    let mappings: Vec<Mapping> = found.read.into_iter().map(|read| read.mapping).collect();
    Application { root, account: context.account.clone(), functions, streams, tables, mappings }
}

/// Every function that can run, by logical id. Only those that are needed must be able to.
fn read_functions<'t>(
    context: &mut Context<'t>,
    needed: &BTreeSet<String>,
    root: &Path,
) -> BTreeMap<String, Function> {
    let document = context.document;
    let mut runnable = BTreeMap::new();
    for resource in document.resources.iter().filter(|resource| functions::is_function(resource)) {
        let read = |context: &mut Context<'t>| {
            context.may_exist(resource).then(|| functions::read(context, resource, root))
        };
        let function = if needed.contains(&resource.id) { read(context) } else { context.quietly(read) };
        match function {
            Some(Ok(Read::Runnable(function))) => drop(runnable.insert(resource.id.clone(), function)),
            Some(Ok(Read::NotHere(_)) | Err(Reported)) | None => {}
        }
    }
    runnable
}
