//! Ctrl-C and SIGTERM.

use crate::clock::Clock;
use pelton_core::Timestamp;
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How long after the first signal a further one is still the same wish: `timeout`, for one, signals a process and then
/// its whole group.
pub const SAME_WISH_MAX: Duration = Duration::from_secs(1);

/// Whoever wants Pelton to stop.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// From now on Ctrl-C and SIGTERM do not end the process: they are told by [`StopSignals::next`].
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn install() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the next one and names it. Cancelling is safe.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "Ctrl-C",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Waits for one that is a wish of its own, after the first one came at `first_at`, and names it. Cancelling is safe.
    pub async fn next_wish(&mut self, first_at: Timestamp, clock: &Clock) -> &'static str {
        loop {
            let signal = self.next().await;
            if clock.now().since(first_at) >= SAME_WISH_MAX {
                return signal;
            }
            tracing::info!(signal, "a further signal ends the wait, but not within a second of the first");
        }
    }
}
