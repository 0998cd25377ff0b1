//! The options that several commands share. Others script against their names.

mod values;

pub(super) use values::{
    REGION_FORM, STACK_NAME_FORM, is_region, is_stack_name, parse_duration, parse_region,
};

use crate::poller::{DestinationsAt, PollerSettings};
use clap::Args;
use pelton_model::{BootstrapServers, SessionTimeout};
use pelton_template::{FunctionsRun, GivenParameter, KafkaOptions, ParameterOrigin, Selection};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use values::{
    parse_account, parse_bootstrap_servers, parse_function_name, parse_lambda_endpoint,
    parse_parallelization_factor, parse_parameter, parse_seconds, parse_session_timeout, parse_stack_name,
};

/// The template and how to read it.
#[derive(Args, Clone, Debug)]
pub struct TemplateOptions {
    /// SAM or CloudFormation template [default: template.yaml, template.yml, samplesam.yaml: the first that exists]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,

    /// A template parameter; may be given several times
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = parse_parameter)]
    pub parameters: Vec<(String, String)>,

    /// Warn instead of refusing a setting that Pelton does not honour; leave out the mappings of a function that cannot run
    /// here
    #[arg(long)]
    pub allow_unsupported: bool,

    /// Run only this mapping, or the mappings of this function, by logical id; may be given several times
    #[arg(long, value_name = "MAPPING|FUNCTION")]
    pub only: Vec<String>,

    /// Do not run this mapping, or the mappings of this function; may be given several times
    #[arg(long, value_name = "MAPPING|FUNCTION")]
    pub skip: Vec<String>,

    /// Bootstrap servers of a Kafka mapping, or of an MSK cluster of the template, instead of its own; may be given several times
    #[arg(long, value_name = "LOGICAL_ID=HOST:PORT,...", value_parser = parse_bootstrap_servers)]
    pub bootstrap_servers: Vec<(String, BootstrapServers)>,

    /// Batches of one partition of a Kafka mapping that run side by side, 1 to 10; the order holds for each key. Beyond AWS; may be
    /// given several times
    #[arg(long = "parallelization-factor", value_name = "LOGICAL_ID=N", value_parser = parse_parallelization_factor)]
    pub parallelization_factors: Vec<(String, u32)>,

    /// AWS account, as `AWS::AccountId` gives it [default: that of the streams' ARNs, or zeros]
    #[arg(long, value_name = "12_DIGITS", value_parser = parse_account)]
    pub account_id: Option<String>,

    /// Name of the stack, as `AWS::StackName` gives it [default: that of samconfig.toml, or pelton]
    #[arg(long, value_name = "NAME", value_parser = parse_stack_name)]
    pub stack_name: Option<String>,

    /// Environment of the samconfig.toml beside the template [default: default]
    #[arg(long, value_name = "NAME")]
    pub config_env: Option<String>,

    /// Template parameters that others give: `samconfig.toml`, and the command itself.
    #[arg(skip)]
    pub given: Vec<GivenParameter>,
}

impl TemplateOptions {
    /// Whether one of them is given.
    #[must_use]
    pub fn is_given(&self) -> bool {
        let Self {
            template,
            parameters,
            allow_unsupported,
            only,
            skip,
            bootstrap_servers,
            parallelization_factors,
            account_id,
            stack_name,
            config_env,
            ..
        } = self;
        template.is_some()
            || *allow_unsupported
            || [account_id, stack_name, config_env].iter().any(|option| option.is_some())
            || [only, skip].iter().any(|names| !names.is_empty())
            || !parameters.is_empty()
            || !bootstrap_servers.is_empty()
            || !parallelization_factors.is_empty()
    }

    /// Values for the template's parameters, whoever gives them.
    #[must_use]
    pub fn values(&self) -> Vec<GivenParameter> {
        let here = self.parameters.iter().cloned();
        let here =
            here.map(|(name, value)| GivenParameter { name, value, origin: ParameterOrigin::CommandLine });
        self.given.iter().cloned().chain(here).collect()
    }

    /// What mappings of Kafka have from the command line.
    #[must_use]
    pub fn kafka(&self) -> KafkaOptions {
        KafkaOptions {
            bootstrap_servers: self.bootstrap_servers.clone(),
            parallelization_factors: self.parallelization_factors.clone(),
        }
    }

    /// Which mappings run.
    #[must_use]
    pub fn selection(&self) -> Selection {
        Selection { only: self.only.clone(), skip: self.skip.clone() }
    }
}

