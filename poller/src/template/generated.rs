//! Resources that SAM makes beside those of the template: they can be referred to, and only AWS knows what they are.

use super::document::Document;
use super::references::SAM_FUNCTION;
use super::resource::Resource;

/// What SAM makes for functions with an API, whatever the function's name.
const OF_ALL: [&str; 2] = ["ServerlessRestApi", "ServerlessHttpApi"];

/// What SAM appends to the logical id of a function or an API for what it makes beside it; more may follow.
const SUFFIXES: [&str; 7] = ["Version", "Alias", "Url", "EventInvokeConfig", "Stage", "Deployment", "Role"];

/// Whether SAM makes a resource of that logical id.
pub(super) fn is_generated(document: &Document, id: &str) -> bool {
    let is_of_all = OF_ALL.iter().any(|name| id.starts_with(name)) || id.starts_with("ServerlessDeployment");
    let of_sam =
        || document.resources.iter().filter(|resource| resource.kind.starts_with("AWS::Serverless::"));
    (is_of_all && of_sam().next().is_some()) || of_sam().any(|resource| is_made_of(resource, id))
}

fn is_made_of(resource: &Resource, id: &str) -> bool {
    let Some(suffix) = id.strip_prefix(&resource.id) else { return false };
    let is_event = || {
        let events = resource.properties.get("Events").and_then(|events| events.as_mapping());
        let mut events = events.unwrap_or_default().iter();
        resource.kind == SAM_FUNCTION && events.any(|event| suffix.starts_with(&event.key))
    };
    SUFFIXES.iter().any(|known| suffix.starts_with(known)) || is_event()
}

#[cfg(test)]
mod tests {
    use crate::template::testing::{check_problem, load, template};

    #[track_caller]
    fn check(reference: &str, expected: &str) {
        let function = format!("Environment: {{Variables: {{VALUE: {reference}}}}}");
        check_problem(&load(&template(&function, "", "")), expected);
    }

    #[test]
    fn what_sam_makes_is_there_and_only_aws_knows_it() {
        for id in ["LedgerAliaslive", "LedgerUrl", "LedgerOrders", "LedgerVersion0a1b", "ServerlessRestApi"] {
            check(&format!("!Ref {id}"), &format!("Pelton does not know what `Ref` of `{id}` is"));
        }
        check(
            "!Sub 'https://${ServerlessHttpApi}.execute-api'",
            "Pelton does not know what `Ref` of `ServerlessHttpApi`",
        );
        check("!GetAtt LedgerUrl.FunctionUrl", "Pelton does not know what `FunctionUrl` of `LedgerUrl` is");
        check("!Ref LedgerClicks", "no resource and no parameter `LedgerClicks`");
        check("!Ref OrdersRole", "no resource and no parameter `OrdersRole`");
    }
}
