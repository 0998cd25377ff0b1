//! A backlog that Pelton works off, once: how fast, and what it costs.
//!
//! The time is that from the first invocation to the last, as the handlers tell it.

use crate::server::Server;
use crate::site::{Mapping, Site, pelton_run, pid, stop};
use pelton_tests::measure::cost::Cost;
use pelton_tests::measure::deliveries::Tally;
use pelton_tests::{Running, wait};
use std::path::Path;
use std::time::Duration;

/// The stream that holds it.
pub(crate) const STREAM: &str = "records";

/// The function of every mapping here.
pub(crate) const FUNCTION: &str = "Nothing";

/// Size of a record's data.
pub(crate) const RECORD_BYTES: usize = 1024;

/// How long one backlog may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How it was worked off.
pub(crate) struct Drained {
    pub(crate) tally: Tally,
    /// Of the poller alone.
    pub(crate) cpu_s: f64,
    /// Likewise.
    pub(crate) peak_rss_bytes: u64,
}

/// A mapping of the function, by AWS's defaults but for these settings.
pub(crate) fn mapping<'a>(batch: usize, settings: &'a [&'a str]) -> Mapping<'a> {
    Mapping { function: FUNCTION, stream: STREAM, batch, variable: None, settings }
}

/// Has Pelton work off `records` records.
pub(crate) async fn drain(server: &Server, mapping: Mapping<'_>, records: usize) -> Drained {
    let site = Site::new(&[mapping]);
    let poller = site.start(pelton_run(&server.endpoint));
    let tally = delivered(&poller, &site.deliveries(FUNCTION), records).await;
    let cost = Cost::of(pid(&poller));
    stop(poller).await;
    Drained { tally, cpu_s: cost.cpu.as_secs_f64(), peak_rss_bytes: cost.peak_rss_bytes }
}

/// Waits until handlers got all records. More would be repeats, which nothing here causes.
pub(crate) async fn delivered(running: &Running, deliveries: &Path, records: usize) -> Tally {
    let all = wait::within(PATIENCE, async || {
        let tally = Tally::of(deliveries);
        (tally.records >= records as u64).then_some(())
    });
    let got = || Tally::of(deliveries);
    assert!(all.await.is_some(), "{:?} of {records} records came:\n{}", got(), running.printed());
    assert_eq!(got().records, records as u64, "every record comes once");
    got()
}
