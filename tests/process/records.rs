//! From `pelton put` over `pelton stream` and `pelton run` to the function, and what is told about it meanwhile.

use pelton_tests::journal::{data, data_by_key};
use pelton_tests::site::{Site, StreamServer, pelton, run_to_end, template, until};
use pelton_tests::{Signal, http, kinesis, wait};
use serde_json::Value;

#[tokio::test]
async fn records_that_are_put_reach_the_function_per_key_in_order() {
    let site = Site::new(&template("", "BatchSize: 10"));
    let server = StreamServer::start(&["orders:3"]).await;
    let running = site.start(&server).await;
    let lines: String = (0..40).map(|n| format!("{{\"customer\":\"c-{}\",\"n\":{n}}}\n", n % 4)).collect();
    site.write("orders.jsonl", &lines);
    let file = site.path().join("orders.jsonl");
    let file = file.to_str().expect("the folder has a readable name");

    run_to_end(server.put(["orders", "--key", "a", "first", "second"])).await.assert_code(0);
    run_to_end(server.put(["orders", "--key", "b", "--file", "-"]).input("1\n2\n3\n")).await.assert_code(0);
    run_to_end(server.put(["orders", "--key-field", "customer", "--file", file])).await.assert_code(0);
    let exit = run_to_end(server.put(["orders", "--generate", "--count", "500", "--keys", "5"])).await;
    exit.assert_code(0).assert_printed("500 records");

    let journal = site.journal();
    until(&running, "545 records are done with", || journal.records_ended() >= 545).await;
    let ended = journal.ended();
    assert_eq!(data(&ended).len(), 545, "each once");
    let keys = data_by_key(&ended);
    assert_eq!(keys["a"], ["first", "second"]);
    assert_eq!(keys["b"], ["1", "2", "3"]);
    let expected: Vec<&str> = lines.lines().filter(|line| line.contains("c-3")).collect();
    assert_eq!(keys["c-3"], expected);
    let numbers: Vec<u64> = keys["key-2"].iter().map(|data| number(data)).collect();
    assert_eq!(numbers, (0..100).map(|n| n * 5 + 2).collect::<Vec<_>>());
    assert!(ended.iter().all(|batch| batch.records.len() <= 10), "a batch is no larger than BatchSize");
}

#[tokio::test]
async fn put_says_how_it_is_called_and_counts_one_record_as_one() {
    let usage = run_to_end(pelton(["put"])).await;
    usage.assert_code(2).assert_printed("Usage: pelton put <STREAM> [OPTIONS] <DATA>...");
    let server = StreamServer::start(&["orders"]).await;
    let marked = "\u{feff}{\"order\":1}\n";
    let exit = run_to_end(server.put(["orders", "--file", "-", "--key-field", "order"]).input(marked)).await;
    exit.assert_code(0).assert_printed("1 record (");
    assert_eq!(exit.printed.stderr(), [""; 0], "no progress where nobody watches");
}

