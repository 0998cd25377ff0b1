//! Values of parameters, from the command line, from `samconfig.toml`, and by default.

use crate::testing::{check_problem, load_with, options, template};
use crate::{GivenParameter, LoadOptions, ParameterOrigin};

fn given(origin: &ParameterOrigin, pairs: &[(&str, &str)]) -> Vec<GivenParameter> {
    let given = |(name, value): &(&str, &str)| {
        let (name, value) = ((*name).to_owned(), (*value).to_owned());
        GivenParameter { name, value, origin: origin.clone() }
    };
    pairs.iter().map(given).collect()
}

fn samconfig() -> ParameterOrigin {
    ParameterOrigin::SamConfig { key: "default.deploy.parameters.parameter_overrides".to_owned() }
}

/// The parameter `P`, declared so and given so (an empty text: not given), is this value, or this problem.
fn loaded(declaration: &str, assignment: &str) -> crate::Loaded {
    let function = "Environment: {Variables: {VALUE: !Join ['|', [!Join ['+', [!Ref P]]]]}}";
    let function = if declaration.contains("List") {
        "Environment: {Variables: {VALUE: !Join ['|', !Ref P]}}"
    } else {
        function
    };
    let sections = format!("Parameters:\n  P: {{{declaration}}}\n");
    let parameters = given(&ParameterOrigin::CommandLine, assignment.split_once('=').as_slice());
    load_with(&template(function, "", &sections), &LoadOptions { parameters, ..options() })
}

#[track_caller]
fn check(declaration: &str, given: &str, expected: &str) {
    let loaded = loaded(declaration, given);
    check_problem(&loaded, "");
    let application = loaded.application.expect("there is no problem");
    assert_eq!(application.functions["Ledger"].environment["VALUE"], expected);
}

#[track_caller]
fn check_refused(declaration: &str, given: &str, expected: &str) {
    check_problem(&loaded(declaration, given), expected);
}

#[test]
fn a_parameter_is_what_is_given_else_its_default() {
    check("Type: String, Default: a", "", "a");
    check("Type: String, Default: a", "P=b", "b");
    check("Type: String, Default: a", "P=", "");
    check("Type: Number, Default: 5", "P=6.5", "6.5");
    check("Type: CommaDelimitedList, Default: 'a, b'", "", "a|b");
    check("Type: List<Number>, Default: '1,2'", "P=3,4", "3|4");
    check("Type: String, Default: yes, AllowedValues: [yes, no]", "", "true");
    check("Type: Number, Default: 010", "", "8");
    check("Type: AWS::EC2::VPC::Id, Default: vpc-1", "", "vpc-1");
    check("Type: List<AWS::EC2::Subnet::Id>, Default: 's-1,s-2'", "", "s-1|s-2");
    check("Type: AWS::SSM::Parameter::Value<String>, Default: /path", "P=real", "real");
}

#[test]
fn an_override_goes_before_the_default_and_behind_the_command_line() {
    let text = template(
        "Environment: {Variables: {VALUE: !Ref P}}",
        "",
        "Parameters: {P: {Type: String, Default: a}}",
    );
    for (command, overrides, command_line, expected) in [
        (&[("P", "e")][..], &[][..], &[][..], "e"),
        (&[("P", "e")], &[("P", "b")], &[], "b"),
        (&[], &[("P", "b")], &[("P", "c")], "c"),
        (&[("P", "e")], &[("P", "b"), ("P", "d")], &[], "d"),
        (&[("Q", "e")], &[], &[("P", "c"), ("P", "d")], "d"),
    ] {
        // In no order: the origin alone counts.
        let mut parameters = given(&ParameterOrigin::CommandLine, command_line);
        parameters.extend(given(&samconfig(), overrides));
        parameters.extend(given(&ParameterOrigin::Command, command));
        let loaded = load_with(&text, &LoadOptions { parameters, ..options() });
        check_problem(&loaded, "");
        let application = loaded.application.expect("there is no problem");
        assert_eq!(application.functions["Ledger"].environment["VALUE"], expected);
    }
    let parameters = given(&samconfig(), &[("Q", "b"), ("R", "c")]);
    let loaded = load_with(&text, &LoadOptions { parameters, ..options() });
    check_problem(
        &loaded,
        "warning unknown-name: samconfig.toml overrides parameters that the template does not have: `Q`, `R`",
    );
    assert!(loaded.application.is_some());
}

