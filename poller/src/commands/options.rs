//! The options that several commands share, as architecture names them: others script against these names.

use crate::template::FunctionsRun;
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The template and how to read it.
#[derive(Args, Clone, Debug)]
pub struct TemplateOptions {
    /// SAM or CloudFormation template [default: template.yaml, template.yml, samplesam.yaml: the first that exists]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// A template parameter; may be given several times
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    pub parameters: Vec<(String, String)>,

    /// Warn instead of refusing a setting that Pelton does not honour
    #[arg(long)]
    pub allow_unsupported: bool,
}

/// Which AWS, or what stands for it.
#[derive(Args, Clone, Debug)]
pub struct AwsOptions {
    /// Endpoint of the AWS APIs [default: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL, profile]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// AWS region [default: AWS_REGION, AWS_DEFAULT_REGION, profile]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
}

/// Where the functions run.
#[derive(Args, Clone, Debug)]
pub struct FunctionOptions {
    /// Invoke the functions there instead of starting them here: a URL (cargo lambda watch, the Runtime Interface Emulator,
    /// LocalStack), or `aws` for AWS Lambda
    #[arg(long, value_name = "URL")]
    pub lambda_endpoint: Option<String>,

    /// What a function is called there [default: its FunctionName, or its logical id]; may be given several times
    #[arg(long = "function-name", value_name = "LOGICAL_ID=NAME", requires = "lambda_endpoint", value_parser = parse_function_name)]
    pub function_names: Vec<(String, String)>,
}

impl FunctionOptions {
    /// Where the functions run.
    #[must_use]
    pub fn run(&self) -> FunctionsRun {
        if self.lambda_endpoint.is_some() { FunctionsRun::Elsewhere } else { FunctionsRun::Here }
    }
}

/// How a poller runs.
#[derive(Args, Clone, Debug)]
pub struct PollerOptions {
    /// Folder for checkpoints and the running poller's address [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Pelton's own API; port 0 picks a free one, and DATA_DIR/address holds what it became
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7358")]
    pub listen: SocketAddr,

    /// How often a shard without traffic is read, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    pub poll_interval: Duration,

    /// How long in-flight batches may take to finish after Ctrl-C or SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds)]
    pub grace: Duration,
}

/// How far a poller goes.
#[derive(Args, Clone, Debug)]
pub struct CatchUpOptions {
    /// Work off what is in the streams at the start, keep how far that is, and exit: a consumer as a cron job
    #[arg(long)]
    pub until_caught_up: bool,

    /// Stop after this long, such as 30, 30s, 10m or 2h, and exit with 1 if not everything is done then
    #[arg(long, value_name = "DURATION", requires = "until_caught_up", value_parser = parse_duration)]
    pub deadline: Option<Duration>,
}

/// Where the embedded stream listens.
#[derive(Args, Clone, Debug)]
pub struct StreamOptions {
    /// Address of the embedded stream (the Kinesis API); port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4567")]
    pub stream_listen: SocketAddr,
}

fn parse_parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".to_owned()),
    }
}

fn parse_function_name(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((id, name)) if !id.is_empty() && !name.is_empty() => Ok((id.to_owned(), name.to_owned())),
        Some(_) | None => Err("expected LOGICAL_ID=NAME".to_owned()),
    }
}

/// A number of seconds, or numbers with units: `30`, `30s`, `1m30s`, `2h`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let with_units = || text.parse::<jiff::SignedDuration>().ok().and_then(|with| with.try_into().ok());
    seconds
        .or_else(with_units)
        .ok_or_else(|| "expected seconds, or a number and a unit, such as 30s, 10m or 2h".to_owned())
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
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
