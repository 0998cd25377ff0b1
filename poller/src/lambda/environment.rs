//! The environment variables of a handler process (specification 8.4).
//!
//! A handler does not inherit Pelton's environment, just as it inherits none on AWS. It gets, from weakest to
//! strongest: a few variables that Pelton itself has and any program needs, or that lead it to the same AWS (or
//! emulator) as Pelton; the variables of the template; what Lambda itself defines.

use super::code::Code;
use super::profile::Profile;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;

/// What a handler gets of Pelton's own environment.
const INHERITED: [&str; 9] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "RUST_BACKTRACE",
    "RUST_LOG",
];

/// And everything that begins with this: where services are, in place of AWS.
const INHERITED_PREFIX: &str = "AWS_ENDPOINT_URL";

/// What Lambda sets unless the function does.
const DEFAULTS: [(&str, &str); 2] = [("LANG", "en_US.UTF-8"), ("TZ", ":UTC")];

/// All environment variables of a handler process that finds its Runtime API at `api`.
pub(super) fn environment(
    profile: &Profile,
    code: &Code,
    api: SocketAddr,
    log_stream: &str,
    of_pelton: impl Iterator<Item = (OsString, OsString)>,
) -> BTreeMap<OsString, OsString> {
    let mut variables: BTreeMap<OsString, OsString> =
        of_pelton.filter(|(name, _)| is_inherited(name)).collect();
    let mut set = |name: &str, value: &OsStr| variables.insert(name.into(), value.into());
    for (name, value) in DEFAULTS {
        set(name, value.as_ref());
    }
    for (name, value) in &profile.environment {
        set(name, value.as_ref());
    }
    let api = api.to_string();
    let memory_size = profile.memory_size_mb.to_string();
    let log_group = format!("/aws/lambda/{}", profile.name);
    let of_lambda: [(&str, &OsStr); 13] = [
        ("AWS_LAMBDA_RUNTIME_API", api.as_ref()),
        ("AWS_LAMBDA_FUNCTION_NAME", profile.name.as_ref()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory_size.as_ref()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".as_ref()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".as_ref()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", log_group.as_ref()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream.as_ref()),
        ("AWS_LAMBDA_LOG_FORMAT", "Text".as_ref()),
        ("AWS_REGION", profile.region.as_ref()),
        ("AWS_DEFAULT_REGION", profile.region.as_ref()),
        ("LAMBDA_TASK_ROOT", code.folder.as_ref()),
        // There is no /var/runtime here; for `provided.*` the runtime lies with the code.
        ("LAMBDA_RUNTIME_DIR", code.folder.as_ref()),
        ("_HANDLER", profile.handler.as_ref()),
    ];
    for (name, value) in of_lambda {
        set(name, value);
    }
    variables
}

fn is_inherited(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| INHERITED.contains(&name) || name.starts_with(INHERITED_PREFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn environment_with(own: &[(&str, &str)], of_pelton: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
        };
        let profile = Profile {
            environment: pairs(own).into_iter().collect(),
            ..Profile::of_a_test("orders", "eu-central-1")
        };
        let code = Code { bootstrap: PathBuf::from("/code/bootstrap"), folder: PathBuf::from("/code") };
        let of_pelton = pairs(of_pelton).into_iter().map(|(name, value)| (name.into(), value.into()));
        environment(&profile, &code, ([127, 0, 0, 1], 9001).into(), "stream", of_pelton)
    }

    fn check(own: &[(&str, &str)], of_pelton: &[(&str, &str)], name: &str, expected: Option<&str>) {
        let variables = environment_with(own, of_pelton);
        assert_eq!(variables.get(OsStr::new(name)).and_then(|value| value.to_str()), expected, "{name}");
    }

    #[test]
    fn what_lambda_defines_is_there() {
        check(&[], &[], "AWS_LAMBDA_RUNTIME_API", Some("127.0.0.1:9001"));
        check(&[], &[], "AWS_LAMBDA_FUNCTION_NAME", Some("orders"));
        check(&[], &[], "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", Some("128"));
        check(&[], &[], "AWS_LAMBDA_FUNCTION_VERSION", Some("$LATEST"));
        check(&[], &[], "AWS_LAMBDA_LOG_GROUP_NAME", Some("/aws/lambda/orders"));
        check(&[], &[], "AWS_REGION", Some("eu-central-1"));
        check(&[], &[], "AWS_DEFAULT_REGION", Some("eu-central-1"));
        check(&[], &[], "LAMBDA_TASK_ROOT", Some("/code"));
        check(&[], &[], "_HANDLER", Some("bootstrap"));
        check(&[], &[], "TZ", Some(":UTC"));
    }

    #[test]
    fn what_is_not_defined_for_provided_runtimes_is_not_there() {
        check(&[], &[("AWS_EXECUTION_ENV", "x")], "AWS_EXECUTION_ENV", None);
        check(&[], &[("_X_AMZN_TRACE_ID", "x")], "_X_AMZN_TRACE_ID", None);
    }

    #[test]
    fn a_handler_inherits_only_what_leads_it_to_the_same_aws_and_what_any_program_needs() {
        check(&[], &[("PATH", "/bin")], "PATH", Some("/bin"));
        check(&[], &[("AWS_ENDPOINT_URL_SQS", "http://sqs")], "AWS_ENDPOINT_URL_SQS", Some("http://sqs"));
        check(&[], &[("AWS_SESSION_TOKEN", "t")], "AWS_SESSION_TOKEN", Some("t"));
        check(&[], &[("EDITOR", "vi")], "EDITOR", None);
        check(&[], &[("AWS_REGION", "mars-north-1")], "AWS_REGION", Some("eu-central-1"));
    }

    #[test]
    fn the_template_wins_over_what_is_inherited_and_lambda_over_the_template() {
        check(&[("RUST_LOG", "own")], &[("RUST_LOG", "pelton")], "RUST_LOG", Some("own"));
        check(&[("TZ", "Europe/Berlin")], &[], "TZ", Some("Europe/Berlin"));
        check(&[("TABLE", "orders")], &[], "TABLE", Some("orders"));
        check(&[("AWS_LAMBDA_FUNCTION_NAME", "x")], &[], "AWS_LAMBDA_FUNCTION_NAME", Some("orders"));
    }
}
