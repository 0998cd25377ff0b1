//! Conditions: which resources exist, and which branch of an `Fn::If` counts.
//!
//! In: the name of a condition, or an expression. Out: whether it holds.

use super::context::{Context, Reported, Scope};
use super::diagnostics::{Code, Diagnostic};
use super::node::{Entry, Node, Value};
use super::resource::Resource;
use super::source::Span;
use super::suggest;

/// How many conditions `Fn::And` and `Fn::Or` take.
const OPERANDS: std::ops::RangeInclusive<usize> = 2..=10;

impl<'t> Context<'t> {
    /// Whether a resource exists.
    pub(crate) fn exists(&mut self, resource: &'t Resource) -> Result<bool, Reported> {
        match &resource.condition {
            Some((name, span)) => self.condition(name, *span),
            None => Ok(true),
        }
    }

    /// Whether a resource is to be looked at: unless it is certain that it does not exist. A condition that is wrong is
    /// reported, and hides nothing else.
    pub(crate) fn may_exist(&mut self, resource: &'t Resource) -> bool {
        self.exists(resource) != Ok(false)
    }

    /// Whether the condition of that name holds.
    pub(crate) fn condition(&mut self, name: &str, span: Span) -> Result<bool, Reported> {
        let document = self.document;
        let Some((name, entry)) = document.conditions.get_key_value(name) else {
            if let Some(unseen) = document.conditions.values().find(|entry| entry.key.starts_with("Fn::")) {
                return Err(self.aws_only(&unseen.key, unseen.key_span));
            }
            let names = document.conditions.keys().map(String::as_str);
            let message = format!("the template has no condition `{name}`");
            let help = suggest::did_you_mean(name, names, "conditions");
            return Err(self.report(
                Diagnostic::error(Code::UnknownReference, message).at(span, "not defined").help(help),
            ));
        };
        let result = match self.conditions.get(name.as_str()) {
            Some(&holds) => holds,
            None => self.find_out(name, entry, span),
        };
        if self.is_loud()
            && let Some(assumption) = self.assumed.remove(name.as_str())
        {
            self.report(assumption);
        }
        result
    }

    /// Whether a condition holds that was not asked for before. One that only AWS knows is taken as true where unsupported
    /// settings are allowed.
    fn find_out(&mut self, name: &'t str, entry: &'t Entry, span: Span) -> Result<bool, Reported> {
        let mark = self.diagnostics.mark();
        let scope = std::mem::replace(&mut self.scope, Scope::Conditions);
        let mut result = self.look_up("condition", name, span, |context| context.holds(&entry.value));
        self.scope = scope;
        let is_only_known_to_aws = result.is_err()
            && self.diagnostics.since(mark).iter().any(|said| said.code == Code::Unsupported)
            && !self.diagnostics.has_errors_since(mark);
        if is_only_known_to_aws {
            self.diagnostics.forget(mark);
            let message = format!("cannot evaluate the condition `{name}`: Pelton assumes that it is true");
            let assumption = Diagnostic::warning(Code::Unsupported, message);
            self.assumed.insert(name, assumption.at(entry.value.span, "only AWS knows this value"));
            result = Ok(true);
        }
        self.conditions.insert(name, result);
        result
    }

    /// The branch of an `Fn::If` that counts.
    pub(crate) fn branch<'n>(&mut self, argument: &'n Node, span: Span) -> Result<&'n Node, Reported> {
        let Some([condition, then, otherwise]) = argument.as_sequence() else {
            return Err(self.wrong_arguments("Fn::If", span, "a condition's name and two values"));
        };
        let Some(name) = condition.as_scalar() else {
            return Err(self.wrong_arguments("Fn::If", condition.span, "the name of a condition first"));
        };
        Ok(if self.condition(name, condition.span)? { then } else { otherwise })
    }

    fn holds(&mut self, node: &Node) -> Result<bool, Reported> {
        self.deeper(node.span, |context| context.holds_here(node))
    }

    fn holds_here(&mut self, node: &Node) -> Result<bool, Reported> {
        let Some([call]) = node.as_mapping() else {
            return Err(self.no_condition(node));
        };
        let argument = &call.value;
        let operands = argument.as_sequence().unwrap_or_default();
        match call.key.as_str() {
            "Condition" => match argument.as_scalar() {
                Some(name) => self.condition(name, argument.span),
                None => Err(self.wrong_arguments("Condition", node.span, "the name of a condition")),
            },
            "Fn::Equals" => match operands {
                [left, right] => {
                    let (left, right) = (self.evaluate(left), self.evaluate(right));
                    Ok(is_equal(left?.as_ref(), right?.as_ref()))
                }
                _ => Err(self.wrong_arguments("Fn::Equals", node.span, "two values")),
            },
            "Fn::Not" => match operands {
                [operand] => Ok(!self.holds(operand)?),
                _ => Err(self.wrong_arguments("Fn::Not", node.span, "a list of one condition")),
            },
            "Fn::And" | "Fn::Or" if !OPERANDS.contains(&operands.len()) => {
                Err(self.wrong_arguments(&call.key, node.span, "a list of two to ten conditions"))
            }
            "Fn::And" => self.holds_each(operands).map(|each| each.iter().all(|&holds| holds)),
            "Fn::Or" => self.holds_each(operands).map(|each| each.contains(&true)),
            _ => Err(self.no_condition(node)),
        }
    }

    fn holds_each(&mut self, operands: &[Node]) -> Result<Vec<bool>, Reported> {
        self.each(operands, Self::holds)
    }

    fn no_condition(&mut self, node: &Node) -> Reported {
        let what = node.as_intrinsic().map_or(node.kind(), |(name, _)| name);
        self.report(
            Diagnostic::error(Code::WrongType, format!("{what} is not a condition"))
                .at(node.span, "must be `Fn::Equals`, `Fn::And`, `Fn::Or`, `Fn::Not` or `Condition`"),
        )
    }
}

