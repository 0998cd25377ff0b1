//! Told to stop while something does not work.

use super::world::SHARDS;
use pelton_tests::fault_proxy::{Fault, FaultProxy, Operation, Refusal, Rule, Weather};
use pelton_tests::journal::data_by_key;
use pelton_tests::site::{Site, StreamServer, template, until};
use pelton_tests::{Signal, http, wait};

#[tokio::test]
async fn told_to_stop_while_a_shard_cannot_be_opened_the_batches_of_the_others_finish() {
    let site = Site::new(&template("Timeout: 60", "BatchSize: 10"));
    site.behave("hold");
    let server = StreamServer::start(&["orders:2"]).await;
    for key in 0..6 {
        server.put_numbers(&format!("key-{key}"), 0..10).await;
    }
    let broken = Rule::new(Operation::GetShardIterator, Fault::Refused(Refusal::InternalFailure));
    let proxy = FaultProxy::start(&server.endpoint, Weather::calm().rule(broken.shard(SHARDS[0]))).await;
    let mut running = site.run(&proxy.endpoint()).start(&site.folder);
    let journal = site.journal();
    until(&running, "the function was invoked", || journal.began().len() == 1).await;

    let address = wait::for_file(&site.data_dir().join("address")).await;
    assert_eq!(http::get(&address, "/status").await.unwrap().status(), 200, "it tells what does not work");
    running.signal(Signal::TERM);
    running.wait_for_line("stopping: batches in flight finish").await;
    site.behave("succeed");
    let exit = running.wait_for_exit().await;
    exit.assert_code(0).assert_printed("stopped: everything in flight is settled and checkpointed");
    exit.assert_printed("some shards are not read yet");

    proxy.change(Weather::calm());
    let running = site.run(&proxy.endpoint()).start(&site.folder);
    until(&running, "everything is done with", || journal.records_ended() >= 60).await;
    for (key, numbers) in data_by_key(&journal.began()) {
        assert_eq!(numbers, (0..10).map(|number| number.to_string()).collect::<Vec<_>>(), "{key}");
    }
}
