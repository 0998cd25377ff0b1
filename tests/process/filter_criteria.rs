//! FilterCriteria: what matches no filter never reaches the function, and is settled all the same (specification 6).

use pelton_tests::journal::data;
use pelton_tests::site::{Site, StreamServer, template};

const ONLY_PAID: &str = r#"FilterCriteria: {Filters: [{Pattern: '{"data": {"event": ["paid"]}}'}]}"#;

fn order(event: &str, number: usize) -> String {
    format!(r#"{{"event": "{event}",  "number": {number}}}"#)
}

#[tokio::test]
async fn what_does_not_match_never_reaches_the_function_and_the_checkpoint_passes_it() {
    let site = Site::new(&template("", ONLY_PAID));
    let server = StreamServer::start(&["orders"]).await;
    let orders = (0..30).map(|number| order(if number % 10 == 5 { "paid" } else { "placed" }, number));
    server.put_texts("a", orders).await;
    server.put_texts("a", ["not JSON"]).await;
    let catch_up = async || {
        let program = site.run(&server.endpoint).args(["--until-caught-up"]);
        program.run(&site.folder).await.assert_code(0);
    };
    catch_up().await;
    let paid = [5, 15, 25].map(|number| order("paid", number));
    assert_eq!(data(&site.journal().began()), paid, "byte for byte as they were put");

    // Without the filter, everything that was not settled would come now.
    site.write("template.yaml", &template("", ""));
    server.put_texts("a", [order("placed", 30)]).await;
    catch_up().await;
    assert_eq!(data(&site.journal().began())[3..], [order("placed", 30)]);
}
