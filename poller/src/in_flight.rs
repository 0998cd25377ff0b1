//! One future that is waited for beside others.

use futures_util::future::BoxFuture;
use std::future::pending;

/// The output of the future in `slot`, which is then empty. Never returns while there is none. Cancelling is safe.
pub(crate) async fn finish<T>(slot: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(future) = slot else { return pending().await };
    let output = future.await;
    *slot = None;
    output
}
