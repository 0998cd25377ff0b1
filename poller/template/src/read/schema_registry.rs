//! `SchemaRegistryConfig` of a mapping of Kafka (specification 1.1).
//!
//! In: the property. Out: its texts. What a registry must have, the model decides.

use super::access;
use super::context::{Context, Reported};
use super::mapping_places::{Place, Places};
use super::mappings::Given;
use super::node::Entry;
use pelton_model::{Parameter, SchemaRegistrySettings};

const MEMBERS: [&str; 4] =
    ["SchemaRegistryURI", "EventRecordFormat", "AccessConfigs", "SchemaValidationConfigs"];

pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    given: &mut Given<'t>,
) -> Result<(), Reported> {
    let wanted = "a map with `SchemaRegistryURI`";
    let Some(entries) = context.head(&property.value, wanted)? else { return Ok(()) };
    let places = &mut given.places;
    places.add(Parameter::SchemaRegistryConfig, property);
    let mut registry = SchemaRegistrySettings::default();
    let read = context.each(entries, |context, entry| {
        match entry.key.as_str() {
            "SchemaRegistryURI" => {
                registry.uri = places.read_text(context, Parameter::SchemaRegistryUri, entry)?;
            }
            "EventRecordFormat" => {
                let format = places.read_text(context, Parameter::EventRecordFormat, entry)?;
                registry.event_record_format = format;
            }
            "AccessConfigs" => {
                places.add(Parameter::AccessConfigs, entry);
                let (kind, uri) = (Parameter::RegistryAccessType, Parameter::RegistryAccessUri);
                registry.access = access::read(context, entry, (kind, uri), places)?;
            }
            "SchemaValidationConfigs" => registry.validation = validation(context, entry, places)?,
            _ => return Err(context.unknown_setting(entry, "`SchemaRegistryConfig`", &MEMBERS)),
        }
        Ok(())
    });
    given.settings.schema_registry = Some(registry);
    read.map(|_| ())
}

/// `Attribute` of each entry.
fn validation<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    places: &mut Places<'t>,
) -> Result<Vec<Option<String>>, Reported> {
    places.add(Parameter::SchemaValidationConfigs, property);
    let items = context.items(&property.value, "a list of entries with `Attribute`");
    if items.is_err() {
        places.add_unreadable(Parameter::SchemaValidationConfigs);
    }
    let mut attributes = Vec::new();
    context.each(items?, |context, item| {
        let Some(members) = context.head(item, "a map with `Attribute`")? else { return Ok(()) };
        let index = attributes.len();
        let parameter = Parameter::SchemaValidationAttribute(index);
        attributes.push(None);
        if members.is_empty() {
            let (name, span) = ("Attribute".to_owned(), item.span);
            places.add_at(parameter, Place { name, key_span: span, value_span: span });
        }
        context.each(members, |context, member| match member.key.as_str() {
            "Attribute" => {
                attributes[index] = places.read_text(context, parameter, member)?;
                Ok(())
            }
            _ => Err(context.unknown_setting(member, "an entry", &["Attribute"])),
        })?;
        Ok(())
    })?;
    Ok(attributes)
}
