//! Mappings that do not run: not selected, of a function that cannot run here, or with something that Pelton does not
//! honour.
//!
//! In: a mapping that is left out, and why. Out: a problem if no enabled mapping is left. What is left out is not checked:
//! nothing can be wrong with it.

use super::context::{Context, LeftOut};
use super::diagnostics::{Code, Diagnostic};
use super::event_source_mappings::Read;
use super::node::Entry;
use super::source::Span;
use crate::options::FunctionsRun;

impl<'t> Context<'t> {
    /// Whether the properties of a mapping say that it is disabled.
    pub(crate) fn is_disabled(&mut self, properties: &[&'t Entry]) -> bool {
        let enabled = properties.iter().find(|property| property.key == "Enabled");
        enabled.is_some_and(|enabled| self.quietly(|context| context.boolean(enabled)) == Ok(Some(false)))
    }

    /// Notes that a mapping with these properties does not run. One that is disabled would not run anyway.
    pub(crate) fn leave_out(&mut self, why: LeftOut, properties: &[&'t Entry]) {
        if !self.is_disabled(properties) {
            self.left_out.insert(why);
        }
    }

    /// Leaves a mapping out if its function cannot run here, and need not.
    pub(crate) fn leaves_out_with_function(
        &mut self,
        (mapping, span): (&str, Span),
        function: &str,
        properties: &[&'t Entry],
    ) -> bool {
        let Some(why) = self.not_here.get(function) else { return false };
        let message = format!("the mapping `{mapping}` is left out: its function `{function}` {why}");
        self.report(Diagnostic::warning(Code::Unsupported, message).at(span, "").on_one_line());
        self.leave_out(LeftOut::FunctionNotHere, properties);
        true
    }

    /// Reports it if every mapping that would run was left out.
    pub(crate) fn require_something_left(&mut self, read: &[Read]) {
        let runs_nothing = self.options.functions == FunctionsRun::Nowhere;
        let is_left = self.left_out.is_empty() || read.iter().any(|read| read.mapping.enabled);
        if runs_nothing || is_left || self.diagnostics.has_errors() {
            return;
        }
        let message =
            "nothing is left to run: no enabled event source mapping is both selected and able to run here";
        let ways_out = self.left_out.iter().map(|why| match why {
            LeftOut::NotSelected => "`--only` and `--skip` choose other mappings",
            LeftOut::FunctionNotHere => "`--lambda-endpoint` runs functions elsewhere",
            LeftOut::Unsupported => "the warnings say why a mapping is left out",
        });
        let help = ways_out.collect::<Vec<_>>().join("; ");
        self.report(Diagnostic::error(Code::Missing, message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, lines, load_with, options, template};
    use crate::{FunctionsRun, LoadOptions, Loaded, Unsupported};

    fn allowing(text: &str) -> Loaded {
        load_with(text, &LoadOptions { unsupported: Unsupported::Warn, ..options() })
    }

    /// The mappings that run where unsupported settings are allowed, and what is said.
    #[track_caller]
    fn check(text: &str, mappings: &[&str], expected: &[&str]) {
        let loaded = allowing(text);
        let lines = lines(&loaded.diagnostics);
        let application = loaded.application.unwrap_or_else(|| panic!("{lines:#?}"));
        let ids: Vec<&str> = application.mappings.iter().map(|mapping| mapping.id.0.as_str()).collect();
        assert_eq!(ids, mappings, "{lines:#?}");
        assert_eq!(lines.len(), expected.len(), "{lines:#?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.contains(expected), "{line}\ndoes not contain\n{expected}");
        }
    }

    /// A function that cannot run here, with these events, and a mapping of it with these properties.
    fn python(events: &str, properties: &str) -> String {
        template(
            "",
            "",
            &format!(
                "  Python:
    Type: AWS::Serverless::Function
    Properties: {{Handler: app.handler, Runtime: python3.13, Events: {{{events}}}}}
  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {{FunctionName: !Ref Python, StartingPosition: LATEST, {properties}}}
  Fan: {{Type: AWS::Kinesis::StreamConsumer, Properties: {{ConsumerName: c, StreamARN: !GetAtt Orders.Arn}}}}"
            ),
        )
    }

    const LEFT_OUT: &str = "is left out: its function `Python` has the runtime `python3.13`";

    #[test]
    fn a_mapping_that_is_left_out_with_its_function_may_be_wrong() {
        let wrong = "Bad: {Type: Kinesis, Properties: {Stream: !GetAtt Nope.Arn, BatchSize: 0, Colour: red}}, \
                     Jobs: {Type: SQS, Properties: {Queue: !GetAtt Nope.Arn}}, Slip: {Type: Kinesiss}, None: {}";
        check(
            &python(wrong, "EventSourceArn: !GetAtt Nope.Arn, BatchSize: 0"),
            &["LedgerOrders"],
            &[LEFT_OUT, LEFT_OUT, "no events of type `Kinesiss`", "the event `None` has no `Type`", LEFT_OUT],
        );
    }

    #[test]
    fn mappings_that_are_left_out_conflict_with_nothing() {
        let event =
            "Orders: {Type: Kinesis, Properties: {Stream: !GetAtt Orders.Arn, StartingPosition: LATEST}}";
        for source in ["!GetAtt Orders.Arn", "!Ref Fan"] {
            check(
                &python(event, &format!("EventSourceArn: {source}")),
                &["LedgerOrders"],
                &[LEFT_OUT, LEFT_OUT],
            );
        }
    }

    /// On AWS a consumer is another event source: the function gets every record from both.
    #[test]
    fn a_mapping_of_a_consumer_runs_beside_one_of_its_stream() {
        let second = |source: &str| {
            let text = python("", &format!("EventSourceArn: {source}"));
            text.replace("!Ref Python", "!Ref Ledger")
        };
        check(&second("!Ref Fan"), &["LedgerOrders", "Second"], &["enhanced fan-out"]);
        check_problem(&allowing(&second("!GetAtt Orders.Arn")), "error conflict: a mapping of the stream");
    }

    #[test]
    fn a_setting_that_only_aws_knows_leaves_its_mapping_out_and_says_so() {
        let second = "  Second:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Ledger
      EventSourceArn: arn:aws:kinesis:eu-west-1:123456789012:stream/other
      StartingPosition: LATEST";
        for value in ["!ImportValue x", "'{{resolve:ssm:x}}'", "!GetAtt Nested.Outputs.Size"] {
            let sections = format!("{second}\n  Nested: {{Type: AWS::CloudFormation::Stack}}");
            check(
                &template("", &format!("BatchSize: {value}"), &sections),
                &["Second"],
                &["the mapping `LedgerOrders` is left out", "Pelton runs without this mapping"],
            );
        }
    }

    #[test]
    fn a_failure_destination_that_only_aws_knows_leaves_only_itself_out() {
        let destination = "DestinationConfig: {OnFailure: {Destination: !ImportValue x}}";
        check(&template("", destination, ""), &["LedgerOrders"], &["| Pelton runs without it"]);
    }

    #[test]
    fn if_every_enabled_mapping_is_left_out_nothing_is_left_to_run() {
        let nothing_left = |text: &str, help: &str| {
            let loaded = allowing(text);
            let lines = lines(&loaded.diagnostics);
            let said = lines.iter().find(|line| line.starts_with("error"));
            let said = said.unwrap_or_else(|| panic!("{lines:#?}"));
            assert!(said.contains("nothing is left to run") && said.contains(help), "{said}");
        };
        nothing_left(&template("", "BatchSize: !ImportValue x", ""), "the warnings say why");
        let queue = template("", "", "").replace("Type: Kinesis\n", "Type: SQS\n");
        nothing_left(&queue, "the warnings say why");
        let python = template("", "", "").replace("provided.al2023", "python3.13");
        nothing_left(&python, "--lambda-endpoint");
        let nowhere =
            LoadOptions { unsupported: Unsupported::Warn, functions: FunctionsRun::Nowhere, ..options() };
        assert!(load_with(&queue, &nowhere).application.is_some(), "a command that runs nothing");
        check(
            &template("", "Enabled: false\n            BatchSize: !ImportValue x", ""),
            &[],
            &["is left out", ""],
        );
    }
}
