//! What `pelton demo` and `pelton status --watch` show while they run.
//!
//! In: copies of what the poller knows. Out: lines at the bottom of the terminal, a few times a second; without a
//! terminal, a log line for each mapping every few seconds.

mod detail;
mod rates;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

pub(crate) use detail::detail;
pub(crate) use row::short;
pub(crate) use table::render;
pub(crate) use wrap::wrap;

use crate::clock::Clock;
use crate::control::{StatusSnapshot, Views};
use crate::logging::Terminal;
use rates::Rates;
use std::sync::Arc;
use std::time::Duration;

/// From one picture to the next on a terminal.
const REFRESH_INTERVAL: Duration = Duration::from_millis(250);

/// From one log line to the next without one.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(5);

/// Rows of the terminal that stay free for what is printed above.
const ROWS_LEFT_FREE: usize = 6;

/// Shows the poller of this process until `until`, and leaves the last picture behind.
pub async fn show(views: Arc<dyn Views>, terminal: Terminal, clock: Clock, until: impl Future<Output = ()>) {
    let mut view = LiveView::new(terminal);
    view.rates.observe(&views.snapshot());
    tokio::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => break,
            () = clock.sleep(view.interval()) => view.show(&views.snapshot()),
        }
    }
    view.show(&views.snapshot());
}

/// A picture that is drawn over and over. When dropped, the last one stays.
pub(crate) struct LiveView {
    terminal: Terminal,
    rates: Rates,
}

impl LiveView {
    pub(crate) fn new(terminal: Terminal) -> Self {
        Self { terminal, rates: Rates::default() }
    }

    /// From one picture to the next.
    pub(crate) fn interval(&self) -> Duration {
        if self.terminal.is_interactive() { REFRESH_INTERVAL } else { SUMMARY_INTERVAL }
    }

    /// Forgets what was known of rates: another poller counts from the beginning.
    pub(crate) fn forget_rates(&mut self) {
        self.rates = Rates::default();
    }

    /// Shows that there is nothing to show yet.
    pub(crate) fn wait(&mut self, what_for: &str) {
        self.forget_rates();
        let columns = self.terminal.size().columns.saturating_sub(1);
        self.terminal.pin(vec![what_for.chars().take(columns).collect()]);
    }

    pub(crate) fn show(&mut self, snapshot: &StatusSnapshot) {
        self.rates.observe(snapshot);
        if self.terminal.is_interactive() {
            self.draw(snapshot);
        } else {
            self.summarize(snapshot);
        }
    }

    fn draw(&self, snapshot: &StatusSnapshot) {
        let size = self.terminal.size();
        let rows_max = size.rows.saturating_sub(ROWS_LEFT_FREE);
        let lines = render(snapshot, Some(&self.rates), rows_max);
        let palette = self.terminal.palette();
        // The last column stays free, or the terminal begins a new row by itself.
        let painted = lines.iter().map(|line| line.painted(palette, size.columns.saturating_sub(1)));
        self.terminal.pin(painted.collect());
    }

    fn summarize(&self, snapshot: &StatusSnapshot) {
        for mapping in &snapshot.mappings {
            let (settled, errors) = (mapping.totals.settled(), mapping.totals.errors());
            let records_per_second = self.rates.of_mapping(mapping).round() as u64;
            let shards = mapping.shards_read().count();
            tracing::info!(mapping = mapping.id, shards, settled, records_per_second, errors, "progress");
        }
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.terminal.release();
    }
}
