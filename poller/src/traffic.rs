//! Generated traffic for the demo: orders that live their lives, and clicks on pages.
//!
//! In: the streams of the sample application. Out: records, at a rate, keyed so that what belongs together stays in
//! order. A put that fails is tried again with the next ones: the demo shows how orders live, so none may be missing.

use crate::application::Application;
use crate::clock::Clock;
use crate::errors::chain;
use crate::source::aws::KinesisClient;
use aws_sdk_kinesis::primitives::Blob;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::task::JoinSet;
use tracing::warn;

/// From one put to the next.
const TICK: Duration = Duration::from_millis(100);

/// Records that wait to be put while the stream does not take them.
const WAITING_MAX: usize = 1_000;

/// Orders that are under way at a time.
const OPEN_ORDERS_MAX: usize = 40;

/// Pages that are clicked on.
const PAGES: [&str; 8] = ["/", "/search", "/cart", "/checkout", "/books", "/books/42", "/about", "/help"];

/// Puts records until dropped.
#[derive(Debug)]
pub struct Traffic {
    _tasks: JoinSet<()>,
}

impl Traffic {
    /// Puts `rate` records a second into each stream of the application: orders into a stream whose name says so, clicks
    /// into any other.
    #[must_use]
    pub fn start(application: &Application, client: &KinesisClient, rate: u32, clock: &Clock) -> Self {
        let mut tasks = JoinSet::new();
        for stream in application.streams.values() {
            let generator = if is_of_orders(&stream.name) {
                Generator::Orders(Orders::new(clock))
            } else {
                Generator::Clicks
            };
            tasks.spawn(put_for_ever(stream.name.clone(), generator, client.clone(), rate, clock.clone()));
        }
        Self { _tasks: tasks }
    }
}

/// Whether a stream of this name holds orders, and not clicks.
#[must_use]
pub fn is_of_orders(stream: &str) -> bool {
    stream.to_lowercase().contains("order")
}

/// A record to put.
#[derive(Clone, Debug)]
struct Generated {
    partition_key: String,
    data: Value,
}

enum Generator {
    Orders(Orders),
    Clicks,
}

impl Generator {
    fn next(&mut self) -> Generated {
        match self {
            Generator::Orders(orders) => orders.next(),
            Generator::Clicks => click(),
        }
    }
}

/// Orders under way: each is placed, paid and shipped, or cancelled on the way.
struct Orders {
    /// Differs from run to run, so that an order of an earlier demo is not placed again.
    run: u64,
    placed: u64,
    open: VecDeque<(String, Stage)>,
}

#[derive(Clone, Copy)]
enum Stage {
    Placed,
    Paid,
}

impl Orders {
    fn new(clock: &Clock) -> Self {
        Self { run: clock.now().as_millis() / 1000, placed: 0, open: VecDeque::new() }
    }

    fn next(&mut self) -> Generated {
        let is_new = self.open.is_empty() || self.open.len() < OPEN_ORDERS_MAX && fastrand::u8(..3) == 0;
        if is_new {
            return self.place();
        }
        let (order, stage) =
            self.open.swap_remove_back(fastrand::usize(..self.open.len())).expect("one is open");
        let event = match (stage, fastrand::u8(..10)) {
            (Stage::Placed | Stage::Paid, 0) => "cancelled",
            (Stage::Placed, _) => {
                self.open.push_back((order.clone(), Stage::Paid));
                "paid"
            }
            (Stage::Paid, _) => "shipped",
        };
        Generated { data: json!({ "order": order, "event": event }), partition_key: order }
    }

    fn place(&mut self) -> Generated {
        self.placed += 1;
        let order = format!("o-{}-{}", self.run, self.placed);
        self.open.push_back((order.clone(), Stage::Placed));
        let amount = fastrand::u32(500..20_000);
        Generated {
            data: json!({ "order": order, "event": "placed", "amount": amount }),
            partition_key: order,
        }
    }
}

fn click() -> Generated {
    let page = PAGES[fastrand::usize(..PAGES.len())];
    let user = format!("u-{}", fastrand::u32(..100));
    Generated { partition_key: page.to_owned(), data: json!({ "page": page, "user": user }) }
}

async fn put_for_ever(
    stream: String,
    mut generator: Generator,
    client: KinesisClient,
    rate: u32,
    clock: Clock,
) {
    let mut waiting = VecDeque::new();
    let mut due = 0.0;
    let mut last = clock.now();
    loop {
        clock.sleep(TICK).await;
        let now = clock.now();
        // At most a second's worth: what was not put in time is not made up for.
        due = (due + f64::from(rate) * now.since(last).as_secs_f64()).min(f64::from(rate));
        last = now;
        while due >= 1.0 && waiting.len() < WAITING_MAX {
            waiting.push_back(generator.next());
            due -= 1.0;
        }
        if let Err(error) = put(&stream, &mut waiting, &client).await {
            warn!(stream, error, "cannot put the generated records: retrying");
        }
    }
}

/// Puts the records one after the other, so that those of one key keep their order. What was put is gone from `records`.
async fn put(stream: &str, records: &mut VecDeque<Generated>, client: &KinesisClient) -> Result<(), String> {
    while let Some(record) = records.front() {
        let put = client.sdk().put_record().stream_name(stream).partition_key(&record.partition_key);
        put.data(Blob::new(record.data.to_string())).send().await.map_err(|error| chain(&error))?;
        records.pop_front();
    }
    Ok(())
}
