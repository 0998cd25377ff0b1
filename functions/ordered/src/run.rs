//! A handler, run by Lambda or by whatever else speaks its Runtime API.

use crate::function::{Function, Plain, Windowed};
use crate::handler::{Error, Handler, OnFailure, WindowHandler};
use crate::source::Source;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Runs a handler for good. `main` ends with this.
pub async fn run<H: Handler>(handler: H, on_failure: OnFailure) -> Result<(), Error> {
    serve(Plain { handler, on_failure }).await
}

/// Runs a handler of tumbling windows for good.
pub async fn run_windows<H: WindowHandler>(handler: H, on_failure: OnFailure) -> Result<(), Error> {
    serve(Windowed { handler, on_failure }).await
}

async fn serve<F: Function>(function: F) -> Result<(), Error> {
    // Never contended: Lambda hands an instance one event at a time. It lets a service's future outlive the borrow of
    // the service.
    let function = Arc::new(Mutex::new(function));
    let answer = |event: LambdaEvent<<F::Source as Source>::Event>| {
        let function = function.clone();
        async move { function.lock().await.answer(event.payload).await.map_err(Diagnostic::from) }
    };
    lambda_runtime::run(service_fn(answer)).await
}
