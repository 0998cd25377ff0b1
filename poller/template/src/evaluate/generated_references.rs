//! References to what SAM makes beside the resources of the template: `!Ref Api.Stage`, `!GetAtt LedgerRole.Arn`.
//!
//! In: what SAM makes. Out: the text, where the template tells it; else a problem that says that only AWS knows it.

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::generated::{self, Generated};
use super::node::{Node, Value};
use super::references::{ALIAS, SAM_FUNCTION};
use super::resource::Resource;
use super::resource_kinds;
use super::source::Span;

impl<'t> Context<'t> {
    /// What SAM makes under a name that is no resource of the template.
    pub(crate) fn generated(&self, name: &str) -> Option<Generated<'t>> {
        let document = self.document;
        generated::find_property(document, name).or_else(|| generated::find(document, name))
    }

    /// What `Ref` of something that SAM makes gives.
    pub(crate) fn generated_reference(
        &mut self,
        name: &str,
        made: &Generated<'t>,
        span: Span,
    ) -> Result<String, Reported> {
        self.require_owner(name, made, span)?;
        let text = match (made.kind, made.owner) {
            (ALIAS, Some(owner)) => self.generated_alias(name, owner, made, span)?,
            (generated::LAMBDA_VERSION, Some(owner)) => {
                self.require_alias(owner, span)?;
                None
            }
            (generated::STAGE | generated::STAGE_V2, owner) => self.stage(name, owner),
            (generated::DOMAIN_NAME | generated::DOMAIN_NAME_V2, Some(owner)) => self.domain(owner),
            _ => match (self.generated_name(made), resource_kinds::known(made.kind)) {
                (Some(name), Some(kind)) => Some(self.fill(kind.reference, &name)),
                (None, _) | (_, None) => None,
            },
        };
        text.ok_or_else(|| self.only_aws_knows(name, "Ref", made, span))
    }

    /// What `Fn::GetAtt` of something that SAM makes gives.
    pub(crate) fn generated_attribute(
        &mut self,
        name: &str,
        attribute: &str,
        made: &Generated<'t>,
        span: Span,
    ) -> Result<String, Reported> {
        self.require_owner(name, made, span)?;
        let form = resource_kinds::known(made.kind)
            .and_then(|kind| kind.attributes.iter().find(|(name, _)| *name == attribute));
        match (self.generated_name(made), form) {
            (Some(name), Some((_, form))) => Ok(self.fill(form, &name)),
            (None, _) | (_, None) => Err(self.only_aws_knows(name, attribute, made, span)),
        }
    }

    /// What SAM makes exists only if the resource does from which it is made.
    fn require_owner(&mut self, name: &str, made: &Generated<'t>, span: Span) -> Result<(), Reported> {
        match made.owner {
            Some(owner) => self.require_existing(name, owner, span),
            None => Ok(()),
        }
    }

    fn only_aws_knows(&mut self, name: &str, attribute: &str, made: &Generated<'_>, span: Span) -> Reported {
        let what = if made.kind.starts_with("AWS::") {
            format!("a `{}` that SAM makes", made.kind)
        } else {
            format!("{}, which SAM makes", made.kind)
        };
        self.unknown_value(name, attribute, &what, span)
    }

    /// The name of a resource of a kind that has one: its logical id, as that of a resource without a name.
    fn generated_name(&mut self, made: &Generated<'t>) -> Option<String> {
        let kind = resource_kinds::known(made.kind)?;
        let id = made.id.clone().or_else(|| destination_id(made))?;
        Some(match kind.kind {
            resource_kinds::ROLE => self.role_name(&id),
            _ => kind.unnamed(&id),
        })
    }

    /// The ARN of the alias, if `name` is that of the one alias that the function has.
    fn generated_alias(
        &mut self,
        name: &str,
        function: &'t Resource,
        made: &Generated<'t>,
        span: Span,
    ) -> Result<Option<String>, Reported> {
        let alias = self.require_alias(function, span)?;
        let is_meant = made.id.is_none() || {
            let letters = alias.replace('-', "D").replace('_', "U");
            name == format!("{}Alias{letters}", function.id)
        };
        if !is_meant {
            return Ok(None);
        }
        let function_name = self.name_of(function)?;
        Ok(Some(format!("{}:{alias}", self.fill(resource_kinds::FUNCTION_ARN, &function_name))))
    }

    /// SAM makes a version and an alias only where it is told to.
    fn require_alias(&mut self, function: &'t Resource, span: Span) -> Result<String, Reported> {
        match self.auto_publish_alias(function)? {
            Some(alias) => Ok(alias),
            None => {
                let message = format!("the function `{}` has no `AutoPublishAlias`", function.id);
                Err(self.report(Diagnostic::error(Code::UnknownReference, message).at(span, "has no alias")))
            }
        }
    }

    /// The name of a stage, which the API says.
    fn stage(&mut self, name: &str, api: Option<&'t Resource>) -> Option<String> {
        let implicit = generated::IMPLICIT_APIS.iter().find(|(id, _)| name.starts_with(id));
        match (api, implicit) {
            (None, Some(&(_, generated::HTTP_API))) => Some("$default".to_owned()),
            (None, _) => Some("Prod".to_owned()),
            (Some(api), _) => match self.text_of(api, &["StageName"]) {
                Some(stage) => Some(stage),
                None if api.properties.get("StageName").is_some() => None,
                None => match api.kind.as_str() {
                    generated::HTTP_API => Some("$default".to_owned()),
                    generated::WEB_SOCKET_API => Some("default".to_owned()),
                    _ => None,
                },
            },
        }
    }

    fn domain(&mut self, api: &'t Resource) -> Option<String> {
        self.text_of(api, &["Domain", "DomainName"])
    }

    /// The text of a property, if it can be told.
    fn text_of(&mut self, resource: &'t Resource, path: &[&str]) -> Option<String> {
        let mut node = &resource.properties;
        for name in path {
            node = node.get(name)?;
        }
        self.quietly(|context| context.evaluate_text(node, "a string")).ok()
    }
}

