//! The settings of an event source mapping, wherever they stand: in an event of a SAM function, or in an
//! `AWS::Lambda::EventSourceMapping` (specification 1.1).
//!
//! In: the properties. Out: a mapping whose settings are all honoured. Only the values are read here; what AWS takes, the model
//! decides, and what is wrong is shown where the template says it.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::event_source::StreamSource;
use super::event_source_kind::{Service, parameter_of_others, settings_of_others};
use super::mapping_places::Places;
use super::mapping_problems;
use super::node::Entry;
use super::references::referenced_id;
use super::source::Span;
use super::{event_source, filter_criteria, kafka, on_failure};
use crate::root_of;
use pelton_model::{
    Arn, EventSource, KafkaSource, Mapping, MappingId, MappingNames, MappingSettings, Parameter, ReadsFrom,
    SourceKind, StreamArn, StreamKind, limits,
};

/// The properties that mappings of every source have, or of every stream, and that Pelton honours.
pub(crate) const SETTINGS: [&str; 16] = [
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "MaximumRecordAgeInSeconds",
    "TumblingWindowInSeconds",
    "FunctionResponseTypes",
    "FilterCriteria",
    "DestinationConfig",
    "MetricsConfig",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Enabled",
    // About AWS itself.
    "KmsKeyArn",
    "Tags",
];

/// A mapping as the template declares it.
pub(crate) struct Declared<'t> {
    /// Its logical id.
    pub(crate) id: MappingId,
    /// Its name in the template.
    pub(crate) span: Span,
    /// Where the template says what it reads from.
    pub(crate) place: Span,
    /// Its properties.
    pub(crate) properties: Vec<&'t Entry>,
    /// What it is, for people: `an event of type Kinesis`.
    pub(crate) owner: &'static str,
    /// Whether it is an event of a SAM function.
    pub(crate) is_sam_event: bool,
    /// The property that names the stream or the cluster, unless other properties say where the mapping reads from.
    pub(crate) source_property: Option<&'static str>,
    /// Further properties that it may have, read elsewhere.
    pub(crate) other_properties: &'static [&'static str],
}

impl<'t> Declared<'t> {
    /// Where it names its stream or its cluster.
    pub(crate) fn source(&self) -> Option<&'t Entry> {
        self.properties.iter().copied().find(|property| Some(property.key.as_str()) == self.source_property)
    }
}

/// Reads the settings of a mapping of that service that runs `function`. Reports every problem before it gives up. The text is
/// the consumer that it names instead of its stream.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    service: Service,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    context.without(Without::Mapping, |context| read_settings(context, declared, service, function))
}

fn read_settings<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    service: Service,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    let mut given = Given::new(context, declared, service);
    let properties = declared.properties.iter().copied();
    // What is wrong with one property hides nothing of the others.
    let read = context.each(properties, |context, property| given.read(context, declared, property));
    filter_criteria::warn_of_patterns_without_payload(context, &given);
    kafka::warn_of_plaintext(context, declared, &given);
    let mapping = given.check(context, declared, function);
    let consumer = match given.source {
        Some(Source::Stream(StreamSource { stream: _, consumer })) => consumer,
        Some(Source::Cluster(_)) => None,
        None if service == Service::SelfManagedKafka => None,
        None => {
            if let (Some(property), None) = (declared.source_property, declared.source()) {
                let message = format!("the mapping `{}` has no `{property}`", declared.id);
                let what = if service == Service::Msk { "an MSK cluster" } else { "a stream" };
                let missing = Diagnostic::error(Code::Missing, message);
                context.report(missing.at(declared.span, format!("needs the ARN of {what}")));
            }
            return Err(Reported);
        }
    };
    read?;
    Ok((mapping?, consumer))
}

/// What a mapping reads.
enum Source {
    Stream(StreamSource),
    /// A cluster of MSK.
    Cluster(Arn),
}

/// What the properties say, and where.
pub(crate) struct Given<'t> {
    service: Service,
    source: Option<Source>,
    pub(crate) settings: MappingSettings,
    pub(crate) places: Places<'t>,
    /// The command line names other bootstrap servers than the template.
    pub(crate) has_other_servers: bool,
}