#[tokio::test]
async fn the_order_ledger_keeps_each_order_once_and_in_order() {
    let ledger = template("Environment: {Variables: {LEDGER_FILE: ledger.db}}", "BatchSize: 7");
    let site = Site::without_code(&ledger);
    pelton_tests::install_handler(&pelton_tests::binary("order-ledger"), &site.function());
    let server = StreamServer::start(&["orders:2"]).await;
    let running = site.start(&server).await;
    let steps = [r#""event":"placed","amount":1250"#, r#""event":"paid""#, r#""event":"shipped""#];
    let orders = (0..20).map(|order| format!("o-{order}"));
    let records: Vec<_> = orders
        .flat_map(|order| {
            steps.map(|step| (order.clone(), format!(r#"{{"order":"{order}",{step}}}"#).into_bytes()))
        })
        .collect();
    kinesis::put_all(&server.client, "orders", &records).await;

    let file = site.function().join("ledger.db");
    let lines = || lines_of_ledger(&file).unwrap_or_default();
    until(&running, "60 lines in the ledger", || lines().len() >= 60).await;
    let expected =
        (0..20).flat_map(|order| ["placed", "paid", "shipped"].map(|step| format!("o-{order} {step}")));
    let mut expected: Vec<String> = expected.collect();
    let mut found = lines();
    // Each order in order; the orders of different shards in any.
    found.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
    expected.sort_by_key(|line| line.split(' ').next().map(str::to_owned));
    assert_eq!(found, expected);
}

#[tokio::test]
async fn status_shows_mappings_and_shards_as_the_running_poller_sees_them() {
    let site = Site::new(&template("FunctionName: keeper", "MaximumRetryAttempts: 3"));
    let server = StreamServer::start(&["orders:2"]).await;
    let mut running = site.start(&server).await;
    server.put_numbers("a", 0..5).await;
    let status = async |arguments: &[&str]| {
        run_to_end(pelton(["status", "--data-dir"]).args([site.data_dir()]).args(arguments)).await
    };
    let snapshot = wait::until("5 records are settled", async || {
        let exit = status(&["--json"]).await;
        let snapshot: Value = serde_json::from_str(&exit.assert_code(0).printed.stdout().join("\n")).unwrap();
        let shards = snapshot["mappings"][0]["shards"].as_array()?;
        let settled: u64 = shards.iter().filter_map(|shard| shard["counts"]["succeeded"].as_u64()).sum();
        (settled == 5).then_some(snapshot)
    })
    .await;
    let mapping = &snapshot["mappings"][0];
    assert_eq!(
        (&mapping["id"], &mapping["function"]),
        (&"KeeperOrders".into(), &"keeper".into()),
        "{snapshot}"
    );
    assert_eq!(
        (&mapping["state"], &mapping["starting_position"]),
        (&"polling".into(), &"TRIM_HORIZON".into())
    );
    assert_eq!(mapping["stream"], "arn:aws:kinesis:us-east-1:000000000000:stream/orders");
    let settings = &mapping["settings"];
    assert_eq!((&settings["MaximumRetryAttempts"], &settings["BatchSize"]), (&3.into(), &100.into()));
    assert_eq!(mapping["shards"].as_array().map(Vec::len), Some(2));

    let exit = status(&[]).await;
    let table = exit.assert_code(0).printed.stdout().join("\n");
    let parts = ["KeeperOrders", "keeper", "TRIM_HORIZON", "MaximumRetryAttempts 3", "shardId-000000000000"];
    for part in parts.into_iter().chain(["shardId-000000000001"]) {
        assert!(table.contains(part), "{part}:\n{table}");
    }
    running.signal(Signal::TERM);
    running.wait_for_exit().await.assert_code(0);
    status(&[]).await.assert_code(1).assert_printed("no poller runs on");
}

#[tokio::test]
async fn the_data_folder_tells_where_the_api_answers_while_the_poller_runs() {
    let site = Site::new(&template("", ""));
    let server = StreamServer::start(&["orders"]).await;
    let mut running = site.start(&server).await;
    let file = site.data_dir().join("address");
    let address = wait::for_file(&file).await;
    let answer = http::get(&address, "/health").await.unwrap();
    let health: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), &health["status"]), (200, &"ok".into()), "{health}");
    running.signal(Signal::INT);
    running.wait_for_exit().await.assert_code(0);
    assert!(!file.exists(), "the address is withdrawn");
    assert!(http::get(&address, "/health").await.is_err(), "nobody listens there");
}

fn number(data: &str) -> u64 {
    let value: Value = serde_json::from_str(data).expect("a generated record is JSON");
    value["n"].as_u64().expect("a generated record has a number")
}

fn lines_of_ledger(file: &std::path::Path) -> rusqlite::Result<Vec<String>> {
    let connection =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut statement = connection.prepare("SELECT order_id || ' ' || event FROM ledger ORDER BY line")?;
    statement.query_map([], |row| row.get(0))?.collect()
}