/// Whether two values are the same; how they are written does not matter.
fn is_equal(left: Option<&Node>, right: Option<&Node>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return left.is_none() && right.is_none();
    };
    match (&left.value, &right.value) {
        (Value::Null, Value::Null) => true,
        (Value::Scalar(left), Value::Scalar(right)) => left.text == right.text,
        (Value::Sequence(left), Value::Sequence(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| is_equal(Some(left), Some(right)))
        }
        (Value::Mapping(left), Value::Mapping(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| {
                    left.key == right.key && is_equal(Some(&left.value), Some(&right.value))
                })
        }
        (Value::Null | Value::Scalar(_) | Value::Sequence(_) | Value::Mapping(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load, load_with, options, template};
    use crate::{LoadOptions, Unsupported};

    fn loaded(expression: &str) -> crate::Loaded {
        let function = "Environment: {Variables: {VALUE: !If [C, holds, fails]}}";
        let sections = format!(
            "Parameters: {{P: {{Type: String, Default: p}}}}\nConditions:\n  Yes: !Equals [a, a]\n  No: !Equals [a, b]\n  C: {expression}\n"
        );
        load(&template(function, "", &sections))
    }

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let loaded = loaded(expression);
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        assert_eq!(application.functions["Ledger"].environment["VALUE"], expected);
    }

    #[test]
    fn conditions_are_combined() {
        check("!Equals [!Ref P, p]", "holds");
        check("!Equals [!Ref P, q]", "fails");
        check("!Equals [1, '1']", "holds");
        check("!Equals [true, 'true']", "holds");
        check("!Not [!Condition Yes]", "fails");
        check("!And [!Condition Yes, !Condition No]", "fails");
        check("!And [!Condition Yes, !Equals [!Ref AWS::Region, eu-west-1]]", "holds");
        check("!Or [!Condition No, !Condition Yes]", "holds");
        check("{Condition: Yes}", "holds");
    }

    #[test]
    fn a_condition_that_only_aws_knows_is_taken_as_true_and_warned_of_once() {
        let sections = "Conditions: {C: !Equals [!ImportValue x, a]}";
        let value = "Environment: {Variables: {VALUE: !If [C, holds, fails], OTHER: !If [C, a, b]}}";
        let conditional = "Type: AWS::Serverless::Function\n";
        let text =
            template(value, "", sections).replace(conditional, &format!("{conditional}    Condition: C\n"));
        let allowing = LoadOptions { unsupported: Unsupported::Warn, ..options() };
        let loaded = load_with(&text, &allowing);
        check_problem(&loaded, "cannot evaluate the condition `C`: Pelton assumes that it is true");
        let application = loaded.application.expect("a warning is no error");
        assert_eq!(application.functions["Ledger"].environment["VALUE"], "holds");
        assert!(load(&text).application.is_none());
        let of_nothing = "  T: {Type: AWS::SNS::Topic, Condition: C}\n";
        check_problem(&load_with(&template("", "", &format!("{of_nothing}{sections}")), &allowing), "");
    }

    #[test]
    fn a_condition_is_evaluated_once_however_many_need_it() {
        let mut sections = "Conditions:\n  C0: !Equals [!Ref Nope, a]\n".to_owned();
        for index in 1..60 {
            let below = format!("!Condition C{}", index - 1);
            sections.push_str(&format!("  C{index}: !And [{below}, {below}]\n"));
        }
        let function = "Environment: {Variables: {VALUE: !If [C59, holds, fails]}}";
        check_problem(&load(&template(function, "", &sections)), "no parameter `Nope`");
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        check_problem(&loaded("!Not [!Condition Nope]"), "no condition `Nope`");
        check_problem(&loaded("!Ref P"), "Ref is not a condition");
        check_problem(&loaded("!Equals [a]"), "`Fn::Equals` has the wrong arguments | takes two values");
        check_problem(&loaded("!And [!Condition Yes]"), "a list of two to ten conditions");
        check_problem(&loaded("!Equals [!Ref Orders, a]"), "no parameter `Orders`");
        check_problem(&loaded("!Not [!Condition C]"), "circular reference: C -> C");
    }
}