/// `FUNCTION.DestinationQueue` and `.DestinationTopic`: what SAM makes for a destination of asynchronous invocations that
/// names none. Of two, SAM means the one for failures.
fn destination_id(made: &Generated<'_>) -> Option<String> {
    let owner = made.owner.filter(|owner| owner.kind == SAM_FUNCTION)?;
    let (wanted, end) = match made.kind {
        generated::QUEUE => ("SQS", "Queue"),
        generated::TOPIC => ("SNS", "Topic"),
        _ => return None,
    };
    let config = owner.properties.get("EventInvokeConfig")?.get("DestinationConfig")?;
    let is_made = |destination: &Node| {
        let is_unnamed = destination.get("Destination").is_none_or(|node| node.value == Value::Null);
        destination.get("Type").and_then(Node::as_scalar) == Some(wanted) && is_unnamed
    };
    let event =
        ["OnFailure", "OnSuccess"].into_iter().find(|event| config.get(event).is_some_and(is_made))?;
    Some(format!("{}EventInvokeConfig{event}{end}", owner.id))
}

#[cfg(test)]
mod tests {
    use crate::evaluate::generated::{IMPLICIT_APIS, OF_RESOURCE, OF_TEMPLATE, PROPERTIES};
    use crate::testing::{check_problem, load, template};

    const RESOURCES: &str = "
  Rest: {Type: AWS::Serverless::Api, Properties: {StageName: !Sub '${AWS::Region}-dev', Domain: {DomainName: rest.example}}}
  Http: {Type: AWS::Serverless::HttpApi, Properties: {Domain: {DomainName: http.example}}}
  Sockets: {Type: AWS::Serverless::WebSocketApi, Properties: {StageName: live}}
  Parts: {Type: AWS::Serverless::LayerVersion}
  Link: {Type: AWS::Serverless::Connector}
  Steps: {Type: AWS::Serverless::StateMachine, Properties: {Events: {Orders: {Type: Schedule}}}}
  Capacity: {Type: AWS::Serverless::CapacityProvider}
  Graph: {Type: AWS::Serverless::GraphQLApi}
  Jobs: {Type: AWS::SQS::Queue, Connectors: {ToSteps: {}}}
  Absent: {Type: AWS::Serverless::Function, Condition: Never, Properties: {AutoPublishAlias: live}}
Conditions: {Never: !Equals [a, b]}
";
    const FUNCTION: &str = "AutoPublishAlias: live-1
      EventInvokeConfig:
        DestinationConfig: {OnSuccess: {Type: SNS}, OnFailure: {Type: SQS}}";

