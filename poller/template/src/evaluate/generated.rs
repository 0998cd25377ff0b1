//! What SAM makes beside the resources of the template (documentation of SAM, "Generated CloudFormation resources"):
//! other resources may refer to it.
//!
//! In: a name. Out: the type of what SAM makes of that name, and the resource from which SAM makes it.

use super::document::Document;
use super::references::{ALIAS, SAM_FUNCTION as FUNCTION};
use super::resource::Resource;
use super::resource_kinds::ROLE;

pub(crate) const SAM_PREFIX: &str = "AWS::Serverless::";

pub(crate) const API: &str = "AWS::Serverless::Api";
pub(crate) const HTTP_API: &str = "AWS::Serverless::HttpApi";
pub(crate) const WEB_SOCKET_API: &str = "AWS::Serverless::WebSocketApi";
const CONNECTOR: &str = "AWS::Serverless::Connector";
const STATE_MACHINE: &str = "AWS::Serverless::StateMachine";

pub(crate) const STAGE: &str = "AWS::ApiGateway::Stage";
pub(crate) const STAGE_V2: &str = "AWS::ApiGatewayV2::Stage";
pub(crate) const DOMAIN_NAME: &str = "AWS::ApiGateway::DomainName";
pub(crate) const DOMAIN_NAME_V2: &str = "AWS::ApiGatewayV2::DomainName";
pub(crate) const LAMBDA_VERSION: &str = "AWS::Lambda::Version";
const PERMISSION: &str = "AWS::Lambda::Permission";
pub(crate) const QUEUE: &str = "AWS::SQS::Queue";
const QUEUE_POLICY: &str = "AWS::SQS::QueuePolicy";
pub(crate) const TOPIC: &str = "AWS::SNS::Topic";
const TOPIC_POLICY: &str = "AWS::SNS::TopicPolicy";
const POLICY: &str = "AWS::IAM::ManagedPolicy";

/// APIs that SAM makes for functions whose events name none.
pub(crate) const IMPLICIT_APIS: [(&str, &str); 2] =
    [("ServerlessRestApi", API), ("ServerlessHttpApi", HTTP_API)];

/// `Ref: ID.PROPERTY`: the type of the resource whose property this is, the property, and the type of what it stands for.
pub(crate) const PROPERTIES: [(&str, &str, &str); 15] = [
    (FUNCTION, "Alias", ALIAS),
    (FUNCTION, "Version", LAMBDA_VERSION),
    (FUNCTION, "DestinationQueue", QUEUE),
    (FUNCTION, "DestinationTopic", TOPIC),
    (API, "Stage", STAGE),
    (API, "Deployment", "AWS::ApiGateway::Deployment"),
    (API, "DomainName", DOMAIN_NAME),
    (API, "DomainNameV2", "AWS::ApiGateway::DomainNameV2"),
    (API, "UsagePlan", "AWS::ApiGateway::UsagePlan"),
    (API, "UsagePlanKey", "AWS::ApiGateway::UsagePlanKey"),
    (API, "ApiKey", "AWS::ApiGateway::ApiKey"),
    (HTTP_API, "Stage", STAGE_V2),
    (HTTP_API, "DomainName", DOMAIN_NAME_V2),
    (WEB_SOCKET_API, "Stage", STAGE_V2),
    (WEB_SOCKET_API, "DomainName", DOMAIN_NAME_V2),
];

/// Logical ids of what SAM makes once for a template. `{hash}` stands for ten digits of a hash.
pub(crate) const OF_TEMPLATE: [(&str, &str); 9] = [
    ("ServerlessDeploymentApplication", "AWS::CodeDeploy::Application"),
    ("CodeDeployServiceRole", ROLE),
    ("ServerlessUsagePlan", "AWS::ApiGateway::UsagePlan"),
    ("ServerlessUsagePlanKey", "AWS::ApiGateway::UsagePlanKey"),
    ("ServerlessApiKey", "AWS::ApiGateway::ApiKey"),
    ("ApiGatewayDomainName{hash}", DOMAIN_NAME),
    ("ApiGatewayDomainNameV2{hash}", DOMAIN_NAME_V2),
    ("RecordSetGroup{hash}", "AWS::Route53::RecordSetGroup"),
    ("DomainNameAccessAssociation{hash}", "AWS::ApiGateway::DomainNameAccessAssociation"),
];

/// What stands for the mapping, rule or subscription that an event becomes.
const EVENT: &str = "what the event becomes";