#[test]
fn a_value_that_is_missing_or_unknown_is_refused() {
    check_refused(
        "Type: String",
        "",
        "`P` has no value | has no default that Pelton can use | give it one with `--parameter P=VALUE`",
    );
    check_refused("Type: AWS::SSM::Parameter::Value<String>, Default: /path", "", "`P` has no value");
    check_refused("Type: String, Default: a", "Q=b", "no parameter `Q`");
}

#[test]
fn a_value_keeps_to_what_is_allowed() {
    check("Type: String, AllowedValues: [dev, prod]", "P=prod", "prod");
    check_refused(
        "Type: String, AllowedValues: [dev, prod]",
        "P=test",
        "`P` is `test` | must be one of `dev`, `prod`",
    );
    check_refused("Type: String, AllowedPattern: '[a-z]+'", "P=a1", "must match the pattern `[a-z]+`");
    check("Type: String, AllowedPattern: 'a|bc'", "P=bc", "bc");
    check_refused("Type: Number", "P=x", "must be a number");
    check_refused("Type: Number, MinValue: 3", "P=2", "must be at least 3");
    check_refused("Type: Number, MaxValue: 3", "P=3.5", "must be at most 3");
    check_refused("Type: String, MinLength: 2", "P=é", "must be at least 2 characters long");
    check_refused("Type: String, MaxLength: 2", "P=abc", "must be at most 2 characters long");
    check_refused("Type: List<Number>", "P=1,x", "must be a number");
    check_refused("Type: String, AllowedValues: [a], ConstraintDescription: only a", "P=b", "| only a");
}

#[test]
fn a_value_has_at_most_4096_bytes() {
    let of = |bytes: usize| format!("P={}", "é".repeat(bytes / 2));
    // It is no problem of the parameter, but of the variable that gets it.
    check_refused(
        "Type: String, AllowedPattern: 'é+'",
        &of(4096),
        "the environment variables have 4101 bytes",
    );
    for kind in ["Type: String", "Type: CommaDelimitedList", "Type: String, NoEcho: true"] {
        check_refused(kind, &of(4098), "the parameter `P` has 4098 bytes | must have at most 4096");
    }
}

#[test]
fn a_secret_is_not_shown() {
    check_refused("Type: String, NoEcho: true, MinLength: 9", "P=hunter2", "`P` is `(hidden)`");
}

#[test]
fn a_declaration_is_checked() {
    check_refused("Type: Strin, Default: a", "", "`Strin` is not a parameter type");
    check_refused("Default: a", "", "`P` has no `Type`");
    check_refused(
        "Type: String, Default: a, Defualt: b",
        "",
        "no property `Defualt` | unknown property | did you mean `Default`?",
    );
    check_refused("Type: String, Default: [a]", "", "the default of `P` is a list");
}

#[test]
fn a_value_of_samconfig_that_fails_a_check_is_told_with_its_place() {
    let function = "Environment: {Variables: {VALUE: !Ref P}}";
    let text = template(function, "", "Parameters: {P: {Type: String, AllowedValues: [a, b]}}");
    let mut parameters = given(&samconfig(), &[("P", "c")]);
    check_problem(
        &load_with(&text, &LoadOptions { parameters: parameters.clone(), ..options() }),
        "the parameter `P` is `c` in samconfig.toml (`default.deploy.parameters.parameter_overrides`) | must be one of `a`, `b`",
    );
    parameters.extend(given(&ParameterOrigin::CommandLine, &[("P", "d")]));
    check_problem(
        &load_with(&text, &LoadOptions { parameters, ..options() }),
        "the parameter `P` is `d` | must be",
    );
}
