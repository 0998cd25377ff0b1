//! The properties that only a mapping of Kafka has, in SAM's spellings and in CloudFormation's (specification 1.1, 11.1, 11.2).
//!
//! In: a property. Out: its settings. What AWS takes, the model decides.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::event_source_kind::Service;
use super::mappings::{Declared, Given};
use super::node::{Entry, Node};
use super::{access, schema_registry};
use pelton_model::{MappingSettings, Parameter};

/// Those of an `AWS::Lambda::EventSourceMapping`.
const OF_MAPPING: [&str; 7] = [
    "Topics",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "AmazonManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "ProvisionedPollerConfig",
    "LoggingConfig",
];

/// Those of an event of a SAM function, which becomes such a mapping.
const OF_EVENT: [&str; 9] = [
    "Topics",
    "KafkaBootstrapServers",
    "ConsumerGroupId",
    "ConsumptionMode",
    "SchemaRegistryConfig",
    "SourceAccessConfigurations",
    "ProvisionedPollerConfig",
    "LoggingConfig",
    // About AWS itself: SAM lets the function decrypt with it.
    "SecretsManagerKmsKeyId",
];

/// CloudFormation's name of the bootstrap servers, and the Lambda API's.
const SERVERS: [&str; 2] = ["KafkaBootstrapServers", "KAFKA_BOOTSTRAP_SERVERS"];

/// The properties that only a mapping of Kafka has.
pub(crate) fn properties(declared: &Declared<'_>) -> &'static [&'static str] {
    if declared.is_sam_event { &OF_EVENT } else { &OF_MAPPING }
}

/// Reads one of [`properties`].
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    match property.key.as_str() {
        "Topics" => {
            given.places.add(Parameter::Topics, property);
            let topics = context.texts(property);
            if topics.is_err() {
                given.places.add_unreadable(Parameter::Topics);
            }
            given.settings.topics = topics?.unwrap_or_default();
        }
        "KafkaBootstrapServers" => {
            given.note(Parameter::SelfManagedEventSource, property);
            servers(context, property, given)?;
        }
        "SelfManagedEventSource" => self_managed(context, property, given)?,
        "SelfManagedKafkaEventSourceConfig" => {
            group(context, property, Parameter::SelfManagedKafkaEventSourceConfig, given)?;
        }
        "AmazonManagedKafkaEventSourceConfig" => {
            group(context, property, Parameter::AmazonManagedKafkaEventSourceConfig, given)?;
        }
        "ConsumerGroupId" | "ConsumptionMode" | "SchemaRegistryConfig" => of_group(context, property, given)?,
        "SourceAccessConfigurations" => {
            let parameter = Parameter::SourceAccessConfigurations;
            given.places.add(parameter, property);
            let (kind, uri) = (Parameter::SourceAccessType, Parameter::SourceAccessUri);
            let entries = access::read(context, property, (kind, uri), &mut given.places);
            if entries.is_err() {
                given.places.add_unreadable(parameter);
            }
            given.settings.access = entries?;
        }
        "ProvisionedPollerConfig" => pollers(context, property, given)?,
        "LoggingConfig" => logging(context, property, given)?,
        _ => {}
    }
    Ok(())
}

fn self_managed<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let Some(entries) = context.head(&property.value, "a map with `Endpoints`")? else { return Ok(()) };
    given.note(Parameter::SelfManagedEventSource, property);
    context.each(entries, |context, entry| match entry.key.as_str() {
        "Endpoints" => {
            let wanted = "a map with `KafkaBootstrapServers`";
            let endpoints = context.head(&entry.value, wanted)?.unwrap_or_default();
            context.each(endpoints, |context, endpoint| match SERVERS.contains(&endpoint.key.as_str()) {
                true => servers(context, endpoint, given),
                false => Err(context.unknown_setting(endpoint, "`Endpoints`", &SERVERS[..1])),
            })?;
            Ok(())
        }
        _ => Err(context.unknown_setting(entry, "`SelfManagedEventSource`", &["Endpoints"])),
    })?;
    Ok(())
}

/// A list, or a text with commas. Where the command line names others, those of the template matter to nobody.
fn servers<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    if given.has_other_servers {
        return Ok(());
    }
    let parameter = Parameter::BootstrapServers;
    given.places.add(parameter, property);
    let texts = texts(context, property);
    if texts.is_err() {
        given.places.add_unreadable(parameter);
    }
    given.settings.bootstrap_servers = texts?;
    Ok(())
}

