//! What the values of options may be: read, or what is allowed instead.

use super::{AWS, LambdaEndpoint};
use crate::aws::Endpoint;
use pelton_model::arn::is_account;
use pelton_model::limits::KAFKA_PARALLELIZATION_FACTOR;
use pelton_model::{BootstrapServers, SessionTimeout};
use std::time::Duration;

pub(in crate::commands) fn parse_parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

pub(in crate::commands) fn parse_function_name(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, name)) if !id.is_empty() && !name.is_empty() => Ok((id.to_owned(), name.to_owned())),
        Some(_) | None => Err("expected LOGICAL_ID=NAME".to_owned()),
    }
}

/// `--kafka-session-timeout`
pub(super) fn parse_session_timeout(text: &str) -> Result<SessionTimeout, String> {
    SessionTimeout::new(parse_duration(text)?).map_err(|error| error.to_string())
}

/// `URL`, or `LOGICAL_ID=URL`: a logical id has only letters and digits, and a URL more before its first `=`.
pub(in crate::commands) fn parse_lambda_endpoint(text: &str) -> Result<LambdaEndpoint, String> {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let (function, url) = match text.split_once('=') {
        Some((id, url)) if is_id(id) => (Some(id.to_owned()), url),
        Some(_) | None => (None, text),
    };
    if url != AWS {
        Endpoint::parse(url)
            .map_err(|reason| format!("expected URL, aws, LOGICAL_ID=URL or LOGICAL_ID=aws, and {reason}"))?;
    }
    Ok(LambdaEndpoint { function, url: url.to_owned() })
}

pub(in crate::commands) fn parse_bootstrap_servers(text: &str) -> Result<(String, BootstrapServers), String> {
    let form = "expected LOGICAL_ID=HOST:PORT,HOST:PORT";
    let Some((id, servers)) = text.split_once('=').filter(|(id, _)| !id.is_empty()) else {
        return Err(form.to_owned());
    };
    let servers = servers.parse().map_err(|error| format!("{form}, and {error}"))?;
    Ok((id.to_owned(), servers))
}

pub(in crate::commands) fn parse_parallelization_factor(text: &str) -> Result<(String, u32), String> {
    let (least, most) = (KAFKA_PARALLELIZATION_FACTOR.start(), KAFKA_PARALLELIZATION_FACTOR.end());
    let form = || format!("expected LOGICAL_ID=N with N from {least} to {most}");
    let (id, factor) = text.split_once('=').filter(|(id, _)| !id.is_empty()).ok_or_else(form)?;
    let factor = factor.parse().ok().filter(|factor| KAFKA_PARALLELIZATION_FACTOR.contains(factor));
    Ok((id.to_owned(), factor.ok_or_else(form)?))
}

pub(in crate::commands) fn parse_account(text: &str) -> Result<String, String> {
    if is_account(text) {
        Ok(text.to_owned())
    } else {
        Err("expected the 12 digits of an account".to_owned())
    }
}

/// What [`is_region`] takes, for people.
pub(in crate::commands) const REGION_FORM: &str = "letters, digits and `-`, such as eu-central-1";

/// Whether this may be the name of a region. Servers that stand for AWS have names of their own.
pub(in crate::commands) fn is_region(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(in crate::commands) fn parse_region(text: &str) -> Result<String, String> {
    if is_region(text) { Ok(text.to_owned()) } else { Err(format!("expected {REGION_FORM}")) }
}

/// What [`is_stack_name`] takes, for people.
pub(in crate::commands) const STACK_NAME_FORM: &str = "a letter, and up to 127 more letters, digits and `-`";

/// Whether AWS takes this as the name of a stack: `[a-zA-Z][-a-zA-Z0-9]{0,127}`.
pub(in crate::commands) fn is_stack_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

pub(in crate::commands) fn parse_stack_name(text: &str) -> Result<String, String> {
    if is_stack_name(text) { Ok(text.to_owned()) } else { Err(format!("expected {STACK_NAME_FORM}")) }
}

/// A number of seconds, or numbers with units: `30`, `30s`, `1m30s`, `2h`.
pub(in crate::commands) fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let with_units = || text.parse::<jiff::SignedDuration>().ok().and_then(|with| with.try_into().ok());
    seconds
        .or_else(with_units)
        .ok_or_else(|| "expected seconds, or a number and a unit, such as 30s, 10m or 2h".to_owned())
}

pub(in crate::commands) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let allowed = "expected a number of seconds from 0.01 to 3600";
    let seconds: f64 = text.parse().map_err(|_| allowed.to_owned())?;
    if !(0.01..=3600.0).contains(&seconds) {
        return Err(allowed.to_owned());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, seconds: Option<f64>) {
        assert_eq!(parse_duration(text).ok(), seconds.map(Duration::from_secs_f64), "{text}");
    }

    #[test]
    fn a_region_and_a_stack_have_names_that_aws_takes() {
        for region in ["eu-central-1", "us-gov-west-1", "dynoxide", "local"] {
            assert!(is_region(region), "{region}");
        }
        for wrong in ["", "eu central", "eu-central-1\n", "eu_central_1", "europä"] {
            assert!(!is_region(wrong), "{wrong}");
        }
        let longest = "a".repeat(128);
        for stack_name in ["a", "Orders-2", &longest] {
            assert!(is_stack_name(stack_name), "{stack_name}");
        }
        for wrong in ["", "1a", "-a", "a_b", "a b", &"a".repeat(129)] {
            assert!(!is_stack_name(wrong), "{wrong}");
        }
    }

    #[test]
    fn bootstrap_servers_and_a_factor_have_the_logical_id_that_they_are_for() {
        let servers = |text| parse_bootstrap_servers(text).map(|(id, servers)| format!("{id} {servers}"));
        assert_eq!(servers("Clicks=a:1,b:2").as_deref(), Ok("Clicks a:1,b:2"));
        for wrong in ["a:1", "=a:1", "Clicks=", "Clicks=a", "Clicks=a:1,b"] {
            assert!(servers(wrong).is_err_and(|error| error.contains("LOGICAL_ID=HOST:PORT")), "{wrong}");
        }
        for factor in 1..=10 {
            let given = parse_parallelization_factor(&format!("Clicks={factor}"));
            assert_eq!(given, Ok(("Clicks".to_owned(), factor)));
        }
        for wrong in ["4", "=4", "Clicks=", "Clicks=0", "Clicks=11", "Clicks=two"] {
            assert!(parse_parallelization_factor(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits() {
        assert!(parse_account("123456789012").is_ok());
        for wrong in ["", "12345678901", "1234567890123", "12345678901x"] {
            assert!(parse_account(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_duration_is_seconds_or_has_a_unit() {
        check("30", Some(30.0));
        check("1.5", Some(1.5));
        check("30s", Some(30.0));
        check("1m30s", Some(90.0));
        check("10m", Some(600.0));
        check("2h", Some(7_200.0));
        check("PT10M", Some(600.0));
        for wrong in ["", "soon", "-5", "-5s", "10 parsecs", "NaN", "inf", "1e300"] {
            check(wrong, None);
        }
    }
}
