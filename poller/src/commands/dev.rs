//! `pelton dev`: everything local. Builds the functions, creates the template's streams, rebuilds on change, and runs
//! a changed template without a new start: only what it changes is drained.
//!
//! Without `--endpoint-url` the streams are embedded: in this process, in memory. So is a Kafka, for mappings whose cluster nobody runs.

mod brokers;
mod changes;
mod old_code;
mod sample;
mod streams;
mod watching;

use super::functions;
use super::options::{AwsOptions, FunctionOptions, PollerOptions, StreamOptions, TemplateOptions};
use super::run::{connect, require_mappings, take_data_dir};
use super::{beside, load, samconfig};
use crate::aws;
use crate::build::{BuildError, build};
use crate::clock::Clock;
use crate::data_dir::DataDir;
use crate::errors::chain;
use crate::lambda::{Code, CodePlaces};
use crate::logging::{Terminal, tell};
use crate::look_out::LookOut;
use crate::poller::tables;
use crate::poller::{Functions, Launch, Poller, PollerSettings, Until, Why};
use crate::rebuild::Rebuilder;
use crate::signals::StopSignals;
use crate::source::StreamsAt;
use crate::source::aws::KinesisClient;
use crate::source::embedded::{EmbeddedOptions, EmbeddedStream, create_streams, warn_of_differences};
use crate::stream_notice::{PostedNotice, Serving, StreamNotice};
use crate::supervisor::Goal;
use crate::user_error::UserError;
use brokers::LocalKafka;
use old_code::OldCode;
use pelton_model::{Application, BuildMethod, EventSource, Function, Mapping};
use streams::{Made, News, news, streams};
use tracing::{Level, error, info, warn};
use watching::{ChangedTemplate, Next};

/// What `pelton dev` takes.
#[derive(clap::Args, Clone, Debug)]
pub struct DevArguments {
    /// The template.
    #[command(flatten)]
    pub template: TemplateOptions,
    /// Which AWS; the embedded stream if no endpoint is given.
    #[command(flatten)]
    pub aws: AwsOptions,
    /// Where the embedded stream listens.
    #[command(flatten)]
    pub stream: StreamOptions,
    /// Where the functions run.
    #[command(flatten)]
    pub functions: FunctionOptions,
    /// How the poller runs.
    #[command(flatten)]
    pub poller: PollerOptions,
}

/// A poller on its own streams.
pub(super) struct Local {
    pub(super) poller: Poller,
    pub(super) surroundings: Surroundings,
    template: ChangedTemplate,
}

/// What outlives a poller whose template changes.
pub(super) struct Surroundings {
    pub(super) client: KinesisClient,
    pub(super) stream: Option<EmbeddedStream>,
    /// Names the stream in the data folder.
    pub(super) notice: Option<PostedNotice>,
    streams_at: StreamsAt,
    aws: aws::AwsOptions,
    settings: PollerSettings,
    clock: Clock,
}

/// Runs the template's mappings until told to stop.
pub async fn run(
    arguments: DevArguments,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let local = tokio::select! {
        local = start(arguments, Serving::Dev, terminal, clock) => local?,
        _ = signals.next() => return Ok(()),
    };
    let Local { poller, mut surroundings, template } = local;
    let samples = samples(
        poller.application(),
        surroundings.client.endpoint().as_str(),
        template.kafka.bootstrap_servers(),
    );
    if !samples.is_empty() {
        let text = format!("Put a record from another terminal:\n    {}", samples.join("\n    "));
        tell(terminal, &surroundings.clock, Level::INFO, &text);
    }
    let result = run_all(poller, &mut surroundings, template, signals, terminal).await;
    drop(surroundings.notice);
    if let Some(stream) = surroundings.stream {
        stream.stop().await;
    }
    result
}

/// Commands to try the first stream with, and the first topic of the Kafka in this process.
fn samples(application: &Application, endpoint: &str, bootstrap_servers: Option<&str>) -> Vec<String> {
    let stream = application.enabled().find_map(name_of_kinesis);
    let stream = stream.map(|stream| sample::command(&application.root, stream, endpoint));
    let topic = bootstrap_servers.and_then(|servers| {
        let topic = application.enabled().find_map(|mapping| topic_at(mapping, servers))?;
        Some(sample::command_for_topic(topic, servers))
    });
    stream.into_iter().chain(topic).collect()
}

/// The topic that a mapping reads from these servers.
fn topic_at<'a>(mapping: &'a Mapping, servers: &str) -> Option<&'a str> {
    let EventSource::Kafka(kafka) = &mapping.source else { return None };
    let is_there = kafka.cluster.bootstrap_servers().is_some_and(|own| own.to_string() == servers);
    is_there.then_some(kafka.topic.as_str())
}

