//! Futures that are waited for beside others.

use futures_util::future::BoxFuture;
use std::future::pending;
use tokio::task::JoinSet;

/// The output of the future in `slot`, which is then empty. Never returns while there is none. Cancelling is safe.
pub(crate) async fn finish<T>(slot: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(future) = slot else { return pending().await };
    let output = future.await;
    *slot = None;
    output
}

/// The same work in a task of its own, which ends with the future.
pub(crate) fn in_task<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    let mut task = JoinSet::new();
    task.spawn(work);
    Box::pin(async move {
        let ended = task.join_next().await.expect("a task was spawned");
        ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    })
}
