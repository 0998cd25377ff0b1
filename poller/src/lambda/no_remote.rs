//! What stands for functions that run elsewhere in a build without the feature `aws`: there are none.

use crate::aws::{AwsOptions, ConnectError, Endpoint};
use crate::clock::Clock;
use crate::errors::NotInThisBuild;
use crate::ports::Invoker;
use async_trait::async_trait;
use pelton_core::{Batch, Reply};
use std::sync::Arc;
use std::time::Duration;

/// Never made.
#[derive(Clone, Copy, Debug)]
pub enum RemoteLambda {}

/// Never made.
#[derive(Clone, Copy, Debug)]
pub enum RemoteFunction {}

/// Never made.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {}

impl RemoteError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match *self {}
    }
}

impl RemoteLambda {
    /// Refuses every endpoint.
    pub async fn connect(_: &AwsOptions) -> Result<Self, ConnectError> {
        Err(NotInThisBuild { cannot: "invoke functions at a Lambda endpoint" }.into())
    }

    /// Who is asked.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match *self {}
    }

    /// The function of that name.
    #[must_use]
    pub fn function(&self, _: &str, _: Duration, _: Clock) -> RemoteFunction {
        match *self {}
    }
}

impl RemoteFunction {
    /// Its name there.
    #[must_use]
    pub fn name(&self) -> &str {
        match *self {}
    }

    /// Whether it can be invoked.
    pub async fn check(&self) -> Result<(), RemoteError> {
        match *self {}
    }
}

#[async_trait]
impl Invoker for RemoteFunction {
    async fn invoke(&self, _: Arc<Batch>) -> Reply {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_build_without_the_feature_aws_refuses_every_lambda_endpoint_and_says_which_build_has_them() {
        let refused = RemoteLambda::connect(&AwsOptions::default()).await;
        let Err(refused) = refused;
        let text = refused.to_string();
        assert!(text.contains("at a Lambda endpoint:") && text.contains("cargo install"), "{text}");
    }
}
