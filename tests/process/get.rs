//! `pelton get`: shows the records of a stream.

use aws_sdk_kinesis::types::ShardIteratorType;
use pelton::clock::Clock;
use pelton_tests::fault_proxy::{Fault, FaultProxy, Operation, Refusal, Rule, Weather};
use pelton_tests::site::{StreamServer, pelton, run_to_end};
use pelton_tests::{Exit, Program, Signal, kinesis};
use serde_json::{Value, json};

const SHARD_0: &str = "shardId-000000000000";

fn get<const N: usize>(endpoint: &str, arguments: [&str; N]) -> Program {
    pelton(["get", "--endpoint-url", endpoint]).args(arguments)
}

async fn shown<const N: usize>(server: &StreamServer, arguments: [&str; N]) -> Exit {
    run_to_end(get(&server.endpoint, arguments)).await
}

/// The lines of `--json`.
fn objects(exit: &Exit) -> Vec<Value> {
    exit.printed.stdout().iter().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// What the records of `--json` hold.
fn data(exit: &Exit) -> Vec<Value> {
    objects(exit).into_iter().map(|record| record["data"].clone()).collect()
}

fn numbers(range: std::ops::Range<u64>) -> Vec<Value> {
    range.map(Value::from).collect()
}

#[tokio::test]
async fn a_record_is_shown_with_its_shard_key_arrival_sequence_number_and_payload() {
    let server = StreamServer::start(&["orders"]).await;
    let json = kinesis::put(&server.client, "orders", "customer-1", br#"{"n":1.0}"#).await;
    kinesis::put(&server.client, "orders", "a\x1b[2Jb", b"red \x1b[31m\rtext").await;
    kinesis::put(&server.client, "orders", "c", b"\xf3\x89\x9a\xc2\x00").await;
    let exit = shown(&server, ["orders"]).await;
    let lines = exit.assert_code(0).printed.stdout();
    let head = format!("  {SHARD_0}  key customer-1  sequence number {}", json.sequence_number);
    assert!(lines[0].starts_with("20") && lines[0].ends_with(&head), "{}", lines[0]);
    assert_eq!(lines[1..4], ["  {", "    \"n\": 1.0", "  }"]);
    assert!(lines[4].contains("  key a\\u{1b}[2Jb  "), "{}", lines[4]);
    assert_eq!(lines[5], "  red \\u{1b}[31m\\rtext");
    assert!(lines[6].ends_with("  KPL aggregate, 5 bytes"), "{}", lines[6]);
    assert_eq!(lines[7..], ["  00000000  f3 89 9a c2 00"]);
    assert_eq!(exit.printed.stderr(), [""; 0], "nothing more is there");
}

#[tokio::test]
async fn what_get_prints_as_json_put_takes_back_byte_for_byte_with_its_keys() {
    let server = StreamServer::start(&["orders:3", "copy:3"]).await;
    let payloads: [&[u8]; 8] = [
        b"{\"a\": 1.10}",
        b"{\n}",
        b"text",
        b"",
        b"null",
        b"\xff\x00",
        b" 1",
        b"{\"pelton\":\"record\",\"data\":1}",
    ];
    let records: Vec<_> =
        (0..24).map(|n| (format!("key-{}\u{7f}", n % 5), payloads[n % payloads.len()].to_vec())).collect();
    kinesis::put_all(&server.client, "orders", &records).await;
    let exit = shown(&server, ["orders", "--json"]).await;
    assert_eq!(exit.assert_code(0).printed.stdout().len(), 24);
    let lines = exit.printed.stdout().join("\n");
    assert!(!lines.contains(['\u{7f}', '\r']), "no raw control character: {lines}");
    run_to_end(server.put(["copy", "--file", "-"]).input(lines))
        .await
        .assert_code(0)
        .assert_printed("24 records");
    assert_eq!(stored(&server, "copy").await, stored(&server, "orders").await);
}

/// Keys and payloads of each shard, in order.
async fn stored(server: &StreamServer, stream: &str) -> Vec<(String, Vec<u8>)> {
    let mut records = Vec::new();
    for shard in 0..3 {
        let iterator = server.client.get_shard_iterator().stream_name(stream);
        let iterator = iterator
            .shard_id(format!("shardId-{shard:012}"))
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
            .await
            .expect("the shard is there");
        let page = server.client.get_records().set_shard_iterator(iterator.shard_iterator).send().await;
        let page = page.expect("the shard can be read").records;
        records.extend(page.into_iter().map(|record| {
            (record.partition_key().unwrap_or_default().to_owned(), record.data().as_ref().to_vec())
        }));
    }
    records
}

#[tokio::test]
async fn it_begins_at_the_oldest_record_behind_one_or_at_a_time_and_reads_one_shard_if_told() {
    let server = StreamServer::start(&["orders:2"]).await;
    let a = server.put_texts("a", ["0", "1", "2"]).await;
    let b = server.put_texts("b", ["10", "11"]).await;
    assert_ne!(a[0].shard, b[0].shard, "the keys are in two shards");
    let of_a = shown(&server, ["orders", "--json", "--shard", &a[0].shard]).await;
    assert_eq!(data(of_a.assert_code(0)), numbers(0..3));
    let after = format!("after:{}", a[0].sequence_number);
    let exit = shown(&server, ["orders", "--json", "--from", &after]).await;
    assert_eq!(data(exit.assert_code(0)), numbers(1..3), "the number names the shard");
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
    let exit = shown(&server, [arn, "--json", "--from", "2020-01-31T12:00:00Z"]).await;
    let mut all = data(exit.assert_code(0));
    all.sort_by_key(Value::as_u64);
    assert_eq!(all, [numbers(0..3), numbers(10..12)].concat());
    let exit = shown(&server, ["orders", "--from", "latest"]).await;
    exit.assert_code(0).assert_printed("orders has no records there; --follow waits for what arrives");
}

#[tokio::test]
async fn a_hundred_records_are_shown_unless_told_otherwise_and_that_there_are_more_is_told() {
    let server = StreamServer::start(&["orders:3"]).await;
    let records: Vec<_> = (0..250).map(|n| (format!("key-{n}"), n.to_string().into_bytes())).collect();
    kinesis::put_all(&server.client, "orders", &records).await;
    let exit = shown(&server, ["orders", "--json"]).await;
    assert_eq!(exit.assert_code(0).printed.stdout().len(), 100);
    exit.assert_printed("100 records shown, more are there: show them with --limit N (0 is all)");
    let exit = shown(&server, ["orders", "--json", "--limit", "0"]).await;
    let mut all = data(exit.assert_code(0));
    all.sort_by_key(Value::as_u64);
    assert_eq!(all, numbers(0..250));
    assert_eq!(exit.printed.stderr(), [""; 0]);
}

#[tokio::test]
async fn it_follows_into_the_children_of_a_shard_and_ctrl_c_ends_it_with_0() {
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("a", ["0"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut following = get(&server.endpoint, ["orders", "--follow", "--json"]).start(&folder);
    following.wait_for_line(r#""data":0"#).await;
    server.put_texts("a", ["1"]).await;
    following.wait_for_line(r#""data":1"#).await;
    let split = server.client.split_shard().stream_name("orders").shard_to_split(SHARD_0);
    split
        .new_starting_hash_key("170141183460469231731687303715884105728")
        .send()
        .await
        .expect("it can be split");
    kinesis::wait_until_active(&server.client, "orders").await;
    server.put_texts("a", ["2"]).await;
    following.wait_for_line(r#""data":2"#).await;
    following.signal(Signal::INT);
    let exit = following.wait_for_exit().await;
    assert_eq!(data(exit.assert_code(0)), numbers(0..3), "each once, in order");
    assert_ne!(objects(&exit)[2]["shard"], json!(SHARD_0));
    // Without --follow the children are read, too.
    assert_eq!(data(&shown(&server, ["orders", "--json"]).await), numbers(0..3));
    assert_eq!(data(&shown(&server, ["orders", "--json", "--shard", SHARD_0]).await), numbers(0..2));
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let server = StreamServer::start(&["orders"]).await;
    let records: Vec<_> = (0..400).map(|n| ("a".to_owned(), vec![b'x'; 2_000 + n])).collect();
    kinesis::put_all(&server.client, "orders", &records).await;
    let command = format!(
        "{} get orders --limit 0 --endpoint-url {} | head -n 1; echo ended ${{PIPESTATUS[0]}}",
        pelton_tests::binary("pelton").display(),
        server.endpoint
    );
    let shell = Program::new("bash").args(["-c", &command]);
    let exit = run_to_end(shell).await;
    exit.assert_code(0).assert_printed("ended 0");
    assert_eq!(exit.printed.stdout().len(), 2, "{}", exit.printed);
    assert_eq!(exit.printed.stderr(), [""; 0]);
}

#[tokio::test]
async fn a_shard_is_read_five_times_a_second_at_most_and_what_is_throttled_is_read_again() {
    let server = StreamServer::start(&["orders"]).await;
    let records: Vec<_> = (0..3_000).map(|n| ("a".to_owned(), n.to_string().into_bytes())).collect();
    kinesis::put_all(&server.client, "orders", &records).await;
    let proxy = FaultProxy::start(&server.endpoint, Weather::calm()).await;
    let (clock, folder) = (Clock::start(), tempfile::tempdir().expect("a temporary folder can be made"));
    let began = clock.now();
    let exit = get(&proxy.endpoint(), ["orders", "--json", "--limit", "0"]).run(&folder).await;
    assert_eq!(data(exit.assert_code(0)), numbers(0..3_000));
    let reads = proxy.calls().iter().filter(|call| call.operation == Operation::GetRecords).count();
    let seconds = clock.now().since(began).as_secs_f64();
    assert!(reads > 5 && (reads - 1) as f64 <= seconds * 5.0, "{reads} reads in {seconds} s");
    assert_eq!(exit.printed.stderr(), [""; 0]);

    let throttled = Rule::new(Operation::GetRecords, Fault::Refused(Refusal::ThroughputExceeded)).calls(0..2);
    let proxy = FaultProxy::start(&server.endpoint, Weather::calm().rule(throttled)).await;
    let exit = run_to_end(get(&proxy.endpoint(), ["orders", "--json", "--limit", "5"])).await;
    assert_eq!(data(exit.assert_code(0)), numbers(0..5));
    exit.assert_printed("the stream cannot be read; trying again");
}

#[tokio::test]
async fn what_does_not_exist_is_refused_with_2_and_told_what_does() {
    let server = StreamServer::start(&["orders:2"]).await;
    let place = &server.put_texts("a", ["0"]).await[0];
    let check = async |arguments: &[&str], said: &[&str]| {
        let exit = run_to_end(get(&server.endpoint, []).args(arguments)).await;
        exit.assert_code(2);
        said.iter().for_each(|part| drop(exit.assert_printed(part).to_owned()));
        assert_eq!(exit.printed.stdout(), [""; 0]);
    };
    check(&["order"], &["the stream order does not exist at", "there is orders"]).await;
    let near = "shardid-000000000000";
    check(&["orders", "--shard", near], &["has no shard", "did you mean `shardId-000000000000`?"]).await;
    check(&["orders", "--from", "after:4x"], &["a sequence number has only digits"]).await;
    check(&["orders", "--from", "after:17"], &["of none of the stream's shards", "--shard"]).await;
    let after = ["orders", "--from", "after:17", "--shard", SHARD_0];
    check(
        &after,
        &["does not continue after 17", "never had a record of that sequence number, or no longer keeps it"],
    )
    .await;
    let other = if place.shard == SHARD_0 { "shardId-000000000001" } else { SHARD_0 };
    let after = format!("after:{}", place.sequence_number);
    let said = format!("is a sequence number of {}, not of {other}", place.shard);
    check(&["orders", "--from", &after, "--shard", other], &[&said]).await;
    check(&["orders", "--from", "someday"], &["expected trim-horizon, latest, a time, or after:"]).await;
    check(&["orders", "--from", "9999-01-01T00:00:00Z"], &["lies in the future"]).await;
    check(&["arn:aws:sqs:us-east-1:000000000000:orders"], &["arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"])
        .await;
    check(&[], &["Usage: pelton get <STREAM> [OPTIONS]"]).await;
}

#[tokio::test]
async fn a_stream_that_goes_away_while_it_is_followed_ends_it_with_1() {
    let server = StreamServer::start(&["orders"]).await;
    server.put_texts("a", ["0"]).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let mut following = get(&server.endpoint, ["orders", "--follow", "--json"]).start(&folder);
    following.wait_for_line(r#""data":0"#).await;
    kinesis::delete_stream(&server.client, "orders").await;
    let exit = following.wait_for_exit().await;
    exit.assert_code(1).assert_printed("does not exist");
    assert_eq!(data(&exit), numbers(0..1));
}