/// The name of the Kinesis stream that a mapping reads.
fn name_of_kinesis(mapping: &Mapping) -> Option<&str> {
    matches!(mapping.source, EventSource::Kinesis { .. }).then(|| mapping.source.name())
}

/// Tells what is new about the streams since the template asked for `before`.
fn tell_of_streams(before: Option<&Application>, after: &Application, made: Made) {
    for news in news(before, after, made) {
        match news {
            News::OnlyNamed { stream, mapping } => {
                info!(stream, %mapping, "the template names this stream and does not define it: it gets one shard");
            }
            News::Stays { stream } => {
                warn!(stream, "a stream that exists keeps its shards and its retention");
            }
        }
    }
}

/// Runs the poller, and changes what it runs as often as the template changes.
async fn run_all(
    mut poller: Poller,
    surroundings: &mut Surroundings,
    mut template: ChangedTemplate,
    signals: &mut StopSignals,
    terminal: &Terminal,
) -> Result<(), UserError> {
    let clock = &surroundings.clock.clone();
    let mut rebuilder = Rebuilder::new(template.places.clone(), terminal.clone(), clock.clone());
    rebuilder.follow(poller.application(), poller.functions());
    loop {
        let application = poller.application().clone();
        let old_code = OldCode::of(&application, poller.functions());
        let next = template.next(&application, &old_code);
        let Next { application, mut functions } = match poller.run_until(signals, next).await {
            Until::Stop(why) => return poller.stop(signals, why).await,
            Until::Then(next) => next,
        };
        // It may compile since.
        for (id, code) in functions.here.iter_mut().filter(|(_, code)| code.is_none()) {
            *code = old_code.find(&application.functions[id]);
        }
        drop(old_code);
        surroundings.name_brokers(template.kafka.bootstrap_servers());
        let changed = tokio::select! {
            changed = change(&mut poller, &mut rebuilder, application, functions, terminal, clock) => changed,
            signal = signals.next() => return poller.stop(signals, Why::Told(signal)).await,
        };
        changed.map_err(UserError::while_running)?;
    }
}

/// Lets the poller run as `application` says, if it can.
async fn change(
    poller: &mut Poller,
    rebuilder: &mut Rebuilder,
    application: Application,
    functions: Functions,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    match poller.plan(application, functions).await {
        Ok(planned) => {
            // Before anything is drained: code may change meanwhile.
            rebuilder.follow(planned.application(), planned.functions());
            poller.apply(planned).await
        }
        Err(failure) => {
            tell(terminal, clock, Level::ERROR, &failure.to_string());
            warn!("what runs goes on as the template said before");
            Ok(())
        }
    }
}

impl Surroundings {
    /// Names the Kafka in this process in the data folder, if it started only now.
    fn name_brokers(&mut self, bootstrap_servers: Option<&str>) {
        if let Some(notice) = &mut self.notice
            && let Err(error) = notice.name_brokers(bootstrap_servers)
        {
            warn!(%error, "cannot name the Kafka in the data folder: `pelton put` needs --bootstrap-servers to use it");
        }
    }

    fn launch(&self, application: Application, functions: Functions, data_dir: DataDir) -> Launch {
        Launch {
            application,
            functions,
            client: self.client.clone(),
            aws: self.aws.clone(),
            streams_at: self.streams_at,
            arrivals: self.stream.as_ref().map(EmbeddedStream::arrivals),
            goal: Goal::GoOn,
            data_dir,
            settings: self.settings.clone(),
            clock: self.clock.clone(),
        }
    }
}

