//! A client of AWS that is made when it is first needed.

use super::call_error::CallError;
use crate::aws::{AwsOptions, Connection, Service};
use tokio::sync::OnceCell;

/// A client that is made by the first who needs it. If that fails, the next one tries again: credentials may be there by then.
pub(super) struct Lazy<C> {
    service: Service,
    options: AwsOptions,
    make: fn(Connection) -> C,
    client: OnceCell<C>,
}

impl<C> Lazy<C> {
    /// A client of the service, as the options, the environment and the profile say.
    pub(super) fn new(service: Service, options: AwsOptions, make: fn(Connection) -> C) -> Self {
        Self { service, options, make, client: OnceCell::new() }
    }

    /// The client. Cancelling is safe.
    pub(super) async fn get(&self) -> Result<&C, CallError> {
        let make = async || Ok((self.make)(Connection::to(self.service, &self.options).await?));
        self.client.get_or_try_init(make).await
    }
}