/// Logical ids of what SAM makes for one of its resources: the resource's type, what follows its logical id, and the type
/// of what SAM makes. `{hash}` stands for ten digits of a hash, `{event}` for the name of an event, `{name}` for any
/// letters and digits.
pub(crate) const OF_RESOURCE: [(&str, &str, &str); 57] = [
    (FUNCTION, "Role", ROLE),
    (FUNCTION, "Version{hash}", LAMBDA_VERSION),
    (FUNCTION, "Alias{name}", ALIAS),
    (FUNCTION, "Url", "AWS::Lambda::Url"),
    (FUNCTION, "UrlPublicPermissions", PERMISSION),
    (FUNCTION, "URLInvokeAllowPublicAccess", PERMISSION),
    (FUNCTION, "EventInvokeConfig", "AWS::Lambda::EventInvokeConfig"),
    (FUNCTION, "EventInvokeConfigOnSuccessQueue", QUEUE),
    (FUNCTION, "EventInvokeConfigOnFailureQueue", QUEUE),
    (FUNCTION, "EventInvokeConfigOnSuccessTopic", TOPIC),
    (FUNCTION, "EventInvokeConfigOnFailureTopic", TOPIC),
    (FUNCTION, "DeploymentGroup", "AWS::CodeDeploy::DeploymentGroup"),
    (FUNCTION, "CognitoPermission", PERMISSION),
    (FUNCTION, "{event}", EVENT),
    (FUNCTION, "{event}Permission{name}", PERMISSION),
    (FUNCTION, "{event}EventSourceMapping", "AWS::Lambda::EventSourceMapping"),
    (FUNCTION, "{event}Queue", QUEUE),
    (FUNCTION, "{event}QueuePolicy", QUEUE_POLICY),
    (FUNCTION, "{event}Role{name}", ROLE),
    (STATE_MACHINE, "Role", ROLE),
    (STATE_MACHINE, "Version{name}", "AWS::StepFunctions::StateMachineVersion"),
    (STATE_MACHINE, "Alias{name}", "AWS::StepFunctions::StateMachineAlias"),
    (STATE_MACHINE, "{event}", EVENT),
    (STATE_MACHINE, "{event}Role{name}", ROLE),
    (STATE_MACHINE, "{event}Queue", QUEUE),
    (STATE_MACHINE, "{event}QueuePolicy", QUEUE_POLICY),
    (API, "{name}Stage", STAGE),
    (API, "Stage{hash}", STAGE),
    (API, "Deployment{hash}", "AWS::ApiGateway::Deployment"),
    (API, "Account", "AWS::ApiGateway::Account"),
    (API, "CloudWatchRole", ROLE),
    (API, "UsagePlan", "AWS::ApiGateway::UsagePlan"),
    (API, "UsagePlanKey", "AWS::ApiGateway::UsagePlanKey"),
    (API, "ApiKey", "AWS::ApiGateway::ApiKey"),
    (API, "{name}BasePathMapping", "AWS::ApiGateway::BasePathMapping"),
    (API, "{name}AuthorizerPermission", PERMISSION),
    (HTTP_API, "{name}Stage", STAGE_V2),
    (HTTP_API, "Stage{hash}", STAGE_V2),
    (HTTP_API, "{name}ApiMapping", "AWS::ApiGatewayV2::ApiMapping"),
    (HTTP_API, "{name}AuthorizerPermission", PERMISSION),
    (WEB_SOCKET_API, "{name}Stage", STAGE_V2),
    (WEB_SOCKET_API, "{name}Authorizer", "AWS::ApiGatewayV2::Authorizer"),
    (WEB_SOCKET_API, "{name}Route", "AWS::ApiGatewayV2::Route"),
    (WEB_SOCKET_API, "{name}Integration", "AWS::ApiGatewayV2::Integration"),
    (WEB_SOCKET_API, "{name}Permission", PERMISSION),
    (WEB_SOCKET_API, "{name}ApiMapping", "AWS::ApiGatewayV2::ApiMapping"),
    (CONNECTOR, "Policy", POLICY),
    (CONNECTOR, "PolicyDestination{name}", POLICY),
    (CONNECTOR, "TopicPolicy", TOPIC_POLICY),
    (CONNECTOR, "TopicPolicyDestination{name}", TOPIC_POLICY),
    (CONNECTOR, "QueuePolicy", QUEUE_POLICY),
    (CONNECTOR, "QueuePolicyDestination{name}", QUEUE_POLICY),
    (CONNECTOR, "{name}LambdaPermission", PERMISSION),
    (CONNECTOR, "{name}LambdaPermissionDestination{name}", PERMISSION),
    ("AWS::Serverless::LayerVersion", "{hash}", "AWS::Lambda::LayerVersion"),
    ("AWS::Serverless::CapacityProvider", "OperatorRole", ROLE),
    // Data sources, functions and resolvers carry names of the template.
    ("AWS::Serverless::GraphQLApi", "{name}", "a part of a GraphQL API"),
];

/// So many digits of a hash stand in a logical id.
const HASH_DIGITS: usize = 10;

/// Something that SAM makes.
#[derive(Clone, Debug)]
pub(crate) struct Generated<'t> {
    /// Its type, such as `AWS::Lambda::Alias`.
    pub(crate) kind: &'static str,
    /// The resource from which it is made; `None` if it is made from several.
    pub(crate) owner: Option<&'t Resource>,
    /// Its logical id; `None` if that holds what only AWS knows.
    pub(crate) id: Option<String>,
}

/// What `ID.PROPERTY` stands for, if SAM knows that property of that resource.
pub(crate) fn find_property<'t>(document: &'t Document, path: &str) -> Option<Generated<'t>> {
    let (id, property) = path.split_once('.')?;
    let owner = document.resource(id);
    let kind = match owner {
        Some(owner) => owner.kind.as_str(),
        None => implicit_api(document, id)?,
    };
    let known = PROPERTIES.iter().find(|(of, name, _)| *of == kind && *name == property);
    known.map(|&(_, _, kind)| Generated { kind, owner, id: None })
}