/// Which AWS, or what stands for it.
#[derive(Args, Clone, Debug)]
pub struct AwsOptions {
    /// Endpoint of the AWS APIs [default: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL, profile]
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,

    /// AWS region [default: that of samconfig.toml beside the template, AWS_REGION, AWS_DEFAULT_REGION, profile]
    #[arg(long, value_name = "REGION", value_parser = parse_region)]
    pub region: Option<String>,
}

/// Where the functions run.
#[derive(Args, Clone, Debug, Default)]
pub struct FunctionOptions {
    /// Invoke the functions there instead of starting them here: a URL (cargo lambda watch, the Runtime Interface Emulator,
    /// LocalStack), or `aws` for AWS Lambda. With LOGICAL_ID= it holds for that function; may be given several times
    #[arg(long = "lambda-endpoint", value_name = "[LOGICAL_ID=]URL", value_parser = parse_lambda_endpoint)]
    pub lambda_endpoints: Vec<LambdaEndpoint>,

    /// What a function is called there [default: its FunctionName, or its logical id]; may be given several times
    #[arg(long = "function-name", value_name = "LOGICAL_ID=NAME", requires = "lambda_endpoints", value_parser = parse_function_name)]
    pub function_names: Vec<(String, String)>,
}

/// What `--lambda-endpoint` is for AWS itself.
pub const AWS: &str = "aws";

/// Where functions are invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaEndpoint {
    /// The function's logical id; `None`: every function that has no endpoint of its own.
    pub function: Option<String>,
    /// A URL, or `aws`.
    pub url: String,
}

impl FunctionOptions {
    /// Where the functions run.
    #[must_use]
    pub fn run(&self) -> FunctionsRun {
        if self.lambda_endpoints.iter().any(|endpoint| endpoint.function.is_none()) {
            return FunctionsRun::Elsewhere;
        }
        let named: BTreeSet<String> =
            self.lambda_endpoints.iter().filter_map(|endpoint| endpoint.function.clone()).collect();
        if named.is_empty() { FunctionsRun::Here } else { FunctionsRun::PartlyElsewhere(named) }
    }

    /// Why these options contradict each other, if they do.
    #[must_use]
    pub fn contradiction(&self) -> Option<String> {
        let mut endpoints = BTreeMap::new();
        for LambdaEndpoint { function, url } in &self.lambda_endpoints {
            if let Some(first) = endpoints.insert(function, url).filter(|first| *first != url) {
                let id = function.as_ref().map(|id| format!("{id}=")).unwrap_or_default();
                return Some(format!("--lambda-endpoint is given twice: {id}{first} and {id}{url}"));
            }
        }
        let mut names = BTreeMap::new();
        for (id, name) in &self.function_names {
            if let Some(first) = names.insert(id, name).filter(|first| *first != name) {
                return Some(format!("--function-name is given twice: {id}={first} and {id}={name}"));
            }
            if self.endpoint_of(id).is_none() {
                return Some(format!("--function-name {id}={name}: {id} runs here, under no other name"));
            }
        }
        None
    }

    /// Where that function is invoked; `None`: it runs here.
    #[must_use]
    pub fn endpoint_of(&self, function: &str) -> Option<&str> {
        let find = |wanted: Option<&str>| {
            self.lambda_endpoints.iter().find(|endpoint| endpoint.function.as_deref() == wanted)
        };
        find(Some(function)).or_else(|| find(None)).map(|endpoint| endpoint.url.as_str())
    }

    /// What that function is called where it is invoked, if these options say so.
    #[must_use]
    pub fn name_of(&self, function: &str) -> Option<&str> {
        let named = self.function_names.iter().find(|(id, _)| id == function);
        named.map(|(_, name)| name.as_str())
    }

    /// The functions that these options name: the option, for people, and the logical id.
    #[must_use]
    pub fn named(&self) -> Vec<(String, String)> {
        let endpoints = self.lambda_endpoints.iter().filter_map(|endpoint| endpoint.function.as_ref());
        let endpoints = endpoints.map(|id| (format!("--lambda-endpoint {id}=…"), id.clone()));
        let names = self.function_names.iter().map(|(id, _)| (format!("--function-name {id}=…"), id.clone()));
        endpoints.chain(names).collect()
    }
}

/// How a poller runs.
#[derive(Args, Clone, Debug)]
pub struct PollerOptions {
    /// Folder for checkpoints and the running poller's address [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Address of Pelton's API; port 0 picks a free port, and DATA_DIR/address holds the address
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7358")]
    pub listen: SocketAddr,

