//! What a function is, apart from its code: what its processes and its callers are told.

use pelton_core::exchange::Limits;
use pelton_model::Function;
use std::collections::BTreeMap;

/// A function as Lambda would describe it.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    /// FunctionName.
    pub(super) name: String,
    /// `arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME`
    pub(super) arn: String,
    /// Where it runs.
    pub(super) region: String,
    /// Handler.
    pub(super) handler: String,
    /// MemorySize in MB.
    pub(super) memory_size_mb: u32,
    /// Environment.Variables.
    pub(super) environment: BTreeMap<String, String>,
    /// Timeout and concurrency.
    pub(super) limits: Limits,
}

impl Profile {
    /// The profile of a function of the template.
    pub(super) fn new(function: &Function, region: &str) -> Self {
        Self {
            name: function.name.clone(),
            arn: function.arn(region),
            region: region.to_owned(),
            handler: function.handler.clone(),
            memory_size_mb: function.memory_size_mb,
            environment: function.environment.clone(),
            limits: Limits::new(function.timeout, function.reserved_concurrency),
        }
    }

    #[cfg(test)]
    pub(super) fn of_a_test(name: &str, region: &str) -> Self {
        Self {
            name: name.to_owned(),
            arn: format!("arn:aws:lambda:{region}:123456789012:function:{name}"),
            region: region.to_owned(),
            handler: "bootstrap".to_owned(),
            memory_size_mb: 128,
            environment: BTreeMap::new(),
            limits: Limits::new(std::time::Duration::from_secs(3), None),
        }
    }
}
