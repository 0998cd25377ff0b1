//! Where functions run: in processes that Pelton starts, or elsewhere.

use super::CommandFailure;
use super::options::{AWS, FunctionOptions};
use super::poller::enabled;
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{Code, CodePlaces, LocalFunction, RemoteFunction, RemoteLambda, Spawner, TracingLog};
use crate::ports::Invoker;
use crate::shard_worker::Remarks;
use pelton_model::{Application, Arn, Function};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use tracing::info;

/// Every function that an enabled mapping uses, by logical id.
pub(super) struct Functions {
    /// Processes that Pelton starts from this code; `None`: it does not compile yet.
    pub(super) here: BTreeMap<String, Option<Code>>,
    /// Invoked.
    pub(super) elsewhere: BTreeMap<String, RemoteFunction>,
}

impl Functions {
    /// Removes what was extracted from archives and is not their code. To be called by whoever holds the data folder.
    pub(super) fn forget_unused_code(&self, data_folder: &Path) {
        CodePlaces::forget_unused(data_folder, self.here.values().flatten());
    }

    /// The ARN of a function of the template where it runs.
    pub(super) fn arn(&self, function: &Function, region: &str) -> String {
        match self.elsewhere.get(&function.logical_id).map(RemoteFunction::name) {
            Some(name) if name.parse::<Arn>().is_ok() => name.to_owned(),
            Some(name) => Function { name: name.to_owned(), ..function.clone() }.arn(region),
            None => function.arn(region),
        }
    }
}

/// The functions that enabled mappings use and that run here.
pub(super) fn needed_here<'a>(
    options: &FunctionOptions,
    application: &'a Application,
) -> impl Iterator<Item = &'a Function> {
    let needed: BTreeSet<&String> = enabled(application).map(|mapping| &mapping.function).collect();
    needed
        .into_iter()
        .filter(|function| options.endpoint_of(function).is_none())
        .map(|function| &application.functions[function])
}

/// The code of each of these functions; every problem at once.
pub(super) fn find_code<'a>(
    functions: impl Iterator<Item = &'a Function>,
    places: &CodePlaces,
) -> Result<BTreeMap<String, Option<Code>>, CommandFailure> {
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
            Err(error) => problems.push(chain(&error)),
        }
    }
    problems.dedup();
    if problems.is_empty() { Ok(code) } else { Err(CommandFailure::bad_input(problems.join("\nerror: "))) }
}

/// Functions that take batches, by logical id.
#[derive(Default)]
pub(super) struct Running {
    pub(super) invokers: BTreeMap<String, Arc<dyn Invoker>>,
    /// Those that run here.
    pub(super) here: BTreeMap<String, Arc<LocalFunction>>,
    /// What was said of each.
    pub(super) remarks: BTreeMap<String, Arc<Remarks>>,
}

impl Running {
    /// Makes the functions ready, each with at most `handlers_max` handlers at a time. No handler is started before there is
    /// something to handle. Those that are the same as `before` go on as they are.
    pub(super) fn start(
        functions: Functions,
        application: &Application,
        before: Option<(&Application, &Running)>,
        region: &str,
        handlers_max: usize,
        clock: &Clock,
    ) -> Self {
        let Functions { here, elsewhere } = functions;
        let mut running = Self::default();
        if let Some((earlier, before)) = before {
            let used: BTreeSet<&String> = enabled(application).map(|mapping| &mapping.function).collect();
            let is_same = |id: &&&String| earlier.functions.get(**id) == application.functions.get(**id);
            for id in used.iter().filter(is_same) {
                running.go_on(id, before);
            }
        }
        let spawner = Spawner::default().with_handlers_max(handlers_max);
        for (id, code) in here {
            if running.invokers.contains_key(&id) {
                continue;
            }
            let (function, log) = (&application.functions[&id], Arc::new(TracingLog));
            let local =
                Arc::new(LocalFunction::new(function, code, region, clock.clone(), spawner.clone(), log));
            running.invokers.insert(id.clone(), local.clone());
            running.here.insert(id, local);
        }
        for (id, function) in elsewhere {
            running.invokers.entry(id).or_insert_with(|| Arc::new(function));
        }
        for id in running.invokers.keys() {
            let name = &application.functions[id].name;
            running.remarks.entry(id.clone()).or_insert_with(|| Arc::new(Remarks::of(name.clone())));
        }
        running
    }

    fn go_on(&mut self, id: &str, before: &Running) {
        if let (Some(invoker), Some(remarks)) = (before.invokers.get(id), before.remarks.get(id)) {
            self.invokers.insert(id.to_owned(), Arc::clone(invoker));
            self.remarks.insert(id.to_owned(), Arc::clone(remarks));
            self.here.extend(before.here.get(id).map(|local| (id.to_owned(), Arc::clone(local))));
        }
    }
}

/// The functions that enabled mappings use and that `--lambda-endpoint` is about, after checking that they can be invoked. Every
/// problem at once.
pub(super) async fn elsewhere(
    options: &FunctionOptions,
    application: &Application,
    region: &str,
    clock: &Clock,
) -> Result<BTreeMap<String, RemoteFunction>, CommandFailure> {
    let used = enabled(application).map(|mapping| &mapping.function);
    elsewhere_of(options, application, used, region, clock).await
}

/// The same among the functions with these logical ids.
pub(super) async fn elsewhere_of<'a>(
    options: &FunctionOptions,
    application: &Application,
    ids: impl Iterator<Item = &'a String>,
    region: &str,
    clock: &Clock,
) -> Result<BTreeMap<String, RemoteFunction>, CommandFailure> {
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
            problems.push(error);
        }
    }
    if let Some(first) = problems.first() {
        let help = first.help();
        let mut problems: Vec<String> = problems.iter().map(|error| chain(error)).collect();
        problems.dedup();
        return Err(CommandFailure::bad_input(problems.join("\nerror: ")).help(help));
    }
    for (url, lambda) in &lambdas {
        let there = functions.keys().filter(|id| options.endpoint_of(id) == Some(*url));
        let functions = there.map(String::as_str).collect::<Vec<_>>().join(", ");
        info!(endpoint = %lambda.endpoint(), functions, "invoking functions at an endpoint, not in local processes");
    }
    Ok(functions)
}

async fn connect(url: &str, region: &str) -> Result<RemoteLambda, CommandFailure> {
    let endpoint_url = (url != AWS).then(|| url.to_owned());
    let options = AwsOptions { endpoint_url, region: Some(region.to_owned()) };
    RemoteLambda::connect(&options).await.map_err(|error| CommandFailure::bad_input(chain(&error)))
}

/// Refuses options that contradict each other.
pub(super) fn check_options(options: &FunctionOptions) -> Result<(), CommandFailure> {
    match options.contradiction() {
        Some(contradiction) => Err(CommandFailure::bad_input(contradiction).help(
            "give each function one place to run, with `--lambda-endpoint ID=URL`, and one name there",
        )),
        None => Ok(()),
    }
}
