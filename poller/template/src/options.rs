//! What a template does not say itself: values of parameters, where the functions run, which mappings run.

use crate::problem::diagnostics::{Code, Diagnostic};
use pelton_core::Timestamp;
use pelton_model::BootstrapServers;
use std::collections::BTreeSet;

/// The name of the stack where the command line names none.
pub const STACK_NAME_DEFAULT: &str = "pelton";

/// What a template does not say itself.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Values for parameters, whoever gives them.
    pub parameters: Vec<GivenParameter>,
    /// `AWS::Region`
    pub region: String,
    /// `AWS::AccountId`, 12 digits; `None`: what the ARNs of the streams say.
    pub account: Option<String>,
    /// `AWS::StackName`
    pub stack_name: String,
    /// What happens to a setting that AWS honours and Pelton does not.
    pub unsupported: Unsupported,
    /// Where the functions run.
    pub functions: FunctionsRun,
    /// Which mappings run.
    pub selection: Selection,
    /// Functions that the command line names: the option, for people, and the logical id.
    pub functions_named: Vec<(String, String)>,
    /// What mappings of Kafka have from elsewhere.
    pub kafka: KafkaOptions,
    /// The time: a mapping cannot begin in the future.
    pub now: Timestamp,
}

impl LoadOptions {
    /// Everything that the template describes, as it is without options.
    #[must_use]
    pub fn new(region: &str, now: Timestamp) -> Self {
        Self {
            parameters: Vec::new(),
            region: region.to_owned(),
            account: None,
            stack_name: STACK_NAME_DEFAULT.to_owned(),
            unsupported: Unsupported::Refuse,
            functions: FunctionsRun::Here,
            selection: Selection::default(),
            functions_named: Vec::new(),
            kafka: KafkaOptions::default(),
            now,
        }
    }
}

/// What mappings of Kafka have from elsewhere: each with the logical id that it is for. Of two for one, the later counts.
#[derive(Clone, Debug, Default)]
pub struct KafkaOptions {
    /// `--bootstrap-servers`: in the place of the brokers of a mapping, or of a cluster of MSK of the template.
    pub bootstrap_servers: Vec<(String, BootstrapServers)>,
    /// `--parallelization-factor`: of a mapping.
    pub parallelization_factors: Vec<(String, u32)>,
}

impl KafkaOptions {
    /// Those of a mapping, else those of the cluster that it reads from.
    pub(crate) fn servers(&self, mapping: &str, cluster: Option<&str>) -> Option<&BootstrapServers> {
        let find = |wanted: &str| self.bootstrap_servers.iter().rev().find(|(id, _)| id == wanted);
        find(mapping).or_else(|| find(cluster?)).map(|(_, servers)| servers)
    }

    /// That of a mapping; 1: AWS's order.
    pub(crate) fn parallelization_factor(&self, mapping: &str) -> u32 {
        let given = self.parallelization_factors.iter().rev().find(|(id, _)| id == mapping);
        given.map_or(1, |(_, factor)| *factor)
    }
}

/// What happens to a setting that AWS honours and Pelton does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// It is an error: a mapping means here what it means on AWS, or it does not run.
    Refuse,
    /// It is a warning (`--allow-unsupported`).
    Warn,
}

impl Unsupported {
    /// The problem, with what to do where it is refused, and what Pelton does where it is allowed.
    pub(crate) fn diagnostic(self, message: impl Into<String>, refused: &str, allowed: &str) -> Diagnostic {
        match self {
            Self::Refuse => Diagnostic::error(Code::Unsupported, message).help(refused),
            Self::Warn => Diagnostic::warning(Code::Unsupported, message).help(allowed),
        }
    }
}

/// Where the functions of a template run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FunctionsRun {
    /// In processes of this machine: they need a `bootstrap` in a folder.
    Here,
    /// Where somebody else has their code: any will do.
    Elsewhere,
    /// Those with these logical ids elsewhere, the others here.
    PartlyElsewhere(BTreeSet<String>),
    /// Nothing is to run: any will do, and so will none.
    Nowhere,
}

impl FunctionsRun {
    /// Whether the function with this logical id runs on this machine.
    #[must_use]
    pub fn is_here(&self, function: &str) -> bool {
        match self {
            Self::Here => true,
            Self::Elsewhere | Self::Nowhere => false,
            Self::PartlyElsewhere(functions) => !functions.contains(function),
        }
    }
}

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenParameter {
    /// The parameter.
    pub name: String,
    /// What it is to be.
    pub value: String,
    /// Who gives it.
    pub origin: ParameterOrigin,
}

/// Who gives a value. Of several for one parameter, that of the greatest origin counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParameterOrigin {
    /// The command itself. The template need not declare the parameter.
    Command,
    /// `samconfig.toml`. Pelton warns of a parameter that the template does not declare.
    SamConfig {
        /// What the value stands under there.
        key: String,
    },
    /// `--parameter KEY=VALUE`. The template must declare the parameter.
    CommandLine,
}

/// The value that counts for a parameter. Of two of the same origin, that is the later.
pub(crate) fn value_of<'a>(given: &'a [GivenParameter], name: &str) -> Option<&'a GivenParameter> {
    given.iter().filter(|given| given.name == name).max_by(|one, other| one.origin.cmp(&other.origin))
}

/// What `--only` and `--skip` name: mappings or functions, by logical id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these run; all of them if this names none.
    pub only: Vec<String>,
    /// These do not run.
    pub skip: Vec<String>,
}

impl Selection {
    pub(crate) fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty()
    }

    pub(crate) fn takes(&self, mapping: &str, function: &str) -> bool {
        let is_meant = |name: &String| name == mapping || name == function;
        (self.only.is_empty() || self.only.iter().any(is_meant)) && !self.skip.iter().any(is_meant)
    }
}
