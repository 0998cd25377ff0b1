//! Each rule of a mapping once, where the stream is one that others wrote.

use super::world::{Mapping, World, stop};
use pelton_tests::journal::{Batch, Journal, Step, data, data_by_key};
use pelton_tests::kinesis::{self, Place};
use pelton_tests::site::{Site, TO_A_FILE, until};
use pelton_tests::{Running, Signal};

/// A stream of one shard, and a mapping of it whose function obeys the records.
struct Rule {
    world: World,
    site: Site,
}

impl Rule {
    async fn new(batch_size: usize, settings: &[&str]) -> Self {
        let world = World::with_shards(1).await;
        let indented: String = settings.iter().map(|line| format!("\n            {line}")).collect();
        let starting_position = &*format!("TRIM_HORIZON{indented}");
        let site = world.site(&[Mapping { function: "function", starting_position, batch_size }]);
        site.behave("obey");
        Self { world, site }
    }

    /// Puts records with one key, in order.
    async fn put(&self, texts: impl IntoIterator<Item = impl AsRef<str>>) -> Vec<Place> {
        let record = |text: &str| ("a".to_owned(), text.as_bytes().to_vec());
        let records: Vec<_> = texts.into_iter().map(|text| record(text.as_ref())).collect();
        kinesis::put_all(&self.world.client, &self.world.stream, &records).await
    }

    async fn start(&self) -> (Running, Journal) {
        (self.world.start(&self.site).await, self.site.journal())
    }

    /// The one failure that the file was handed.
    #[track_caller]
    fn assert_given_up(&self, place: &Place, invoke_count: u32) {
        let given_up = self.site.given_up();
        let [failure] = &given_up[..] else { panic!("{given_up:?}") };
        assert_eq!(failure["requestContext"]["condition"], "RetryAttemptsExhausted");
        assert_eq!(failure["requestContext"]["approximateInvokeCount"], invoke_count);
        assert_eq!(failure["KinesisBatchInfo"]["batchSize"], 1);
        assert_eq!(failure["KinesisBatchInfo"]["startSequenceNumber"], place.sequence_number);
    }

    async fn end(self, mut running: Running) {
        stop(&mut running, Signal::TERM).await;
        self.world.delete_stream().await;
    }
}

fn batches(began: &[Batch]) -> Vec<Vec<&str>> {
    began.iter().map(Batch::data).collect()
}

#[tokio::test]
async fn a_partial_failure_settles_what_comes_before_it_and_the_rest_has_a_new_retry_budget() {
    let settings = ["FunctionResponseTypes: [ReportBatchItemFailures]", "MaximumRetryAttempts: 2", TO_A_FILE];
    let rule = Rule::new(3, &settings).await;
    let places = rule.put(["1", "2", "3 report", "4", "5", "6"]).await;
    let (running, journal) = rule.start().await;
    until(&running, "what comes after is done with", || journal.records_ended() >= 3).await;
    let alone = || vec!["3 report"];
    let expected = [vec!["1", "2", "3 report"], alone(), alone(), alone(), vec!["4", "5", "6"]];
    assert_eq!(batches(&journal.began()), expected);
    rule.assert_given_up(&places[2], 3);
    rule.end(running).await;
}

#[tokio::test]
async fn one_poison_record_is_found_by_halves() {
    let settings = ["BisectBatchOnFunctionError: true", "MaximumRetryAttempts: 0", TO_A_FILE];
    let rule = Rule::new(4, &settings).await;
    let places = rule.put(["0", "1", "2 error", "3"]).await;
    let (running, journal) = rule.start().await;
    until(&running, "all but one are done with", || journal.records_ended() >= 3).await;
    let all = vec!["0", "1", "2 error", "3"];
    let expected = [all, vec!["0", "1"], vec!["2 error", "3"], vec!["2 error"], vec!["3"]];
    assert_eq!(batches(&journal.began()), expected);
    rule.assert_given_up(&places[2], 1);
    rule.end(running).await;
}

#[tokio::test]
async fn batches_run_side_by_side_and_each_key_stays_in_order() {
    let rule = Rule::new(2, &["ParallelizationFactor: 10"]).await;
    rule.site.behave("pause 50");
    let keys: Vec<String> = (0..10).map(|key| format!("key-{key}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    rule.world.put_numbers(&keys, 0..10).await;
    let (running, journal) = rule.start().await;
    until(&running, "all is done with", || journal.records_ended() >= 100).await;
    let began = journal.began();
    let numbers: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    for (key, data) in data_by_key(&began) {
        assert_eq!(data, numbers, "{key}");
    }
    let overlaps =
        journal.batches().windows(2).filter(|pair| pair.iter().all(|step| step.step == Step::Began)).count();
    assert!(overlaps > 5, "{overlaps} batches began while another ran");
    rule.end(running).await;
}

#[tokio::test]
async fn the_states_of_tumbling_windows_add_up_across_a_kill_9() {
    let rule = Rule::new(1, &["TumblingWindowInSeconds: 3"]).await;
    rule.put((0..20).map(|number| number.to_string())).await;
    let (mut running, journal) = rule.start().await;
    until(&running, "some records are in the state", || journal.records_ended() >= 5).await;
    running.signal(Signal::KILL);
    running.wait_for_exit().await;
    running.assert_no_survivors().await;

    let (running, journal) = rule.start().await;
    let seen = || journal.windows().into_iter().flat_map(|window| window.seen).collect::<Vec<_>>();
    until(&running, "the windows are over", || seen().len() >= 20).await;
    assert_eq!(seen(), (0..20).map(|number| number.to_string()).collect::<Vec<_>>());
    rule.end(running).await;
}

#[tokio::test]
async fn what_matches_no_filter_is_settled_without_an_invocation() {
    let filter = r#"FilterCriteria: {Filters: [{Pattern: '{"data": {"n": [{"numeric": [">=", 8]}]}}'}]}"#;
    let rule = Rule::new(10, &[filter]).await;
    rule.put((0..10).map(|number| format!(r#"{{"n": {number}}}"#))).await;
    let catch_up = async || {
        let program = rule.world.run(&rule.site).args(["--until-caught-up"]);
        program.run(&rule.site.folder).await.assert_code(0);
    };
    catch_up().await;
    catch_up().await;
    assert_eq!(data(&rule.site.journal().began()), [r#"{"n": 8}"#, r#"{"n": 9}"#]);
    rule.world.delete_stream().await;
}