/// Starts everything. Cancelling stops what was started.
pub(super) async fn start(
    arguments: DevArguments,
    command: Serving,
    terminal: &Terminal,
    clock: Clock,
) -> Result<Local, UserError> {
    let DevArguments { mut template, mut aws, stream, functions: function_options, poller: options } =
        arguments;
    functions::check_options(&function_options)?;
    let path = load::find(&template)?;
    let given = template.clone();
    load::settle(&path, &mut template, &mut aws.region)?;
    let region = load::region(aws.region.as_deref()).await?;
    // What changes from here on was not read.
    let look_out = LookOut::new([path.clone(), samconfig::file_beside(&path)], clock.clone());
    let mut application = load::load(&path, &template, &region, Some(&function_options), terminal, &clock)?;
    require_mappings(&application, &path)?;
    let data_dir = take_data_dir(&options, &path)?;
    let mut kafka = LocalKafka::new(&template, clock.clone());
    kafka.settle(&mut application).await?;
    let stream = match &aws.endpoint_url {
        Some(_) => None,
        None => Some(embed(&stream, &region, &application.account).await?),
    };
    let aws_elsewhere =
        aws::AwsOptions { endpoint_url: aws.endpoint_url.clone(), region: Some(region.clone()) };
    let endpoint_url = stream.as_ref().map(EmbeddedStream::endpoint).or(aws.endpoint_url);
    let (client, streams_at) =
        connect(&AwsOptions { endpoint_url, region: Some(region.clone()) }, &clock).await?;
    let streams_at = if stream.is_some() { StreamsAt::ThisProcess } else { streams_at };
    // The demo follows no changes.
    let old_code = (command == Serving::Dev).then(OldCode::default);
    let places = CodePlaces::new(&application.root, data_dir.path());
    let functions =
        functions_of(&function_options, &application, &places, &region, terminal, &clock, old_code.as_ref())
            .await?;
    let made = if stream.is_some() { Made::Named } else { Made::Defined };
    let streams = streams(&application, made);
    tell_of_streams(None, &application, made);
    create_streams(&client, &clock, &streams).await.map_err(|error| UserError::bad_input_because(&error))?;
    if stream.is_some() {
        warn_of_differences(&streams);
    }
    tables::create(&application, streams_at, &aws_elsewhere, &clock).await?;
    let notice = StreamNotice::of(command, client.endpoint().as_str(), &region)
        .with_brokers(kafka.bootstrap_servers());
    let notice = beside::post(&notice, data_dir.path());
    let template = ChangedTemplate {
        path,
        options: given,
        functions: function_options,
        places,
        region,
        client: client.clone(),
        streams_at,
        aws: aws_elsewhere.clone(),
        terminal: terminal.clone(),
        clock: clock.clone(),
        look_out,
        made,
        kafka,
    };
    let surroundings = Surroundings {
        client,
        stream,
        notice,
        streams_at,
        aws: aws_elsewhere,
        settings: options.settings(),
        clock,
    };
    let poller = Poller::start(surroundings.launch(application, functions, data_dir)).await?;
    Ok(Local { poller, surroundings, template })
}

async fn embed(options: &StreamOptions, region: &str, account: &str) -> Result<EmbeddedStream, UserError> {
    let options = EmbeddedOptions {
        region: region.to_owned(),
        account: account.to_owned(),
        ..EmbeddedOptions::listening_on(options.stream_listen)
    };
    EmbeddedStream::start(options).await.map_err(|error| UserError::bad_input_because(&error))
}

/// Every function that an enabled mapping uses and that does not run as it is: found elsewhere, or with the code that was built or
/// found here. One that does not compile has its old code, or none; `old_code` is `None` where that is refused.
async fn functions_of(
    options: &FunctionOptions,
    application: &Application,
    places: &CodePlaces,
    region: &str,
    terminal: &Terminal,
    clock: &Clock,
    old_code: Option<&OldCode>,
) -> Result<Functions, UserError> {
    let elsewhere = functions::elsewhere(options, application, region, clock).await?;
    let (built, found): (Vec<_>, Vec<_>) = functions::needed_here(options, application)
        .filter(|function| old_code.is_none_or(|old_code| !old_code.runs(function)))
        .partition(|function| function.build.is_some());
    // To build takes long: what is missing is said before.
    let mut here = functions::find_code(found.into_iter(), places)?;
    for function in built {
        let Some(method) = &function.build else { continue };
        let code = match (built_by(method, function, terminal).await, old_code) {
            (Ok(code), _) => Some(code),
            (Err(error @ BuildError::DoesNotCompile { .. }), Some(old_code)) => {
                let old = old_code.find(function);
                match &old {
                    Some(_) => error!(error = chain(&error), "keeping the old code"),
                    None => {
                        error!(
                            error = chain(&error),
                            "its batches wait for a change of the code that compiles"
                        );
                    }
                }
                old
            }
            (Err(error), _) => return Err(UserError::bad_input_because(&error)),
        };
        here.insert(function.logical_id.clone(), code);
    }
    Ok(Functions { here, elsewhere })
}

/// What cargo builds from the function's folder.
pub(super) async fn built_by(
    method: &BuildMethod,
    function: &Function,
    terminal: &Terminal,
) -> Result<Code, BuildError> {
    info!(function = function.name, folder = %function.code_uri.display(), "building");
    Ok(Code::built(build(function, method, terminal).await?, function))
}
