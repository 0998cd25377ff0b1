//! Where functions run: in processes that Pelton starts, or elsewhere.

use super::CommandFailure;
use super::options::FunctionOptions;
use super::poller::enabled;
use crate::application::{Application, Function};
use crate::aws::AwsOptions;
use crate::clock::Clock;
use crate::errors::chain;
use crate::lambda::{
    Code, CodePlaces, LocalFunction, RemoteError, RemoteFunction, RemoteLambda, Spawner, TracingLog,
};
use crate::ports::Invoker;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tracing::info;

/// What `--lambda-endpoint` is for AWS itself.
const AWS: &str = "aws";

/// Every function that an enabled mapping uses, by logical id.
pub(super) enum Functions {
    /// Processes that Pelton starts from this code.
    Here(BTreeMap<String, Code>),
    /// Invoked.
    Elsewhere(BTreeMap<String, RemoteFunction>),
}

impl Functions {
    /// How many run here.
    pub(super) fn here(&self) -> usize {
        match self {
            Functions::Here(code) => code.len(),
            Functions::Elsewhere(_) => 0,
        }
    }

    /// Removes what was extracted from archives and is not their code. To be called by whoever holds the data folder.
    pub(super) fn forget_unused_code(&self, data_folder: &Path) {
        match self {
            Functions::Here(code) => CodePlaces::forget_unused(data_folder, code.values()),
            Functions::Elsewhere(_) => {}
        }
    }

    /// The ARN of a function of the template where it runs.
    pub(super) fn arn(&self, function: &Function, region: &str) -> String {
        let elsewhere = match self {
            Functions::Here(_) => None,
            Functions::Elsewhere(functions) => functions.get(&function.logical_id).map(RemoteFunction::name),
        };
        match elsewhere {
            Some(name) if name.starts_with("arn:") => name.to_owned(),
            Some(name) => Function { name: name.to_owned(), ..function.clone() }.arn(region),
            None => function.arn(region),
        }
    }
}

/// Functions that take batches, by logical id.
pub(super) struct Running {
    pub(super) invokers: BTreeMap<String, Arc<dyn Invoker>>,
    /// Those that run here.
    pub(super) here: BTreeMap<String, Arc<LocalFunction>>,
}

impl Running {
    /// Makes the functions ready, each with at most `handlers_max` handlers at a time. No handler is started before there is
    /// something to handle.
    pub(super) fn start(
        functions: Functions,
        application: &Application,
        region: &str,
        handlers_max: usize,
        clock: &Clock,
    ) -> Self {
        let code = match functions {
            Functions::Here(code) => code,
            Functions::Elsewhere(functions) => {
                let invoker = |(id, function)| -> (String, Arc<dyn Invoker>) { (id, Arc::new(function)) };
                let invokers = functions.into_iter().map(invoker).collect();
                return Self { invokers, here: BTreeMap::new() };
            }
        };
        let spawner = Spawner::default().with_handlers_max(handlers_max);
        let mut running = Self { invokers: BTreeMap::new(), here: BTreeMap::new() };
        for (id, code) in code {
            let (function, log) = (&application.functions[&id], Arc::new(TracingLog));
            let local =
                Arc::new(LocalFunction::new(function, code, region, clock.clone(), spawner.clone(), log));
            running.invokers.insert(id.clone(), local.clone());
            running.here.insert(id, local);
        }
        running
    }
}

/// The functions of the application where `--lambda-endpoint` says, after checking that they can be invoked; `None`: they run
/// here. Every problem at once.
pub(super) async fn elsewhere(
    options: &FunctionOptions,
    application: &Application,
    region: &str,
    clock: &Clock,
) -> Result<Option<Functions>, CommandFailure> {
    let Some(url) = &options.lambda_endpoint else { return Ok(None) };
    let names = names(options, application)?;
    let endpoint_url = (url != AWS).then(|| url.clone());
    let options = AwsOptions { endpoint_url, region: Some(region.to_owned()) };
    let lambda =
        RemoteLambda::connect(&options).await.map_err(|error| CommandFailure::bad_input(chain(&error)))?;
    let function = |(id, name): (String, String)| {
        let timeout = application.functions[&id].timeout;
        (id, lambda.function(&name, timeout, clock.clone()))
    };
    let functions: BTreeMap<String, RemoteFunction> = names.into_iter().map(function).collect();
    let mut problems = Vec::new();
    for function in functions.values() {
        if let Err(error) = function.check().await {
            problems.push(error);
        }
    }
    match problems.first() {
        None => {
            info!(endpoint = %lambda.endpoint(), "functions are invoked there, none is started here");
            Ok(Some(Functions::Elsewhere(functions)))
        }
        Some(first) => {
            let help = help(first);
            let mut problems: Vec<String> = problems.iter().map(|error| chain(error)).collect();
            problems.dedup();
            Err(CommandFailure::bad_input(problems.join("\nerror: ")).help(help))
        }
    }
}

fn help(error: &RemoteError) -> &'static str {
    match error {
        RemoteError::Unreachable { .. } => {
            "start what is to run the functions there, such as `cargo lambda watch`, or leave --lambda-endpoint out"
        }
        RemoteError::Refused { .. } => {
            "check the region, the permission lambda:InvokeFunction, and the function's name: --function-name LOGICAL_ID=NAME \
             says what a function is called there"
        }
    }
}

/// What each function that an enabled mapping uses is called elsewhere, by logical id.
fn names(
    options: &FunctionOptions,
    application: &Application,
) -> Result<BTreeMap<String, String>, CommandFailure> {
    for (id, _) in &options.function_names {
        if !application.functions.contains_key(id) {
            let known: Vec<&str> = application.functions.keys().map(String::as_str).collect();
            return Err(CommandFailure::bad_input(format!(
                "--function-name {id}=…: the template has no function `{id}`"
            ))
            .help(format!("the functions of the template are {}", known.join(", "))));
        }
    }
    let name = |id: &String| {
        let given = options.function_names.iter().rev().find(|(given, _)| given == id);
        given.map_or_else(|| application.functions[id].name.clone(), |(_, name)| name.clone())
    };
    Ok(enabled(application).map(|mapping| (mapping.function.clone(), name(&mapping.function))).collect())
}
