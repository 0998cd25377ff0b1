//! A handler, run by Lambda or by whatever else speaks its Runtime API.
//!
//! An answer that reports a record to a mapping without ReportBatchItemFailures loses that record and all behind it, and
//! the event does not tell which mappings have it. So a batch with a failed record fails, unless the author says otherwise.

use crate::function::{Function, Plain, Windowed};
use crate::handler::{Error, Handler, OnFailure, WindowHandler};
use crate::source::Source;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A handler that is about to run: await it.
#[derive(Debug)]
#[must_use = "a handler runs once this is awaited"]
pub struct Run<F> {
    function: F,
}

/// Runs a handler for good. `main` ends with this.
///
/// A record that fails makes the invocation fail, and the whole batch comes again: right for every mapping. See
/// [`Run::reporting_item_failures`].
pub fn run<H: Handler>(handler: H) -> Run<Plain<H>> {
    Run { function: Plain { handler, on_failure: OnFailure::default() } }
}

/// Runs a handler of tumbling windows for good, like [`run`].
pub fn run_windows<H: WindowHandler>(handler: H) -> Run<Windowed<H>> {
    Run { function: Windowed { handler, on_failure: OnFailure::default() } }
}

impl<H: Handler> Run<Plain<H>> {
    /// Reports the record that failed, so that only it and the records behind it come again.
    ///
    /// **Warning.** Only for mappings with `FunctionResponseTypes: [ReportBatchItemFailures]`. Any other mapping takes the
    /// report for a success, and the failed record and all behind it are lost.
    pub fn reporting_item_failures(mut self) -> Self {
        self.function.on_failure = OnFailure::ReportRecord;
        self
    }
}

impl<H: WindowHandler> Run<Windowed<H>> {
    /// Reports the record that failed, so that only it and the records behind it come again.
    ///
    /// **Warning.** Only for mappings with `FunctionResponseTypes: [ReportBatchItemFailures]`. Any other mapping takes the
    /// report for a success, and the failed record and all behind it are lost.
    pub fn reporting_item_failures(mut self) -> Self {
        self.function.on_failure = OnFailure::ReportRecord;
        self
    }
}

impl<F: Function + 'static> IntoFuture for Run<F> {
    type Output = Result<(), Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(serve(self.function))
    }
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