impl<'t> Given<'t> {
    /// Nothing of the template yet: only what the command line says.
    fn new(context: &Context<'t>, declared: &Declared<'t>, service: Service) -> Self {
        let cluster = declared.source().and_then(|source| referenced_id(&source.value));
        let servers = context.options.kafka.servers(&declared.id.0, cluster).filter(|_| service.is_kafka());
        let bootstrap_servers = servers.map(|servers| servers.as_slice().to_vec()).unwrap_or_default();
        Self {
            service,
            source: None,
            settings: MappingSettings { bootstrap_servers, ..MappingSettings::default() },
            places: Places::default(),
            has_other_servers: servers.is_some(),
        }
    }

    /// The service that it reads from.
    pub(crate) fn service(&self) -> Service {
        self.service
    }

    fn read(
        &mut self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
        property: &'t Entry,
    ) -> Result<(), Reported> {
        match property.key.as_str() {
            name if Some(name) == declared.source_property => {
                self.source = Some(match self.service {
                    Service::Msk => Source::Cluster(event_source::read_cluster(context, property)?),
                    Service::Kinesis | Service::DynamoDb | Service::SelfManagedKafka | Service::Other(_) => {
                        Source::Stream(event_source::read(context, property)?)
                    }
                });
            }
            name if self.service.is_kafka() && kafka::properties(declared).contains(&name) => {
                kafka::read(context, property, self)?;
            }
            "FunctionResponseTypes" => {
                self.places.add(Parameter::FunctionResponseTypes, property);
                self.settings.function_response_types = context.texts(property)?.unwrap_or_default();
            }
            "FilterCriteria" => filter_criteria::read(context, property, self)?,
            "DestinationConfig" => on_failure::read(context, property, declared.is_sam_event, self)?,
            // What it asks for is counted in any case.
            "MetricsConfig" => {
                let read = |context: &mut Context<'t>| self.read_metrics(context, property).ok();
                context.without(Without::Setting, |context| context.leniently(read)).unwrap_or(())
            }
            name if single_value(&mut self.settings, name).is_some() => self.read_text(context, property)?,
            name if SETTINGS.contains(&name) || declared.other_properties.contains(&name) => {}
            name => match parameter_of_others(name).filter(|&parameter| !self.takes(parameter)) {
                Some(parameter) => self.read_presence(context, parameter, property),
                None => {
                    let mut known: Vec<&str> = declared.source_property.into_iter().chain(SETTINGS).collect();
                    known.extend(declared.other_properties);
                    match self.service.is_kafka() {
                        true => known.extend(kafka::properties(declared)),
                        false => known.extend(settings_of_others()),
                    }
                    return Err(context.unknown_setting(property, declared.owner, &known));
                }
            },
        }
        Ok(())
    }

    fn read_text(&mut self, context: &mut Context<'t>, property: &'t Entry) -> Result<(), Reported> {
        let Some((parameter, value)) = single_value(&mut self.settings, &property.key) else { return Ok(()) };
        *value = self.places.read_text(context, parameter, property)?;
        Ok(())
    }

    /// A parameter that is given: what stands under it is read, or does not matter.
    pub(crate) fn note(&mut self, parameter: Parameter, property: &Entry) {
        self.places.add(parameter, property);
        self.settings.others.insert(parameter);
    }

    /// A setting that the source does not take: that it has a value is enough.
    fn read_presence(&mut self, context: &mut Context<'t>, parameter: Parameter, property: &'t Entry) {
        if context.evaluate(&property.value) != Ok(None) {
            self.note(parameter, property);
        }
    }

    fn read_metrics(&mut self, context: &mut Context<'t>, property: &'t Entry) -> Result<(), Reported> {
        let entries = context.head(&property.value, "a map with `Metrics`")?.unwrap_or_default();
        context.each(entries, |context, entry| match entry.key.as_str() {
            "Metrics" => {
                self.places.add(Parameter::Metrics, entry);
                self.settings.metrics = context.texts(entry)?.unwrap_or_default();
                Ok(())
            }
            _ => Err(context.unknown_setting(entry, "`MetricsConfig`", &["Metrics"])),
        })?;
        Ok(())
    }

    /// Which kind of source the mapping reads from.
    pub(crate) fn kind(&self) -> SourceKind {
        self.reads_from().kind()
    }

    /// Whether the source takes a parameter, wherever the template gives it.
    fn takes(&self, parameter: Parameter) -> bool {
        limits::of(self.kind()).takes(parameter)
    }

