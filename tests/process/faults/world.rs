//! A poller that reads through a fault proxy, and what must hold whatever comes between.

use pelton_tests::fault_proxy::{Call, Fault, FaultProxy, Operation, Rule, Weather};
use pelton_tests::journal::data_by_key;
use pelton_tests::site::{POLLING, Site, StreamServer, template, until};
use pelton_tests::{Running, Signal, wait};

/// Keys of the records, several in each shard.
const KEYS: usize = 6;

/// Said once when a shard cannot be read.
pub(super) const TROUBLE: &str = "the shard cannot be read; trying again";

/// Said once when it can be read again.
pub(super) const GOING_ON: &str = "task=read";

/// The two shards of the stream.
pub(super) const SHARDS: [&str; 2] = ["shardId-000000000000", "shardId-000000000001"];

/// A stream `orders` of two shards, a fault proxy in front of it, and a poller that polls through it.
pub(super) struct World {
    pub(super) site: Site,
    pub(super) server: StreamServer,
    pub(super) proxy: FaultProxy,
    pub(super) running: Running,
    put: usize,
}

impl World {
    /// A world in which the weather is still calm, and a poller in a hurry.
    pub(super) async fn new() -> Self {
        Self::with_poll_interval("0.05").await
    }

    /// The same, with a poller that reads an idle shard every so many seconds.
    pub(super) async fn with_poll_interval(seconds: &str) -> Self {
        let site = Site::new(&template("", "BatchSize: 10"));
        let server = StreamServer::start(&["orders:2"]).await;
        let proxy = FaultProxy::start(&server.endpoint, Weather::calm()).await;
        let running = site.run_every(seconds, &proxy.endpoint()).start(&site.folder);
        running.wait_for_line(POLLING).await;
        Self { site, server, proxy, running, put: 0 }
    }

    /// Puts the next numbers under each key, `count` of them.
    pub(super) async fn put(&mut self, count: usize) {
        let numbers = self.put..self.put + count;
        self.put = numbers.end;
        for key in 0..KEYS {
            self.server.put_numbers(&format!("key-{key}"), numbers.clone()).await;
        }
    }

    /// Waits until everything that was put is done with.
    pub(super) async fn until_all_is_done(&self) {
        let journal = self.site.journal();
        let expected = KEYS * self.put;
        until(&self.running, "everything is done with", || journal.records_ended() >= expected).await;
    }

    /// Stops the poller, and starts the next one.
    pub(super) async fn start_again(self) -> Self {
        let Self { site, server, proxy, mut running, put } = self;
        running.signal(Signal::TERM);
        running.wait_for_exit().await.assert_code(0);
        // What is left of it would end the next one.
        drop(running);
        let running = site.run(&proxy.endpoint()).start(&site.folder);
        running.wait_for_line(POLLING).await;
        Self { site, server, proxy, running, put }
    }

    /// Stops the poller, and sees that every record was handled once, in the order of its key. Without a kill and without a
    /// function that fails there is no reason for a repeat, whatever the stream does.
    pub(super) async fn finish(mut self) {
        self.running.signal(Signal::TERM);
        self.running.wait_for_exit().await.assert_code(0);
        self.running.assert_no_survivors().await;
        let expected: Vec<_> = (0..self.put).map(|number| number.to_string()).collect();
        for batches in [self.site.journal().began(), self.site.journal().ended()] {
            let by_key = data_by_key(&batches);
            assert_eq!(by_key.len(), KEYS);
            for (key, numbers) in by_key {
                assert_eq!(numbers, expected, "{key}\n{}", self.running.printed());
            }
        }
    }

    /// Number of lines so far that contain `part`.
    pub(super) fn lines_with(&self, part: &str) -> usize {
        self.running.printed().0.iter().filter(|line| line.text().contains(part)).count()
    }

    /// Waits until so many calls met with this fault.
    pub(super) async fn until_met(&self, fault: &Fault, times: usize) {
        let met = wait::within(wait::PATIENCE, async || (self.proxy.count_of(fault) >= times).then_some(()));
        assert!(met.await.is_some(), "{fault:?} did not come {times} times:\n{}", self.running.printed());
    }

    /// Waits until so many calls of each shard met with this fault.
    pub(super) async fn until_each_shard_met(&self, fault: &Fault, times: usize) {
        let all_met = wait::within(wait::PATIENCE, async || {
            let calls = self.proxy.calls();
            SHARDS.iter().all(|shard| met(&calls, fault, shard).len() >= times).then_some(())
        });
        let is_met = all_met.await.is_some();
        assert!(is_met, "{fault:?} did not come {times} times to each shard:\n{}", self.running.printed());
    }
}

/// A rule for the next calls of every shard.
pub(super) fn reads(fault: &Fault) -> Weather {
    Weather::calm().rule(Rule::new(Operation::GetRecords, fault.clone()))
}

/// The calls that met with this fault, by shard.
pub(super) fn met(calls: &[Call], fault: &Fault, shard: &str) -> Vec<Call> {
    let is_met = |call: &&Call| call.fault.as_ref() == Some(fault) && call.shard.as_deref() == Some(shard);
    calls.iter().filter(is_met).cloned().collect()
}