/// What SAM makes of that logical id, if it makes anything.
pub(crate) fn find<'t>(document: &'t Document, id: &str) -> Option<Generated<'t>> {
    if !document.resources.iter().any(is_of_sam) {
        return None;
    }
    let implicit = IMPLICIT_APIS.iter().find_map(|&(api, kind)| {
        let suffix = id.strip_prefix(api)?;
        let made = if suffix.is_empty() { kind } else { made_of(kind, suffix, &[])? };
        Some(Generated { kind: made, owner: document.resource(api), id: Some(id.to_owned()) })
    });
    let of_template = || {
        let (_, kind) = OF_TEMPLATE.iter().find(|(pattern, _)| is_match(pattern, id, &[]))?;
        Some(Generated { kind, owner: None, id: Some(id.to_owned()) })
    };
    let of_resource = || {
        document.resources.iter().find_map(|owner| {
            let suffix = id.strip_prefix(&owner.id)?;
            let kind =
                made_of(&owner.kind, suffix, &events(owner)).or_else(|| made_of_connector(owner, suffix))?;
            Some(Generated { kind, owner: Some(owner), id: Some(id.to_owned()) })
        })
    };
    implicit.or_else(of_template).or_else(of_resource)
}

/// The type of an API that SAM makes under that logical id.
pub(crate) fn implicit_api(document: &Document, id: &str) -> Option<&'static str> {
    let api = IMPLICIT_APIS.iter().find(|(api, _)| *api == id);
    api.filter(|_| document.resources.iter().any(is_of_sam)).map(|(_, kind)| *kind)
}

fn is_of_sam(resource: &Resource) -> bool {
    resource.kind.starts_with(SAM_PREFIX) || !resource.connectors.is_empty()
}

fn events(owner: &Resource) -> Vec<&str> {
    let events = owner.properties.get("Events").and_then(|events| events.as_mapping());
    events.unwrap_or_default().iter().map(|event| event.key.as_str()).collect()
}

fn made_of(owner_kind: &str, suffix: &str, events: &[&str]) -> Option<&'static str> {
    let mut of_kind = OF_RESOURCE.iter().filter(|(of, _, _)| *of == owner_kind);
    of_kind.find(|(_, pattern, _)| is_match(pattern, suffix, events)).map(|(_, _, kind)| *kind)
}

/// `Connectors` of any resource: each is a connector of its own, named after both.
fn made_of_connector(owner: &Resource, suffix: &str) -> Option<&'static str> {
    owner.connectors.iter().find_map(|connector| {
        let suffix = suffix.strip_prefix(connector.as_str())?;
        if suffix.is_empty() { Some(CONNECTOR) } else { made_of(CONNECTOR, suffix, &[]) }
    })
}

/// Whether a text is what a pattern stands for.
fn is_match(pattern: &str, text: &str, events: &[&str]) -> bool {
    let Some(rest) = pattern.strip_prefix('{') else {
        let literal = pattern.split('{').next().unwrap_or_default();
        return match text.strip_prefix(literal) {
            Some(rest) if literal.len() == pattern.len() => rest.is_empty(),
            Some(rest) => is_match(&pattern[literal.len()..], rest, events),
            None => false,
        };
    };
    let Some((placeholder, rest)) = rest.split_once('}') else { return false };
    match placeholder {
        "event" => {
            let mut rests = events.iter().filter_map(|event| text.strip_prefix(event));
            rests.any(|text| is_match(rest, text, events))
        }
        "hash" => {
            let (hash, after) = text.split_at_checked(HASH_DIGITS).unwrap_or_default();
            hash.len() == HASH_DIGITS
                && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
                && is_match(rest, after, events)
        }
        _ => {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|end| is_match(rest, &text[end..], events))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(is_match(pattern, text, &["Orders", "Order"]), expected, "{pattern} {text}");
    }

    #[test]
    fn a_pattern_stands_for_the_names_that_sam_makes() {
        check("Role", "Role", true);
        check("Role", "Roles", false);
        check("Role", "", false);
        check("Version{hash}", "Version0123456789", true);
        check("Version{hash}", "Versionabcdef0123", true);
        check("Version{hash}", "Version012345678", false);
        check("Version{hash}", "Version01234567890", false);
        check("Version{hash}", "Version012345678x", false);
        check("Version{hash}", "Version01234567é", false);
        check("{event}Queue", "OrdersQueue", true);
        check("{event}Queue", "ClicksQueue", false);
        check("{event}", "Order", true);
        check("{event}Permission{name}", "OrdersPermissionProd", true);
        check("{event}Permission{name}", "OrdersPermission", true);
        check("{name}Stage", "ProdStage", true);
        check("{name}Stage", "Stage", true);
        check("{name}Stage", "Stages", false);
        check("{name}LambdaPermissionDestination{name}", "WriteLambdaPermissionDestination0", true);
    }
}