    fn reads_from(&self) -> ReadsFrom {
        match (&self.source, self.service) {
            (Some(Source::Stream(source)), _) => ReadsFrom::Stream(source.stream.clone()),
            (Some(Source::Cluster(arn)), _) => ReadsFrom::Kafka(KafkaSource::Msk(arn.clone())),
            (None, Service::SelfManagedKafka) => ReadsFrom::Kafka(KafkaSource::SelfManaged),
            (None, Service::Msk) => ReadsFrom::Kafka(KafkaSource::Msk(no_cluster())),
            (None, Service::Kinesis | Service::DynamoDb | Service::Other(_)) => ReadsFrom::Stream(stand_in()),
        }
    }

    /// The mapping that is asked for, or every problem of it.
    fn check(
        &self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
        function: &str,
    ) -> Result<Mapping, Reported> {
        let reads_from = self.reads_from();
        let now = context.options.now;
        let stack = context.options.stack_name.clone();
        let names = MappingNames { id: declared.id.clone(), function: function.to_owned(), stack };
        let check = |settings: MappingSettings| settings.check(names.clone(), reads_from.clone(), now);
        for problem in check(self.settings.clone()).err().unwrap_or_default() {
            mapping_problems::report(context, declared, self, &problem);
        }
        // All that `MetricsConfig` can ask for is counted in any case: what is wrong with it was only warned of.
        let settings = MappingSettings { metrics: Vec::new(), ..self.settings.clone() };
        let mapping = check(settings).map_err(|_| Reported)?;
        let folder = root_of(context.diagnostics.source().path());
        let on_failure = mapping.on_failure.map(|destination| destination.seen_from(&folder));
        let source = match mapping.source {
            EventSource::Kafka(settings) => {
                let mut settings = settings.seen_from(&folder);
                settings.parallelization_factor =
                    context.options.kafka.parallelization_factor(&declared.id.0);
                EventSource::Kafka(settings)
            }
            other @ (EventSource::Kinesis { .. } | EventSource::DynamoDb { .. } | EventSource::Sqs(_)) => {
                other
            }
        };
        Ok(Mapping { on_failure, source, ..mapping })
    }
}

/// The value of a setting that is a text, a number or a boolean.
fn single_value<'s>(
    settings: &'s mut MappingSettings,
    name: &str,
) -> Option<(Parameter, &'s mut Option<String>)> {
    Some(match name {
        "Enabled" => (Parameter::Enabled, &mut settings.enabled),
        "BatchSize" => (Parameter::BatchSize, &mut settings.batch_size),
        "MaximumBatchingWindowInSeconds" => {
            (Parameter::MaximumBatchingWindowInSeconds, &mut settings.maximum_batching_window_in_seconds)
        }
        "StartingPosition" => (Parameter::StartingPosition, &mut settings.starting_position),
        "StartingPositionTimestamp" => {
            (Parameter::StartingPositionTimestamp, &mut settings.starting_position_timestamp)
        }
        "ParallelizationFactor" => (Parameter::ParallelizationFactor, &mut settings.parallelization_factor),
        "BisectBatchOnFunctionError" => {
            (Parameter::BisectBatchOnFunctionError, &mut settings.bisect_batch_on_function_error)
        }
        "MaximumRetryAttempts" => (Parameter::MaximumRetryAttempts, &mut settings.maximum_retry_attempts),
        "MaximumRecordAgeInSeconds" => {
            (Parameter::MaximumRecordAgeInSeconds, &mut settings.maximum_record_age_in_seconds)
        }
        "TumblingWindowInSeconds" => {
            (Parameter::TumblingWindowInSeconds, &mut settings.tumbling_window_in_seconds)
        }
        _ => return None,
    })
}

/// In the place of a cluster that is not known.
fn no_cluster() -> Arn {
    let nothing = String::new;
    Arn {
        partition: nothing(),
        service: nothing(),
        region: nothing(),
        account: nothing(),
        resource: nothing(),
    }
}

/// In the place of a stream that is not known, so that what else is wrong is told at the same time: no mapping comes of it.
fn stand_in() -> StreamArn {
    StreamArn {
        partition: String::new(),
        region: String::new(),
        account: String::new(),
        name: String::new(),
        kind: StreamKind::Kinesis,
    }
}
