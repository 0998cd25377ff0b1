//! Pseudo parameters: `AWS::Region`, `AWS::AccountId` and their like.
//!
//! In: the command line, and the ARNs of the streams that the mappings read. Out: values. Asks nobody.

use super::context::{Context, Evaluated};
use super::diagnostics::{Code, Diagnostic};
use super::node::Node;
use super::references::SAM_FUNCTION;
use super::resource::Resource;
use super::resource_types::MAPPING;
use super::source::Span;
use super::suggest;
use pelton_model::Arn;
use pelton_model::arn::{NO_ACCOUNT, is_account};
use std::collections::BTreeSet;

const PSEUDO_PARAMETERS: [&str; 8] = [
    "AWS::Region",
    "AWS::AccountId",
    "AWS::Partition",
    "AWS::StackName",
    "AWS::StackId",
    "AWS::URLSuffix",
    "AWS::NoValue",
    "AWS::NotificationARNs",
];

/// The partition that a region belongs to.
pub(crate) fn partition_of(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        region if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// Takes account and partition from the streams' own ARNs: the account if the command line gives none, and each only if all
/// ARNs that name an account agree.
pub(crate) fn settle(context: &mut Context<'_>) {
    let (mut accounts, mut partitions) = (BTreeSet::new(), BTreeSet::new());
    for text in stream_arns(context) {
        let Ok(arn) = text.parse::<Arn>() else { continue };
        if matches!(arn.service.as_str(), "kinesis" | "dynamodb" | "kafka")
            && is_account(&arn.account)
            && arn.account != NO_ACCOUNT
        {
            accounts.insert(arn.account);
            partitions.insert(arn.partition);
        }
    }
    if let Some(partition) = the_only(partitions) {
        context.partition = partition;
    }
    if let (None, Some(account)) = (&context.options.account, the_only(accounts)) {
        context.account = account;
    }
    // Some may have asked for the account.
    context.conditions.clear();
}

fn the_only(names: BTreeSet<String>) -> Option<String> {
    let mut names = names.into_iter();
    names.next().filter(|_| names.next().is_none())
}

/// The ARNs of the streams that mappings read, as far as they can be told.
fn stream_arns(context: &mut Context<'_>) -> Vec<String> {
    let document = context.document;
    let mut arns = Vec::new();
    context.quietly(|context| {
        for resource in &document.resources {
            let is_concerned = resource.kind == MAPPING || resource.kind == SAM_FUNCTION;
            if is_concerned && context.may_exist(resource) {
                for source in sources(context, resource) {
                    arns.extend(context.evaluate_text(source, "an ARN").ok());
                }
            }
        }
    });
    arns
}

/// What stands for the streams of a mapping, or of a function's events.
fn sources<'t>(context: &mut Context<'t>, resource: &'t Resource) -> Vec<&'t Node> {
    let Ok(properties) = context.properties(&resource.properties) else { return Vec::new() };
    let find = |name: &str| properties.iter().find(|property| property.key == name);
    if resource.kind == MAPPING {
        return find("EventSourceArn").map(|property| &property.value).into_iter().collect();
    }
    let events = find("Events").and_then(|events| context.head(&events.value, "a map of events").ok());
    let events = events.flatten().unwrap_or_default().into_iter();
    let is_of_stream = |kind: &Node| matches!(kind.as_scalar(), Some("Kinesis" | "DynamoDB" | "MSK"));
    let of_streams = events.filter(|event| event.value.get("Type").is_some_and(is_of_stream));
    of_streams.filter_map(|event| event.value.get("Properties")?.get("Stream")).collect()
}

impl Context<'_> {
    /// Replaces what stands in braces in one of the texts of [`super::resource_kinds`].
    pub(crate) fn fill(&self, form: &str, name: &str) -> String {
        form.replace("{partition}", &self.partition)
            .replace("{region}", &self.options.region)
            .replace("{account}", &self.account)
            .replace("{suffix}", self.url_suffix())
            .replace("{name}", name)
    }

    /// What a `Ref` of a pseudo parameter gives.
    pub(crate) fn pseudo_parameter(&mut self, name: &str, span: Span) -> Evaluated {
        let text = match name {
            "AWS::Region" => self.options.region.clone(),
            "AWS::AccountId" => self.account.clone(),
            "AWS::Partition" => self.partition.clone(),
            "AWS::StackName" => self.options.stack_name.clone(),
            "AWS::StackId" => {
                let form = "arn:{partition}:cloudformation:{region}:{account}:stack/{name}/{name}";
                self.fill(form, &self.options.stack_name)
            }
            "AWS::URLSuffix" => self.url_suffix().to_owned(),
            "AWS::NoValue" => return Ok(None),
            "AWS::NotificationARNs" => return Ok(Some(Node::sequence(Vec::new(), span))),
            name => {
                let message = format!("there is no pseudo parameter `{name}`");
                let help = suggest::did_you_mean(name, PSEUDO_PARAMETERS, "pseudo parameters");
                return Err(self.report(
                    Diagnostic::error(Code::UnknownReference, message).at(span, "not defined").help(help),
                ));
            }
        };
        Ok(Some(Node::text(text, span)))
    }

    fn url_suffix(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-eusc" => "amazonaws.eu",
            _ => "amazonaws.com",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::LoadOptions;
    use crate::testing::{check_problem, load_with, options, template};

    /// The environment variable `VALUE` is this in a template that reads this stream and knows no account otherwise.
    #[track_caller]
    fn check_with(value: &str, stream: &str, options: &LoadOptions, expected: &str) {
        let function = format!("Environment: {{Variables: {{VALUE: {value}}}}}");
        let text = template(
            &function,
            "",
            "Parameters: {S: {Type: String, Default: 'arn:aws:kinesis:eu-west-1:111111111111:stream/p'}}",
        );
        let loaded = load_with(&text.replace("!GetAtt Orders.Arn", stream), options);
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        assert_eq!(application.functions["Ledger"].environment["VALUE"], expected);
    }

    #[track_caller]
    fn check(value: &str, stream: &str, expected: &str) {
        check_with(value, stream, &LoadOptions { account: None, ..options() }, expected);
    }

    const LITERAL: &str = "arn:aws:kinesis:eu-west-1:111111111111:stream/x";
    const CHINESE: &str = "arn:aws-cn:kinesis:cn-north-1:111111111111:stream/x";

    #[test]
    fn the_account_is_that_of_the_command_line_else_that_of_the_streams_own_arn_else_zeros() {
        let account = "!Ref AWS::AccountId";
        check(account, "!GetAtt Orders.Arn", "000000000000");
        check(account, LITERAL, "111111111111");
        check(account, "!Ref S", "111111111111");
        check(
            account,
            "!Sub 'arn:${AWS::Partition}:kinesis:${AWS::Region}:222222222222:stream/x'",
            "222222222222",
        );
        check(account, "!Sub 'arn:aws:kinesis:${AWS::Region}:${AWS::AccountId}:stream/x'", "000000000000");
        check_with(account, LITERAL, &options(), "123456789012");
    }

    #[test]
    fn the_stream_of_a_table_names_an_account_too() {
        let stream = "arn:aws:dynamodb:eu-west-1:111111111111:table/users/stream/2026-01-01T00:00:00.000";
        let text = template("Environment: {Variables: {VALUE: !Ref AWS::AccountId}}", "", "");
        let text = text.replace("Type: Kinesis\n", "Type: DynamoDB\n").replace("!GetAtt Orders.Arn", stream);
        let loaded = load_with(&text, &LoadOptions { account: None, ..options() });
        check_problem(&loaded, "");
        assert_eq!(loaded.application.unwrap().functions["Ledger"].environment["VALUE"], "111111111111");
    }

    #[test]
    fn streams_of_several_accounts_name_none() {
        let second = "Second:
          Type: Kinesis
          Properties: {Stream: 'arn:aws-cn:kinesis:eu-west-1:222222222222:stream/x', StartingPosition: LATEST}";
        let function = "Environment: {Variables: {VALUE: !Sub '${AWS::AccountId} ${AWS::Partition}'}}";
        let text = template(function, "", "").replace("!GetAtt Orders.Arn", LITERAL);
        let text = text.replace("      Events:\n", &format!("      Events:\n        {second}\n"));
        let application = load_with(&text, &LoadOptions { account: None, ..options() }).application.unwrap();
        assert_eq!(application.functions["Ledger"].environment["VALUE"], "000000000000 aws");
        assert_eq!(application.account, "000000000000");
    }

    #[test]
    fn a_condition_sees_the_account_of_the_streams() {
        let value = "!If [Mine, yes, no]";
        let text = template(
            &format!("Environment: {{Variables: {{VALUE: {value}}}}}"),
            "",
            "Conditions: {Mine: !Equals [!Ref AWS::AccountId, '111111111111']}",
        );
        let text = text.replace("!GetAtt Orders.Arn", &format!("!If [Mine, {LITERAL}, {LITERAL}]"));
        let application = load_with(&text, &LoadOptions { account: None, ..options() }).application.unwrap();
        assert_eq!(application.functions["Ledger"].environment["VALUE"], "true");
    }

    #[test]
    fn the_partition_is_that_of_the_streams_own_arn_else_that_of_the_region() {
        check("!Ref AWS::Partition", LITERAL, "aws");
        check("!Sub '${AWS::Partition} ${AWS::URLSuffix}'", CHINESE, "aws-cn amazonaws.com.cn");
        for (region, expected) in
            [("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn"), ("us-east-1", "aws")]
        {
            let options = LoadOptions { region: region.to_owned(), ..options() };
            check_with("!Ref AWS::Partition", "!GetAtt Orders.Arn", &options, expected);
        }
    }

    #[test]
    fn the_stack_has_the_name_that_the_command_line_gives_it() {
        check("!Ref AWS::StackName", LITERAL, "pelton");
        let options = LoadOptions { stack_name: "orders-dev".to_owned(), ..options() };
        check_with("!Ref AWS::StackName", LITERAL, &options, "orders-dev");
        check_with(
            "!Ref AWS::StackId",
            LITERAL,
            &options,
            "arn:aws:cloudformation:eu-west-1:123456789012:stack/orders-dev/orders-dev",
        );
    }
}