fn texts<'t>(context: &mut Context<'t>, property: &'t Entry) -> Result<Vec<String>, Reported> {
    let Some(value) = context.evaluate(&property.value)? else { return Ok(Vec::new()) };
    let single = value.as_scalar().map(|text| vec![text.to_owned()]);
    let list = |items: &[Node]| items.iter().map(|item| item.as_scalar().map(str::to_owned)).collect();
    let texts = single.or_else(|| value.as_sequence().and_then(list));
    let wanted = "a list of `HOST:PORT`, or a text with commas between them";
    texts.ok_or_else(|| context.wrong_property(property, &value, wanted))
}

/// The consumer group, and what else CloudFormation has beside it. Its name tells which kind of cluster it is of.
fn group<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    parameter: Parameter,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let Some(entries) = context.head(&property.value, "a map with `ConsumerGroupId`")? else { return Ok(()) };
    given.note(parameter, property);
    let known: &[&str] = match parameter == Parameter::SelfManagedKafkaEventSourceConfig {
        true => &["ConsumerGroupId", "SchemaRegistryConfig", "ConsumptionMode"],
        false => &["ConsumerGroupId", "SchemaRegistryConfig"],
    };
    context.each(entries, |context, entry| match known.contains(&entry.key.as_str()) {
        true => of_group(context, entry, given),
        false => Err(context.unknown_setting(entry, &format!("`{}`", property.key), known)),
    })?;
    Ok(())
}

fn of_group<'t>(context: &mut Context<'t>, entry: &'t Entry, given: &mut Given<'t>) -> Result<(), Reported> {
    let (parameter, value): (_, fn(&mut MappingSettings) -> &mut Option<String>) = match entry.key.as_str() {
        "ConsumerGroupId" => (Parameter::ConsumerGroupId, |settings| &mut settings.consumer_group_id),
        "ConsumptionMode" => (Parameter::ConsumptionMode, |settings| &mut settings.consumption_mode),
        _ => return schema_registry::read(context, entry, given),
    };
    *value(&mut given.settings) = given.places.read_text(context, parameter, entry)?;
    Ok(())
}

fn pollers<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let known = ["MinimumPollers", "MaximumPollers", "PollerGroupName"];
    let entries = context.head(&property.value, "a map with `MinimumPollers`")?.unwrap_or_default();
    context.each(entries, |context, entry| {
        let settings = &mut given.settings;
        let (parameter, value) = match entry.key.as_str() {
            "MinimumPollers" => (Parameter::MinimumPollers, &mut settings.minimum_pollers),
            "MaximumPollers" => (Parameter::MaximumPollers, &mut settings.maximum_pollers),
            "PollerGroupName" => (Parameter::PollerGroupName, &mut settings.poller_group_name),
            _ => return Err(context.unknown_setting(entry, "`ProvisionedPollerConfig`", &known)),
        };
        *value = given.places.read_text(context, parameter, entry)?;
        Ok(())
    })?;
    Ok(())
}

fn logging<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let known = "SystemLogLevel";
    let entries = context.head(&property.value, "a map with `SystemLogLevel`")?.unwrap_or_default();
    context.each(entries, |context, entry| match entry.key == known {
        true => {
            let level = given.places.read_text(context, Parameter::SystemLogLevel, entry)?;
            given.settings.system_log_level = level;
            Ok(())
        }
        false => Err(context.unknown_setting(entry, "`LoggingConfig`", &[known])),
    })?;
    Ok(())
}

/// AWS refuses a mapping of a cluster that somebody manages if nothing says how to be known to it. For local use it is what is wanted.
pub(crate) fn warn_of_plaintext(context: &mut Context<'_>, declared: &Declared<'_>, given: &Given<'_>) {
    let parameter = Parameter::SourceAccessConfigurations;
    let says_nothing = given.settings.access.is_empty() && !given.places.is_unreadable(parameter);
    if given.service() != Service::SelfManagedKafka || !says_nothing {
        return;
    }
    let place = given.places.of(parameter).map_or(declared.span, |place| place.key_span);
    let message = format!("the mapping `{}` has no `SourceAccessConfigurations`", declared.id);
    context.report(
        Diagnostic::warning(Code::Missing, message)
            .at(place, "Pelton connects without TLS and credentials; AWS refuses the mapping")
            .help(
                "for AWS, add `SourceAccessConfigurations`, such as `- {Type: BASIC_AUTH, URI: !Ref Secret}`",
            ),
    );
}
