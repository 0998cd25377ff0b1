//! The settings of an event source mapping, wherever they stand: in an event of a SAM function, or in an
//! `AWS::Lambda::EventSourceMapping` (specification 1.1).
//!
//! In: the properties. Out: a mapping whose settings are all honoured. Only the values are read here; what AWS takes, the model
//! decides, and what is wrong is shown where the template says it.

use super::context::{Context, Reported, Without};
use super::diagnostics::{Code, Diagnostic};
use super::event_source::StreamSource;
use super::event_source_kind::{parameter_of_others, settings_of_others};
use super::mapping_places::Places;
use super::mapping_problems;
use super::node::Entry;
use super::source::Span;
use super::{event_source, filter_criteria, on_failure};
use crate::root_of;
use pelton_model::{
    Mapping, MappingId, MappingSettings, Parameter, ReadsFrom, SourceKind, StreamArn, StreamKind,
};

/// The properties that make a Kinesis mapping and that Pelton honours.
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
    /// The property that names the stream.
    pub(crate) source_property: &'static str,
    /// Further properties that it may have, read elsewhere.
    pub(crate) other_properties: &'static [&'static str],
}

/// Reads the settings of a mapping that runs `function`. Reports every problem before it gives up. The text is the
/// consumer that it names instead of its stream.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    context.without(Without::Mapping, |context| read_settings(context, declared, function))
}

fn read_settings<'t>(
    context: &mut Context<'t>,
    declared: &Declared<'t>,
    function: &str,
) -> Result<(Mapping, Option<String>), Reported> {
    let mut given = Given::default();
    let properties = declared.properties.iter().copied();
    // What is wrong with one property hides nothing of the others.
    let read = context.each(properties, |context, property| given.read(context, declared, property));
    filter_criteria::warn_of_patterns_without_payload(context, &given);
    let mapping = given.check(context, declared, function);
    let Some(StreamSource { stream: _, consumer }) = given.source else {
        let has_source = declared.properties.iter().any(|property| property.key == declared.source_property);
        if !has_source {
            let message = format!("the mapping `{}` has no `{}`", declared.id, declared.source_property);
            context.report(
                Diagnostic::error(Code::Missing, message).at(declared.span, "needs the ARN of a stream"),
            );
        }
        return Err(Reported);
    };
    read?;
    Ok((mapping?, consumer))
}

/// What the properties say, and where.
#[derive(Default)]
pub(crate) struct Given<'t> {
    source: Option<StreamSource>,
    pub(crate) settings: MappingSettings,
    pub(crate) places: Places<'t>,
}

impl<'t> Given<'t> {
    fn read(
        &mut self,
        context: &mut Context<'t>,
        declared: &Declared<'t>,
        property: &'t Entry,
    ) -> Result<(), Reported> {
        match property.key.as_str() {
            name if name == declared.source_property => {
                self.source = Some(event_source::read(context, property)?);
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
            name => match parameter_of_others(name) {
                Some(parameter) => self.read_presence(context, parameter, property),
                None => {
                    let mut known = vec![declared.source_property];
                    known.extend(SETTINGS);
                    known.extend(declared.other_properties);
                    known.extend(settings_of_others());
                    return Err(context.unknown_setting(property, declared.owner, &known));
                }
            },
        }
        Ok(())
    }

    fn read_text(&mut self, context: &mut Context<'t>, property: &'t Entry) -> Result<(), Reported> {
        let Some((parameter, value)) = single_value(&mut self.settings, &property.key) else { return Ok(()) };
        self.places.add(parameter, property);
        let text = context.text(property);
        if text.is_err() {
            self.places.add_unreadable(parameter);
        }
        *value = text?;
        Ok(())
    }

    /// A setting that the source does not take: that it has a value is enough.
    fn read_presence(&mut self, context: &mut Context<'t>, parameter: Parameter, property: &'t Entry) {
        if context.evaluate(&property.value) != Ok(None) {
            self.places.add(parameter, property);
            self.settings.others.insert(parameter);
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

    fn reads_from(&self) -> ReadsFrom {
        ReadsFrom::Stream(self.source.as_ref().map_or_else(stand_in, |source| source.stream.clone()))
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
        let check = |settings: MappingSettings| {
            settings.check(declared.id.clone(), function.to_owned(), reads_from.clone(), now)
        };
        for problem in check(self.settings.clone()).err().unwrap_or_default() {
            mapping_problems::report(context, declared, self, &problem);
        }
        // All that `MetricsConfig` can ask for is counted in any case: what is wrong with it was only warned of.
        let settings = MappingSettings { metrics: Vec::new(), ..self.settings.clone() };
        let mapping = check(settings).map_err(|_| Reported)?;
        let folder = root_of(context.diagnostics.source().path());
        let on_failure = mapping.on_failure.map(|destination| destination.seen_from(&folder));
        Ok(Mapping { on_failure, ..mapping })
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