    /// The function `Ledger` with a variable of that value.
    fn text(expression: &str) -> String {
        let function = format!("{FUNCTION}\n      Environment: {{Variables: {{VALUE: {expression}}}}}");
        template(&function, "", RESOURCES)
    }

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let loaded = load(&text(expression));
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        assert_eq!(application.functions["Ledger"].environment["VALUE"], expected);
    }

    #[track_caller]
    fn check_problem_of(expression: &str, expected: &str) {
        check_problem(&load(&text(expression)), expected);
    }

    /// The logical id of the resource of that type in the template.
    fn owner(kind: &str) -> &'static str {
        match kind {
            "AWS::Serverless::Function" => "Ledger",
            "AWS::Serverless::Api" => "Rest",
            "AWS::Serverless::HttpApi" => "Http",
            "AWS::Serverless::WebSocketApi" => "Sockets",
            "AWS::Serverless::LayerVersion" => "Parts",
            "AWS::Serverless::Connector" => "Link",
            "AWS::Serverless::StateMachine" => "Steps",
            "AWS::Serverless::CapacityProvider" => "Capacity",
            "AWS::Serverless::GraphQLApi" => "Graph",
            kind => panic!("the template has no {kind}"),
        }
    }

    #[test]
    fn each_property_that_sam_knows_has_its_value_or_only_aws_knows_it() {
        let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/LedgerEventInvokeConfigOnFailureQueue";
        let topic = "arn:aws:sns:eu-west-1:123456789012:LedgerEventInvokeConfigOnSuccessTopic";
        let known = [
            ("Ledger.Alias", "arn:aws:lambda:eu-west-1:123456789012:function:Ledger:live-1"),
            ("Ledger.DestinationQueue", queue),
            ("Ledger.DestinationTopic", topic),
            ("Rest.Stage", "eu-west-1-dev"),
            ("Rest.DomainName", "rest.example"),
            ("Http.Stage", "$default"),
            ("Http.DomainName", "http.example"),
            ("Sockets.Stage", "live"),
        ];
        for (kind, property, _) in PROPERTIES {
            let name = format!("{}.{property}", owner(kind));
            let value = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            for expression in [format!("!Ref {name}"), format!("!Sub '${{{name}}}'")] {
                match value {
                    Some(value) => check(&expression, value),
                    None => check_problem_of(
                        &expression,
                        &format!("error unsupported: cannot resolve `Ref` of `{name}` | only AWS knows"),
                    ),
                }
            }
        }
    }

    #[test]
    fn each_logical_id_that_sam_makes_is_there() {
        let names = OF_RESOURCE.iter().map(|(kind, pattern, _)| format!("{}{pattern}", owner(kind)));
        let names = names.chain(OF_TEMPLATE.iter().map(|(pattern, _)| (*pattern).to_owned()));
        let names = names.chain(IMPLICIT_APIS.iter().map(|(id, _)| (*id).to_owned()));
        let names = names.chain(["JobsToSteps".to_owned(), "JobsToStepsWriteLambdaPermission".to_owned()]);
        for name in names {
            let name =
                name.replace("{hash}", "0123456789").replace("{event}", "Orders").replace("{name}", "Some");
            let late = format!(
                "  Late: {{Type: AWS::Kinesis::Stream, DependsOn: {name}, Properties: {{ShardCount: 1}}}}"
            );
            check_problem(&load(&template("", "", &format!("{late}{RESOURCES}"))), "");
            let lines = crate::testing::lines(&load(&text(&format!("!Ref {name}"))).diagnostics);
            assert!(lines.iter().all(|line| line.contains("only AWS knows this value")), "{lines:#?}");
        }
    }

    #[test]
    fn what_sam_makes_has_its_value_where_the_template_tells_it() {
        check("!Ref LedgerAliasliveD1", "arn:aws:lambda:eu-west-1:123456789012:function:Ledger:live-1");
        check("!Ref LedgerRole", "pelton-LedgerRole");
        check("!GetAtt LedgerRole.Arn", "arn:aws:iam::123456789012:role/pelton-LedgerRole");
        check("!GetAtt StepsRole.Arn", "arn:aws:iam::123456789012:role/pelton-StepsRole");
        check("!Ref ServerlessRestApiProdStage", "Prod");
        check("!Ref ServerlessRestApi.Stage", "Prod");
        check("!Ref ServerlessHttpApi.Stage", "$default");
        check("!Ref ServerlessHttpApiApiGatewayDefaultStage", "$default");
        let queue = "arn:aws:sqs:eu-west-1:123456789012:LedgerEventInvokeConfigOnFailureQueue";
        check("!GetAtt Ledger.DestinationQueue.Arn", queue);
        check("!GetAtt [Ledger.DestinationQueue, Arn]", queue);
        check("!Sub '${Ledger.DestinationQueue.Arn}'", queue);
        check("!GetAtt LedgerEventInvokeConfigOnFailureQueue.Arn", queue);
        check_problem_of("!GetAtt Ledger.Version.Version", "cannot resolve `Version` of `Ledger.Version`");
        check_problem_of("!Ref LedgerAliasother", "cannot resolve `Ref` of `LedgerAliasother`");
        check_problem_of("!GetAtt LedgerRole.RoleId", "cannot resolve `RoleId` of `LedgerRole`");
    }

    #[test]
    fn what_sam_does_not_make_is_not_there() {
        for name in
            ["LedgerClicks", "OrdersRole", "Parts012345678", "Rest.Alias", "LinkPolicies", "JobsToNowhere"]
        {
            check_problem_of(&format!("!Ref {name}"), &format!("no resource and no parameter `{name}`"));
        }
        let function = "Environment: {Variables: {VALUE: !Ref Ledger.Version}}";
        check_problem(&load(&template(function, "", "")), "the function `Ledger` has no `AutoPublishAlias`");
        check_problem_of("!Ref Absent.Alias", "the resource `Absent.Alias` does not exist");
    }
}
