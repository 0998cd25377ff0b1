//! Records into a topic of Kafka, of the brokers that the command line names, or of those in a running `pelton dev`.

use super::{Entry, PutArgs, PutError, PutSummary, Sent, Sink, TopicOptions, put_into};
use crate::clock::Clock;
use crate::commands::beside;
use crate::commands::named_stream::NamedStream;
use crate::commands::options::AwsOptions;
use crate::kafka_access::{Access, Brokers};
use crate::kafka_producer::{Message, ProduceError, TopicProducer};
use crate::logging::Terminal;
use crate::user_error::UserError;
use std::path::Path;
use std::time::Duration;
use tracing::info;

/// How long records on their way are waited for after Ctrl-C.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// Who has the topic; `None`: a stream is meant.
pub(super) async fn brokers_of(
    target: &NamedStream,
    options: &TopicOptions,
    aws: &AwsOptions,
    data_dir: &Path,
) -> Result<Option<Brokers>, UserError> {
    if let Some(servers) = &options.bootstrap_servers {
        return match target.arn() {
            Some(arn) => Err(UserError::bad_input(format!(
                "{arn} is a stream, and --bootstrap-servers names brokers of Kafka"
            ))
            .help("name the topic, or leave out --bootstrap-servers")),
            None => Ok(Some(brokers_at(servers.to_string()))),
        };
    }
    if target.arn().is_some() || aws.endpoint_url.is_some() {
        return Ok(None);
    }
    let Some(servers) = beside::brokers(data_dir) else { return Ok(None) };
    let brokers = brokers_at(servers);
    let producer =
        TopicProducer::new(&brokers, &target.name).map_err(|error| UserError::bad_input_because(&error))?;
    match producer.check().await {
        Ok(()) => {
            let bootstrap_servers = brokers.bootstrap_servers.as_str();
            info!(bootstrap_servers, "using the topic of the running `pelton dev`");
            Ok(Some(brokers))
        }
        Err(ProduceError::NoTopic { .. }) => Ok(None),
        Err(error) => Err(UserError::bad_input_because(&error)),
    }
}

fn brokers_at(bootstrap_servers: String) -> Brokers {
    Brokers { bootstrap_servers, access: Access::default() }
}

/// Puts what the arguments say, until all is put or `stop` comes true.
pub(super) async fn put(
    args: PutArgs,
    headers: Vec<(String, String)>,
    brokers: Brokers,
    terminal: &Terminal,
    clock: &Clock,
    stop: impl Future<Output = ()>,
) -> Result<PutSummary, PutError> {
    let topic = args.stream.name.clone();
    let refused =
        |error: ProduceError| PutError::Topic { topic: topic.clone(), put: 0, source: error.into() };
    let producer = TopicProducer::new(&brokers, &topic).map_err(refused)?;
    let stop = futures_util::FutureExt::shared(stop);
    tokio::select! {
        biased;
        () = stop.clone() => {}
        looked = producer.check() => looked.map_err(refused)?,
    }
    let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    let sender = TopicSender { producer, topic: topic.clone(), headers, clock: clock.clone() };
    put_into(sender, &args, terminal, clock, stop).await
}

/// Puts records into one topic.
struct TopicSender {
    producer: TopicProducer,
    topic: String,
    headers: Vec<(String, Vec<u8>)>,
    clock: Clock,
}

impl Sink for TopicSender {
    fn records(&self) -> u64 {
        self.producer.taken().0
    }

    /// What is on its way is waited for, but not for brokers that went away.
    async fn send(
        &mut self,
        entries: Vec<Entry>,
        stop: impl Future<Output = ()> + Clone,
    ) -> Result<Sent, PutError> {
        let message = |Entry { key, data }: Entry| Message {
            key: key.map(String::into_bytes),
            value: data,
            headers: self.headers.clone(),
        };
        let stopped = async {
            stop.await;
            self.clock.sleep(STOP_WAIT_MAX).await;
        };
        tokio::select! {
            biased;
            delivered = self.producer.deliver(entries.into_iter().map(message)) => {
                let refused =
                    |error: ProduceError| PutError::Topic { topic: self.topic.clone(), put: self.records(), source: error.into() };
                delivered.map(|()| Sent::All).map_err(refused)
            }
            () = stopped => Ok(Sent::Interrupted),
        }
    }

    fn summary(self, elapsed: Duration, is_interrupted: bool) -> PutSummary {
        let (records, bytes) = self.producer.taken();
        PutSummary { target: self.topic, records, bytes, throttled: 0, elapsed, is_interrupted }
    }
}

#[cfg(test)]
mod tests;
