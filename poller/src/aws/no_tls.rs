//! What stands for connections with TLS in a build without the feature `aws`: it refuses endpoints that need it, AWS's own among
//! them.

use super::{Endpoint, Service, plain_client};
use crate::errors::NotInThisBuild;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// A client without TLS: those who hand out credentials on this machine and in its network need none.
pub(super) fn client(service: Service) -> SharedHttpClient {
    plain_client(service)
}

/// Refuses an endpoint that needs TLS.
pub(super) fn check(endpoint: &Endpoint) -> Result<(), NotInThisBuild> {
    if endpoint.is_plain() { Ok(()) } else { Err(NotInThisBuild { cannot: "use https" }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_the_feature_aws_refuses_https_and_calls_http() {
        let check = |url| check(&Endpoint::parse(url).unwrap());
        assert_eq!(check("http://127.0.0.1:4567"), Ok(()));
        assert_eq!(check("http://localstack:4566"), Ok(()));
        assert_eq!(check("https://127.0.0.1:4566"), Err(NotInThisBuild { cannot: "use https" }));
        assert!(super::check(&Endpoint::aws("kinesis", "eu-central-1")).is_err());
    }
}
