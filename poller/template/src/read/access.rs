//! Entries that say how to be known to a server: `SourceAccessConfigurations` of a mapping, `AccessConfigs` of its schema registry
//! (specification 14.1).
//!
//! In: a list of `Type` and `URI`. Out: their texts. The URI of an entry about AWS's network is not read: only AWS may know it.

use super::context::{Context, Reported};
use super::mapping_places::{Place, Places};
use super::node::{Entry, Node};
use pelton_model::kafka::SourceAccessType;
use pelton_model::{AccessSetting, Parameter};

/// The parameters of the entry at a place of the list: of its `Type`, and of its `URI`.
pub(crate) type OfEntry = (fn(usize) -> Parameter, fn(usize) -> Parameter);

/// Every entry of the list.
pub(crate) fn read<'t>(
    context: &mut Context<'t>,
    property: &'t Entry,
    parameters: OfEntry,
    places: &mut Places<'t>,
) -> Result<Vec<AccessSetting>, Reported> {
    let items = context.items(&property.value, "a list of entries with `Type` and `URI`")?;
    let mut entries = Vec::new();
    // What is wrong with one entry hides nothing of the others.
    context.each(items, |context, item| {
        let wanted = "a map with `Type` and `URI`";
        let Some(members) = context.head(item, wanted)? else { return Ok(()) };
        let index = entries.len();
        let parameters = (parameters.0(index), parameters.1(index));
        entries.push(AccessSetting::default());
        entry(context, (item, &members), parameters, places, &mut entries[index])
    })?;
    Ok(entries)
}

fn entry<'t>(
    context: &mut Context<'t>,
    (item, members): (&Node, &[&'t Entry]),
    (kind, uri): (Parameter, Parameter),
    places: &mut Places<'t>,
    setting: &mut AccessSetting,
) -> Result<(), Reported> {
    let names = [("Type", kind), ("URI", uri)];
    for (name, parameter) in names {
        if !members.iter().any(|member| member.key == name) {
            let (name, span) = (name.to_owned(), item.span);
            places.add_at(parameter, Place { name, key_span: span, value_span: span });
        }
    }
    let find = |name: &str| members.iter().copied().find(|member| member.key == name);
    if let Some(member) = find("Type") {
        setting.kind = places.read_text(context, kind, member)?;
    }
    let is_network =
        setting.kind.as_deref().and_then(SourceAccessType::named).is_some_and(SourceAccessType::is_network);
    if let Some(member) = find("URI").filter(|_| !is_network) {
        setting.uri = places.read_text(context, uri, member)?;
    }
    context.each(members.iter().copied(), |context, member| match member.key.as_str() {
        "Type" | "URI" => Ok(()),
        _ => Err(context.unknown_setting(member, "an entry", &["Type", "URI"])),
    })?;
    Ok(())
}
