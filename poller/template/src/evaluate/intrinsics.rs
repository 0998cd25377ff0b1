//! Intrinsic functions: what a value is once `Ref`, `Fn::Sub` and the others are carried out (specification 11.5).
//!
//! In: a piece of the template. Out: the same piece without functions in it, in the same place of the text; nothing
//! for `AWS::NoValue`.

use super::context::{Context, Evaluated, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node, Scalar, Value};
use super::source::Span;
use super::suggest;

/// Every function that Pelton carries out in a value.
const FUNCTIONS: [&str; 12] = [
    "Ref",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::Select",
    "Fn::Split",
    "Fn::If",
    "Fn::FindInMap",
    "Fn::Base64",
    "Fn::ToJsonString",
    "Fn::Length",
    "Condition",
];

/// Functions whose value only AWS knows.
const AWS_ONLY: [&str; 4] = ["Fn::ImportValue", "Fn::Transform", "Fn::GetAZs", "Fn::Cidr"];

/// The function that repeats what it holds; its name goes on.
pub(crate) const FOR_EACH: &str = "Fn::ForEach";

pub(super) fn is_aws_only(name: &str) -> bool {
    AWS_ONLY.contains(&name) || name.starts_with(FOR_EACH)
}

impl Context<'_> {
    /// Carries out every function in a piece of the template.
    pub(crate) fn evaluate(&mut self, node: &Node) -> Evaluated {
        self.deeper(node.span, |context| match &node.value {
            Value::Null => Ok(Some(node.clone())),
            Value::Scalar(scalar) => context.scalar(scalar, node).map(Some),
            Value::Sequence(items) => {
                let values = context.each(items, Self::evaluate)?;
                Ok(Some(Node::sequence(values.into_iter().flatten().collect(), node.span)))
            }
            Value::Mapping(entries) => match node.as_intrinsic() {
                Some((name, argument)) => context.call(name, argument, node.span),
                None => context.mapping(entries, node.span).map(Some),
            },
        })
    }

    /// The text of a value; no text, and no value, are reported.
    pub(crate) fn evaluate_text(&mut self, node: &Node, wanted: &str) -> Result<String, Reported> {
        let value = self.evaluate(node)?;
        match value.as_ref().and_then(Node::as_scalar) {
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong_kind(value.as_ref(), node.span, wanted)),
        }
    }

    /// The list that a value is; anything else is reported.
    pub(crate) fn evaluate_list(&mut self, node: &Node, wanted: &str) -> Result<Vec<Node>, Reported> {
        match self.evaluate(node)? {
            Some(Node { value: Value::Sequence(items), .. }) => Ok(items),
            value => Err(self.wrong_kind(value.as_ref(), node.span, wanted)),
        }
    }

    /// A map whose entries are not evaluated; `None` if there is none. `Fn::If` may choose between maps. Functions among
    /// the entries are reported and left out.
    pub(crate) fn head<'n>(
        &mut self,
        node: &'n Node,
        wanted: &str,
    ) -> Result<Option<Vec<&'n Entry>>, Reported> {
        let mut node = node;
        loop {
            match node.as_intrinsic() {
                Some(("Fn::If", argument)) => node = self.branch(argument, node.span)?,
                Some(("Ref", argument)) if argument.as_scalar() == Some("AWS::NoValue") => return Ok(None),
                Some(_) | None => break,
            }
        }
        if let Some((name, _)) = node.as_intrinsic()
            && is_aws_only(name)
        {
            return Err(self.aws_only(name, node.span));
        }
        let Some(entries) = node.as_mapping().filter(|_| node.as_intrinsic().is_none()) else {
            return Err(self.wrong_kind(Some(node), node.span, wanted));
        };
        let (functions, entries): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry.key.starts_with("Fn::"));
        for function in functions {
            self.function_among_keys(function);
        }
        Ok(Some(entries))
    }

    pub(crate) fn wrong_kind(&mut self, value: Option<&Node>, span: Span, wanted: &str) -> Reported {
        let kind = value.map_or("no value", Node::kind);
        let diagnostic = Diagnostic::error(Code::WrongType, format!("this is {kind}"));
        self.report(diagnostic.at(span, format!("must be {wanted}")))
    }

    pub(crate) fn wrong_arguments(&mut self, function: &str, span: Span, wanted: &str) -> Reported {
        let diagnostic = Diagnostic::error(Code::WrongType, format!("`{function}` has the wrong arguments"));
        self.report(diagnostic.at(span, format!("takes {wanted}")))
    }

    fn scalar(&mut self, scalar: &Scalar, node: &Node) -> Result<Node, Reported> {
        self.add_work(scalar.text.len(), node.span)?;
        if scalar.text.contains("{{resolve:") {
            let message = "a dynamic reference (`{{resolve:…}}`) is not supported by Pelton";
            return Err(self.unsupported(node.span, message, "only AWS can resolve this"));
        }
        let text = scalar.property_text().into_owned();
        Ok(Node { value: Value::Scalar(Scalar { text, style: scalar.style }), span: node.span })
    }

    fn mapping(&mut self, entries: &[Entry], span: Span) -> Result<Node, Reported> {
        let values = self.each(entries, |context, entry| {
            if entry.key.starts_with("Fn::") {
                return Err(context.function_among_keys(entry));
            }
            let Some(value) = context.evaluate(&entry.value)? else { return Ok(None) };
            context.add_work(entry.key.len(), entry.key_span)?;
            Ok(Some(Entry { value, key: entry.key.clone(), key_span: entry.key_span }))
        })?;
        Ok(Node { value: Value::Mapping(values.into_iter().flatten().collect()), span })
    }

    fn call(&mut self, name: &str, argument: &Node, span: Span) -> Evaluated {
        match name {
            "Ref" => self.reference(argument, span),
            "Fn::GetAtt" => self.attribute(argument, span).map(Some),
            "Fn::If" => {
                let branch = self.branch(argument, span)?;
                let value = self.evaluate(branch)?;
                Ok(value.map(|value| Node { span, ..value }))
            }
            "Fn::Sub" => self.substitute(argument, span).map(Some),
            "Fn::Join" => self.join(argument, span).map(Some),
            "Fn::Split" => self.split(argument, span).map(Some),
            "Fn::Select" => self.select(argument, span).map(Some),
            "Fn::FindInMap" => self.find_in_map(argument, span),
            "Fn::Base64" => self.base64(argument, span).map(Some),
            "Fn::ToJsonString" => {
                self.require_language_extensions(name, span);
                self.json_string(argument, span).map(Some)
            }
            "Fn::Length" => {
                self.require_language_extensions(name, span);
                let items = self.evaluate_list(argument, "a list")?;
                Ok(Some(Node::text(items.len().to_string(), span)))
            }
            name if is_aws_only(name) => Err(self.aws_only(name, span)),
            "Fn::Equals" | "Fn::And" | "Fn::Or" | "Fn::Not" => Err(self.report(
                Diagnostic::error(Code::WrongType, format!("`{name}` is not allowed here"))
                    .at(span, "allowed only in the section `Conditions`")
                    .help("define a condition, and use `Fn::If` here"),
            )),
            name => Err(self.report(
                Diagnostic::error(Code::UnknownName, format!("there is no function `{name}`"))
                    .at(span, "unknown function")
                    .help(suggest::did_you_mean(name, FUNCTIONS, "functions")),
            )),
        }
    }

    pub(crate) fn aws_only(&mut self, name: &str, span: Span) -> Reported {
        let label = if name.starts_with(FOR_EACH) {
            "write out what it repeats"
        } else {
            "only AWS knows this value"
        };
        self.unsupported(span, format!("`{name}` is not supported by Pelton"), label)
    }

    /// A function is the only key of its map.
    fn function_among_keys(&mut self, entry: &Entry) -> Reported {
        if is_aws_only(&entry.key) {
            return self.aws_only(&entry.key, entry.key_span);
        }
        self.report(
            Diagnostic::error(Code::WrongType, format!("`{}` has other keys beside it", entry.key))
                .at(entry.key_span, "a function must be the only key of its map"),
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::LoadOptions;
    use crate::testing::{check_problem, load_with, options, template};

    const SECTIONS: &str = "
  Table: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub '${Stage}-orders'}}
  Dead: {Type: AWS::SQS::Queue}
  Secret: {Type: AWS::SecretsManager::Secret}
  OnlyInProd: {Type: AWS::SNS::Topic, Condition: IsProd}
