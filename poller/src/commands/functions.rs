//! Where functions run: in processes that Pelton starts, or elsewhere.

use super::options::{AWS, FunctionOptions};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::lambda::{Code, CodePlaces, RemoteFunction, RemoteLambda};
use crate::user_error::UserError;
use pelton_model::{Application, Function};
use std::collections::{BTreeMap, BTreeSet};
use tracing::info;

/// The functions that enabled mappings use and that run here.
pub(super) fn needed_here<'a>(
    options: &FunctionOptions,
    application: &'a Application,
) -> impl Iterator<Item = &'a Function> {
    let needed: BTreeSet<&String> = application.enabled().map(|mapping| &mapping.function).collect();
    needed
        .into_iter()
        .filter(|function| options.endpoint_of(function).is_none())
        .map(|function| &application.functions[function])
}

/// The code of each of these functions; every problem at once.
pub(super) fn find_code<'a>(
    functions: impl Iterator<Item = &'a Function>,
    places: &CodePlaces,
) -> Result<BTreeMap<String, Option<Code>>, UserError> {
    let (mut code, mut problems) = (BTreeMap::new(), Vec::new());
    for function in functions {
        match Code::find(function, places) {
            Ok(found) => {
                if function.has_managed_runtime() {
                    let (name, runtime) = (&function.name, &function.runtime);
                    let folder = found.folder.display();
                    info!(function = name, runtime, %folder, "runs bootstrap instead of the managed runtime");
                }
                code.insert(function.logical_id.clone(), Some(found));
            }
            Err(error) => problems.push(UserError::bad_input_because(&error)),
        }
    }
    UserError::all(problems).map_or(Ok(code), Err)
}

/// The functions that enabled mappings use and that `--lambda-endpoint` is about, after checking that they can be invoked. Every
/// problem at once.
pub(super) async fn elsewhere(
    options: &FunctionOptions,
    application: &Application,
    region: &str,
    clock: &Clock,
) -> Result<BTreeMap<String, RemoteFunction>, UserError> {
    let used = application.enabled().map(|mapping| &mapping.function);
    elsewhere_of(options, application, used, region, clock).await
}

/// The same among the functions with these logical ids.
pub(super) async fn elsewhere_of<'a>(
    options: &FunctionOptions,
    application: &Application,
    ids: impl Iterator<Item = &'a String>,
    region: &str,
    clock: &Clock,
) -> Result<BTreeMap<String, RemoteFunction>, UserError> {
    let (mut lambdas, mut functions) = (BTreeMap::new(), BTreeMap::new());
    for id in ids {
        let Some(url) = options.endpoint_of(id) else { continue };
        if functions.contains_key(id) {
            continue;
        }
        if !lambdas.contains_key(url) {
            lambdas.insert(url, connect(url, region).await?);
        }
        let (lambda, function) = (&lambdas[url], &application.functions[id]);
        let name = options.name_of(id).unwrap_or(&function.name);
        functions.insert(id.clone(), lambda.function(name, function.timeout, clock.clone()));
    }
    let mut problems = Vec::new();
    for function in functions.values() {
        if let Err(error) = function.check().await {
            problems.push(UserError::bad_input_because(&error).help(error.help()));
        }
    }
    if let Some(all) = UserError::all(problems) {
        return Err(all);
    }
    for (url, lambda) in &lambdas {
        let there = functions.keys().filter(|id| options.endpoint_of(id) == Some(*url));
        let functions = there.map(String::as_str).collect::<Vec<_>>().join(", ");
        info!(endpoint = %lambda.endpoint(), functions, "invoking functions at an endpoint, not in local processes");
    }
    Ok(functions)
}

async fn connect(url: &str, region: &str) -> Result<RemoteLambda, UserError> {
    let endpoint_url = (url != AWS).then(|| url.to_owned());
    let options = AwsOptions { endpoint_url, region: Some(region.to_owned()) };
    RemoteLambda::connect(&options).await.map_err(|error| UserError::bad_input_because(&error))
}

/// Refuses options that contradict each other.
pub(super) fn check_options(options: &FunctionOptions) -> Result<(), UserError> {
    match options.contradiction() {
        Some(contradiction) => Err(UserError::bad_input(contradiction).help(
            "give each function one place to run, with `--lambda-endpoint ID=URL`, and one name there",
        )),
        None => Ok(()),
    }
}
