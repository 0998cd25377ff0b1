//! Asks an endpoint what a start depends on for good, until two answers agree.
//!
//! In: a question. Out: what was agreed on; when that is, is decided by `pelton_core::confirm`.

use crate::clock::Clock;
use crate::errors::chain;
use crate::ports::SourceError;
use pelton_core::Backoff;
use pelton_core::confirm::{Question, Verdict};
use tracing::info;

/// How often a call that brought no usable answer is made again, after a backoff.
const RETRIES_MAX: u32 = 4;

/// An answer that two agree on: two come at once. Further ones, which only an endpoint that contradicts itself needs, come after a
/// backoff, as after an endpoint that does not answer. Cancelling is safe.
///
/// # Errors
/// If the endpoint refuses, or goes on not answering; `contradiction` if no two answers in a row agree.
pub(crate) async fn agreed<T: Clone + PartialEq>(
    ask: impl AsyncFn() -> Result<T, SourceError>,
    together: impl Fn(&T, &T) -> Option<T>,
    contradiction: SourceError,
    clock: &Clock,
) -> Result<T, SourceError> {
    let mut question = Question::new(None);
    for contradictions in 0.. {
        match question.take_together(persist(clock, &ask).await?, &together) {
            Verdict::Believed(answer) => return Ok(answer),
            Verdict::Contradictory => break,
            Verdict::AskAgain if contradictions == 0 => {}
            Verdict::AskAgain => {
                let delay = Backoff::default().delay(contradictions, &mut fastrand::Rng::new());
                info!(again_in = ?delay, "the endpoint returned contradictory answers: retrying");
                clock.sleep(delay).await;
            }
        }
    }
    Err(contradiction)
}

/// Two answers agree if they are the same.
pub(crate) fn same<T: Clone + PartialEq>(earlier: &T, later: &T) -> Option<T> {
    (earlier == later).then(|| later.clone())
}

/// What the endpoint answers; one that is only busy for a moment must not keep a poller from starting.
async fn persist<T>(clock: &Clock, ask: impl AsyncFn() -> Result<T, SourceError>) -> Result<T, SourceError> {
    let mut random = fastrand::Rng::new();
    for failures in 1..=RETRIES_MAX {
        match ask().await {
            Err(
                error @ (SourceError::Throttled { .. }
                | SourceError::Unavailable { .. }
                | SourceError::Senseless { .. }),
            ) => {
                let delay = Backoff::default().delay(failures, &mut random);
                info!(error = chain(&error), again_in = ?delay, "no usable answer of the endpoint: retrying");
                clock.sleep(delay).await;
            }
            answer @ (Ok(_) | Err(SourceError::NotFound { .. } | SourceError::Denied { .. })) => {
                return answer;
            }
        }
    }
    ask().await
}