Parameters:
  Stage: {Type: String, Default: dev}
  Zones: {Type: CommaDelimitedList, Default: 'a, b,c'}
  Needed: {Type: String}
Mappings:
  Sizes: {dev: {batch: 10, zones: [x, y]}, prod: {batch: 500}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]";

    fn loaded(expression: &str) -> crate::Loaded {
        let function = format!("Environment: {{Variables: {{VALUE: {expression}}}}}");
        let text = template(&function, "", SECTIONS)
            .replace("Transform: AWS", "Transform: [AWS::LanguageExtensions, AWS")
            .replace("2016-10-31", "2016-10-31]");
        load_with(&text, &LoadOptions { ..options() })
    }

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let loaded = loaded(expression);
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        let value = application.functions["Ledger"].environment.get("VALUE").map(String::as_str);
        assert_eq!(value.unwrap_or("(none)"), expected);
    }

    #[track_caller]
    fn check_refused(expression: &str, expected: &str) {
        check_problem(&loaded(expression), expected);
    }

    #[test]
    fn ref_gives_parameters_pseudo_parameters_and_names() {
        check("!Ref Stage", "dev");
        check("!Ref AWS::Region", "eu-west-1");
        check("!Ref AWS::AccountId", "123456789012");
        check("!Ref AWS::Partition", "aws");
        check("!Ref AWS::StackName", "pelton");
        check("!Ref AWS::StackId", "arn:aws:cloudformation:eu-west-1:123456789012:stack/pelton/pelton");
        check("!Ref AWS::URLSuffix", "amazonaws.com");
        check("!Ref AWS::NoValue", "(none)");
        check("!Join ['', !Ref AWS::NotificationARNs]", "");
        check("!Ref Table", "dev-orders");
        check("!Ref Orders", "Orders");
        check("!Ref Secret", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:Secret");
        check("!Ref Dead", "https://sqs.eu-west-1.amazonaws.com/123456789012/Dead");
        check("{Ref: Stage}", "dev");
    }

    #[test]
    fn a_reference_to_nothing_names_what_is_near() {
        check_refused(
            "!Ref Stagee",
            "no resource and no parameter `Stagee` | not defined | did you mean `Stage`?",
        );
        check_refused("!Ref AWS::Regoin", "did you mean `AWS::Region`?");
        check_refused("!GetAtt Tabel.Arn", "did you mean `Table`?");
        check_refused("!Ref OnlyInProd", "`OnlyInProd` does not exist | its condition `IsProd` is false");
        check_refused("!GetAtt Dead.Colour", "cannot resolve `Colour` of `Dead`");
        check_refused("!Ref Needed", "the parameter `Needed` has no value");
        check_refused("!Ref [a]", "`Ref` has the wrong arguments");
    }

    #[test]
    fn get_att_takes_a_list_or_dots() {
        check("!GetAtt Table.Arn", "arn:aws:dynamodb:eu-west-1:123456789012:table/dev-orders");
        check("!GetAtt [Dead, Arn]", "arn:aws:sqs:eu-west-1:123456789012:Dead");
        check("{'Fn::GetAtt': [Orders, Arn]}", "arn:aws:kinesis:eu-west-1:123456789012:stream/Orders");
        check("!GetAtt LedgerRole.Arn", "arn:aws:iam::123456789012:role/pelton-LedgerRole");
        check_refused("!GetAtt Table", "`Fn::GetAtt` has the wrong arguments");
    }

    #[test]
    fn sub_replaces_names_attributes_and_its_own_variables() {
        check("!Sub 'x-${Stage}-${AWS::Region}'", "x-dev-eu-west-1");
        check("!Sub '${Dead.Arn}'", "arn:aws:sqs:eu-west-1:123456789012:Dead");
        check("!Sub '${!Stage}'", "${Stage}");
        check("!Sub ['${a}/${Stage}', {a: !Ref AWS::Partition}]", "aws/dev");
        check_refused("!Sub '${Nothing}'", "no resource and no parameter `Nothing`");
        check_refused("!Sub '${Zones}'", "must be a single value inside of `Fn::Sub`");
        check_refused("!Sub [a]", "takes a string, or a string and a map");
    }

    #[test]
    fn lists_are_joined_split_selected_and_counted() {
        check("!Join ['-', [a, !Ref Stage, c]]", "a-dev-c");
        check("!Join ['-', [a, !Ref 'AWS::NoValue', c]]", "a-c");
        check("!Join [':', !Ref Zones]", "a:b:c");
        check("!Select [1, !Split ['/', 'a/b/c']]", "b");
        check("!Select ['2', !Ref Zones]", "c");
        check("{'Fn::Length': !Ref Zones}", "3");
        check_refused(
            "!Select [3, !Ref Zones]",
            "the list has no item `3` | the list has 3 items, counted from 0",
        );
        check_refused("!Split ['', a]", "a separator that is not empty");
        check_refused("!Ref Zones", "`VALUE` is a list | must be a single value");
    }

    #[test]
    fn conditions_choose() {
        check("!If [IsProd, a, b]", "b");
        check("!If [IsDev, !Ref Stage, b]", "dev");
        check("!If [IsProd, a, !Ref AWS::NoValue]", "(none)");
        check("!If [IsDev, here, !ImportValue elsewhere]", "here");
        check_refused("!If [IsProdd, a, b]", "no condition `IsProdd` | not defined | did you mean `IsProd`?");
        check_refused("!If [IsProd, a]", "takes a condition's name and two values");
        check_refused("!Equals [a, b]", "allowed only in the section `Conditions`");
    }

    #[test]
    fn mappings_are_looked_up() {
        check("!FindInMap [Sizes, !Ref Stage, batch]", "10");
        check("!Join [',', !FindInMap [Sizes, dev, zones]]", "x,y");
        check("!FindInMap [Sizes, test, batch, {DefaultValue: 7}]", "7");
        check_refused(
            "!FindInMap [Size, dev, batch]",
            "has no mapping `Size` | not defined | did you mean `Sizes`?",
        );
        check_refused("!FindInMap [Sizes, test, batch]", "has no top-level key `test`");
        check_refused("!FindInMap [Sizes, dev]", "takes a map's name and two keys");
    }

    #[test]
    fn text_is_encoded() {
        check("{'Fn::Base64': 'hello'}", "aGVsbG8=");
        check(
            "{'Fn::ToJsonString': {a: 1, b: 'x', c: [yes, '2'], d: !Ref Stage}}",
            r#"{"a":1,"b":"x","c":[true,"2"],"d":"dev"}"#,
        );
        check_refused("{'Fn::ToJsonString': a}", "must be a map or a list");
    }

    #[test]
    fn language_extensions_need_their_transform() {
        for call in ["!Length [a]", "!ToJsonString [a]", "!FindInMap [M, N, x, {DefaultValue: y}]"] {
            let function = format!("Environment: {{Variables: {{VALUE: {call}}}}}");
            let text = template(&function, "", "Mappings: {M: {N: {x: z}}}");
            check_problem(&load_with(&text, &options()), "needs the transform `AWS::LanguageExtensions`");
        }
    }

    #[test]
    fn what_repeats_or_includes_is_refused_wherever_it_stands() {
        for (good, bad, name) in [
            ("      Events:", "      Events:\n        Fn::ForEach::Loop: [N, [a], {}]", "Fn::ForEach::Loop"),
            (
                "    Properties:",
                "    Properties:\n      Fn::Transform: {Name: AWS::Include}",
                "Fn::Transform",
            ),
            (
                "          Properties:",
                "          Properties:\n            Fn::Transform: {Name: x}",
                "Fn::Transform",
            ),
        ] {
            let text = template("", "", "").replacen(good, bad, 1);
            let expected = format!("error unsupported: `{name}` is not supported by Pelton");
            check_problem(&load_with(&text, &options()), &expected);
        }
        let text = template("", "", "Fn::Transform: {Name: AWS::Include}");
        check_problem(&load_with(&text, &options()), "`AWS::Include` is not supported by Pelton");
    }

    #[test]
    fn what_a_loop_or_a_macro_would_add_is_refused_where_it_is_needed() {
        let sections = "Mappings: {Fn::Transform: {Name: AWS::Include}, M: {Fn::Transform: {Name: x}}}
Conditions: {'Fn::ForEach::L': [N, [a], {'Is${N}': !Equals [!Ref N, a]}]}";
        for (call, name) in [
            ("!FindInMap [Sizes, a, b]", "Fn::Transform"),
            ("!FindInMap [M, a, b]", "Fn::Transform"),
            ("!If [Isa, 1, 2]", "Fn::ForEach::L"),
        ] {
            let function = format!("Environment: {{Variables: {{VALUE: {call}}}}}");
            let expected = format!("error unsupported: `{name}` is not supported by Pelton");
            check_problem(&load_with(&template(&function, "", sections), &options()), &expected);
        }
        check_problem(&load_with(&template("", "", sections), &options()), "");
    }

    #[test]
    fn what_only_aws_knows_is_refused_where_it_is_needed() {
        check_refused("!ImportValue x", "`Fn::ImportValue` is not supported by Pelton");
        check_refused("!Transform {Name: AWS::Include}", "`Fn::Transform` is not supported by Pelton");
        check_refused("{'Fn::ForEach::Loop': [a, [b], {c: d}]}", "`Fn::ForEach::Loop` is not supported");
        check_refused("'{{resolve:ssm:name}}'", "a dynamic reference (`{{resolve:…}}`) is not supported");
        check_refused(
            "!GetAttt a.b",
            "there is no function `Fn::GetAttt` | unknown function | did you mean `Fn::GetAtt`?",
        );
    }

    #[test]
    fn numbers_and_booleans_become_text() {
        check("8080", "8080");
        check("1.50", "1.50");
        check("yes", "true");
        check("'yes'", "yes");
    }

    #[test]
    fn texts_that_grow_without_end_are_stopped() {
        let mut sections = "  S0: {Type: AWS::SNS::Topic, Properties: {TopicName: xxxxxxxxxx}}\n".to_owned();
        for level in 1..40 {
            let previous = format!("${{S{}.TopicName}}", level - 1);
            let name = previous.repeat(8);
            sections.push_str(&format!(
                "  S{level}: {{Type: AWS::SNS::Topic, Properties: {{TopicName: !Sub '{name}'}}}}\n"
            ));
        }
        let function = "Environment: {Variables: {VALUE: !Ref S39}}";
        let loaded = load_with(&template(function, "", &sections), &options());
        assert!(loaded.application.is_none());
    }
}
