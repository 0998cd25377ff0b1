//! How one process recognizes the embedded stream of another.
//!
//! `pelton run` against `pelton stream` may read as often as it likes, which it may nowhere else.

use crate::clock::Clock;
use crate::http_get::http_get;
use axum::Router;
use axum::routing::get;
use std::time::Duration;

const PATH: &str = "/_pelton/embedded-stream";
const ANSWER: &str = "pelton's embedded stream\n";

/// How long the other process may take for its answer.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Lets others recognize the stream that `app` serves.
pub(super) fn recognizable(app: Router) -> Router {
    app.route(PATH, get(|| async { ANSWER }))
}

/// Whether an embedded stream listens at this URL. Cancelling is safe.
pub async fn is_at(endpoint: &str, clock: &Clock) -> bool {
    let Some(authority) = endpoint.strip_prefix("http://") else { return false };
    tokio::select! {
        answer = http_get(authority, PATH, ANSWER.len()) => answer.is_ok_and(|answer| answer == ANSWER),
        () = clock.sleep(WAIT_MAX) => false,
    }
}