    /// Send failed records of a stream on this machine to the queues, topics and buckets that the standard AWS chain leads to,
    /// AWS's own included [default: to files in DATA_DIR/failed, unless an endpoint for them is configured]
    #[arg(long, value_name = "WHERE")]
    pub destinations: Option<DestinationsAt>,

    /// How often a shard without traffic is read, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = parse_seconds)]
    pub poll_interval: Duration,

    /// How long in-flight batches may take to finish after Ctrl-C or SIGTERM, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = parse_seconds)]
    pub grace: Duration,

    /// How long a poller of Kafka may be silent before its partitions go to others: 6 to 1800 seconds, such as 10 or 45s
    #[arg(long, value_name = "DURATION", default_value = "45s", value_parser = parse_session_timeout)]
    pub kafka_session_timeout: SessionTimeout,
}

impl PollerOptions {
    /// What they say of the poller itself.
    #[must_use]
    pub fn settings(&self) -> PollerSettings {
        let Self { data_dir: _, listen, destinations, poll_interval, grace, kafka_session_timeout } = *self;
        PollerSettings { listen, destinations, poll_interval, grace, kafka_session_timeout }
    }
}

/// How far a poller goes.
#[derive(Args, Clone, Debug)]
pub struct CatchUpOptions {
    /// Handle the records that are in the streams at the start, store the positions, and exit: a consumer as a cron job
    #[arg(long)]
    pub until_caught_up: bool,

    /// Stop after this long, such as 30, 30s, 10m or 2h, and exit with 1 if records are left then
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

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(arguments: &[&str]) -> Option<FunctionOptions> {
        #[derive(clap::Parser)]
        struct Program {
            #[command(flatten)]
            functions: FunctionOptions,
        }
        let parsed = <Program as clap::Parser>::try_parse_from(["pelton"].iter().chain(arguments));
        parsed.ok().map(|program| program.functions)
    }

    #[test]
    fn a_lambda_endpoint_is_for_all_functions_or_for_one() {
        let url = "http://127.0.0.1:9000";
        let check = |arguments: &[&str], run: FunctionsRun, a: Option<&str>, b: Option<&str>| {
            let options = functions(arguments).expect("the arguments are right");
            assert_eq!(options.run(), run, "{arguments:?}");
            assert_eq!((options.endpoint_of("A"), options.endpoint_of("B")), (a, b), "{arguments:?}");
        };
        let only_a = || FunctionsRun::PartlyElsewhere(["A".to_owned()].into());
        check(&[], FunctionsRun::Here, None, None);
        check(&["--lambda-endpoint", url], FunctionsRun::Elsewhere, Some(url), Some(url));
        check(&["--lambda-endpoint", "A=http://h/?x=y"], only_a(), Some("http://h/?x=y"), None);
        check(&["--lambda-endpoint", "A=aws"], only_a(), Some("aws"), None);
        check(
            &["--lambda-endpoint", "http://h/?x=y"],
            FunctionsRun::Elsewhere,
            Some("http://h/?x=y"),
            Some("http://h/?x=y"),
        );
        let mixed = ["--lambda-endpoint", "A=aws", "--lambda-endpoint", url];
        check(&mixed, FunctionsRun::Elsewhere, Some("aws"), Some(url));
        assert!(functions(&["--lambda-endpoint", "A="]).is_none());
        assert!(functions(&["--function-name", "A=b"]).is_none());
    }

    #[test]
    fn two_values_for_one_function_contradict_each_other() {
        let check = |arguments: &[&str], expected: Option<&str>| {
            let options = functions(arguments).expect("the arguments are right");
            assert_eq!(options.contradiction().as_deref(), expected, "{arguments:?}");
        };
        let (a, b, all) = ("A=http://h:1", "A=http://h:2", "http://h:3");
        check(&["--lambda-endpoint", a, "--lambda-endpoint", a, "--lambda-endpoint", all], None);
        check(
            &["--lambda-endpoint", a, "--lambda-endpoint", b],
            Some("--lambda-endpoint is given twice: A=http://h:1 and A=http://h:2"),
        );
        check(
            &["--lambda-endpoint", all, "--lambda-endpoint", "aws"],
            Some("--lambda-endpoint is given twice: http://h:3 and aws"),
        );
        let named = ["--lambda-endpoint", a, "--function-name", "A=x", "--function-name"];
        check(&[&named[..], &["A=x"]].concat(), None);
        check(&[&named[..], &["A=y"]].concat(), Some("--function-name is given twice: A=x and A=y"));
        check(
            &[&named[..], &["B=y"]].concat(),
            Some("--function-name B=y: B runs here, under no other name"),
        );
    }
}
