//! A record whose event alone is larger than an invocation may be (specification 2.2).
//!
//! No stream at hand takes records of more than 1 MiB, as Kinesis does: the proxy before it makes them grow.

use pelton_tests::fault_proxy::{Fault, FaultProxy, Operation, Rule, Weather};
use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, TO_A_FILE, template, until};
use serde_json::Value;

/// Base64 makes a third more of it: over 6 MiB.
const LARGE: usize = 5 << 20;

#[tokio::test]
async fn a_record_that_exceeds_the_limit_on_its_own_goes_to_the_destination_and_the_shard_moves_on() {
    let site = Site::new(&template("", TO_A_FILE));
    let server = StreamServer::start(&["orders"]).await;
    let places = server.put_texts("a", ["1", "2", "large", "4", "5"]).await;
    let grown = Rule::new(Operation::GetRecords, Fault::Grown(LARGE));
    let proxy = FaultProxy::start(&server.endpoint, Weather::calm().rule(grown)).await;
    let running = site.start(proxy.endpoint()).await;
    let journal = site.journal();
    until(&running, "what comes after is done with", || journal.records_ended() >= 4).await;

    assert_eq!(data(&journal.began()), ["1", "2", "4", "5"]);
    let [failure] = &site.given_up()[..] else { panic!("one line, not {}", site.given_up().len()) };
    assert_eq!(failure["requestContext"]["condition"], "MaximumPayloadSizeExceeded");
    assert_eq!(failure["responseContext"], Value::Null);
    assert_eq!(failure["KinesisBatchInfo"]["batchSize"], 1);
    assert_eq!(failure["KinesisBatchInfo"]["startSequenceNumber"], places[2].sequence_number);
    let payload: Value = serde_json::from_str(failure["payload"].as_str().unwrap()).unwrap();
    let data = payload["Records"][0]["kinesis"]["data"].as_str().unwrap();
    assert!(data.len() > 6 << 20, "the file has all of it: {} bytes", data.len());
}
