//! Waiting for a condition, with a deadline.

use pelton::clock::Clock;
use std::path::Path;
use std::time::Duration;

/// How long a test waits for something that should happen soon, on a machine that has other things to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Looks until there is something, at most for [`PATIENCE`].
///
/// # Panics
/// When it took too long; the message says that `what` was waited for.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    match within(PATIENCE, look).await {
        Some(found) => found,
        None => panic!("waited {PATIENCE:?} in vain: {what}"),
    }
}

/// Looks until there is something, at most for `patience`. The last look comes after the time is over.
pub async fn within<T>(patience: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let clock = Clock::start();
    let begun = clock.now();
    loop {
        let is_last = clock.now().since(begun) >= patience;
        let found = look().await;
        if found.is_some() || is_last {
            return found;
        }
        clock.sleep(LOOK_EVERY).await;
    }
}

/// The text of a file, trimmed, once it is there and holds a whole line.
///
/// # Panics
/// When it took too long.
pub async fn for_file(path: &Path) -> String {
    until(&format!("{} is written", path.display()), async || {
        let text = std::fs::read_to_string(path).ok()?;
        text.ends_with('\n').then(|| text.trim().to_owned())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_thing_found_is_returned() {
        let mut looks = 0;
        let found = within(PATIENCE, async || {
            looks += 1;
            (looks == 3).then_some("found")
        });
        assert_eq!(found.await, Some("found"));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        assert_eq!(within(PATIENCE, async || None::<()>).await, None);
    }
}
