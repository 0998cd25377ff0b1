//! Generated traffic for the demo: orders that live their lives, and clicks on pages.
//!
//! In: the streams of the sample application. Out: records, at a rate, keyed so that what belongs together stays in
//! order. A put that fails is tried again with the next ones: the demo shows how orders live, so none may be missing. Now and then
//! there is one order more that the sample ledger refuses.

use crate::clock::Clock;
use crate::errors::chain;
use crate::source::aws::KinesisClient;
use aws_sdk_kinesis::primitives::Blob;
use pelton_model::Application;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::warn;

/// From one put to the next.
const TICK: Duration = Duration::from_millis(100);

/// Records that wait to be put while the stream does not take them.
const WAITING_MAX: usize = 1_000;

/// Orders that are under way at a time.
const OPEN_ORDERS_MAX: usize = 40;

/// From the start to the first order that is refused: the shards have something to do by then.
const FIRST_REFUSED_AFTER: Duration = Duration::from_secs(8);

/// From one such order to the next.
const REFUSED_EVERY: Duration = Duration::from_secs(60);

/// Such orders that nobody has taken note of.
const REFUSED_WAITING_MAX: usize = 8;

/// Pages that are clicked on.
const PAGES: [&str; 8] = ["/", "/search", "/cart", "/checkout", "/books", "/books/42", "/about", "/help"];

/// Puts records until dropped.
#[derive(Debug)]
pub struct Traffic {
    _tasks: JoinSet<()>,
    refused: mpsc::Receiver<Refused>,
}

/// A record that was put and that the sample ledger refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Name of its stream.
    pub stream: String,
    /// Its shard.
    pub shard: String,
    /// Its partition key.
    pub key: String,
    /// Its place in the shard.
    pub sequence_number: String,
    /// Sequence number of the record that was put into the shard before it; `None`: it is the first.
    pub after: Option<String>,
}

impl Traffic {
    /// Puts `rate` records a second into each stream of the application: orders into a stream whose name says so, clicks
    /// into any other.
    #[must_use]
    pub fn start(application: &Application, client: &KinesisClient, rate: u32, clock: &Clock) -> Self {
        let mut tasks = JoinSet::new();
        let (told, refused) = mpsc::channel(REFUSED_WAITING_MAX);
        for stream in application.streams.values() {
            let generator = if is_of_orders(&stream.name) {
                Generator::Orders(Orders::new(clock))
            } else {
                Generator::Clicks
            };
            let putter = Putter {
                stream: stream.name.clone(),
                client: client.clone(),
                waiting: VecDeque::new(),
                last: BTreeMap::new(),
                told: told.clone(),
            };
            tasks.spawn(put_for_ever(putter, generator, rate, clock.clone()));
        }
        Self { _tasks: tasks, refused }
    }

    /// The next record that was put and is refused. Cancelling is safe.
    pub async fn next_refused(&mut self) -> Refused {
        match self.refused.recv().await {
            Some(refused) => refused,
            None => std::future::pending().await,
        }
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
    is_refused: bool,
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

    /// A record that its function refuses, if there is such a one.
    fn next_refused(&mut self) -> Option<Generated> {
        match self {
            Generator::Orders(orders) => Some(orders.place_refused()),
            Generator::Clicks => None,
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
        Generated { data: json!({ "order": order, "event": event }), partition_key: order, is_refused: false }
    }

    fn place(&mut self) -> Generated {
        self.placed += 1;
        let order = format!("o-{}-{}", self.run, self.placed);
        self.open.push_back((order.clone(), Stage::Placed));
        let amount = fastrand::u32(500..20_000);
        Generated {
            data: json!({ "order": order, "event": "placed", "amount": amount }),
            partition_key: order,
            is_refused: false,
        }
    }

    /// An order that nothing follows: the ledger never has it.
    fn place_refused(&mut self) -> Generated {
        self.placed += 1;
        let order = format!("o-{}-{}", self.run, self.placed);
        let amount = -fastrand::i32(500..20_000);
        Generated {
            data: json!({ "order": order, "event": "placed", "amount": amount }),
            partition_key: order,
            is_refused: true,
        }
    }
}

fn click() -> Generated {
    let page = PAGES[fastrand::usize(..PAGES.len())];
    let user = format!("u-{}", fastrand::u32(..100));
    Generated {
        partition_key: page.to_owned(),
        data: json!({ "page": page, "user": user }),
        is_refused: false,
    }
}

/// Puts the records of one stream.
struct Putter {
    stream: String,
    client: KinesisClient,
    waiting: VecDeque<Generated>,
    /// Sequence number of the last record of each shard.
    last: BTreeMap<String, String>,
    told: mpsc::Sender<Refused>,
}

async fn put_for_ever(mut putter: Putter, mut generator: Generator, rate: u32, clock: Clock) {
    let mut due = 0.0;
    let mut last = clock.now();
    let mut next_refused_at = last.after(FIRST_REFUSED_AFTER);
    loop {
        clock.sleep(TICK).await;
        let now = clock.now();
        // At most a second's worth: what was not put in time is not made up for.
        due = (due + f64::from(rate) * now.since(last).as_secs_f64()).min(f64::from(rate));
        last = now;
        while due >= 1.0 && putter.waiting.len() < WAITING_MAX {
            putter.waiting.push_back(generator.next());
            due -= 1.0;
        }
        if now >= next_refused_at && putter.waiting.len() < WAITING_MAX {
            putter.waiting.extend(generator.next_refused());
            next_refused_at = now.after(REFUSED_EVERY);
        }
        if let Err(error) = putter.put().await {
            warn!(stream = putter.stream, error, "cannot put the generated records: retrying");
        }
    }
}

impl Putter {
    /// Puts what waits, one after the other, so that records of one key keep their order. What was put waits no more.
    async fn put(&mut self) -> Result<(), String> {
        while let Some(record) = self.waiting.front() {
            let put = self.client.sdk().put_record().stream_name(&self.stream);
            let put = put.partition_key(&record.partition_key).data(Blob::new(record.data.to_string()));
            let (shard, sequence_number) = match put.send().await {
                Ok(put) => (put.shard_id, put.sequence_number),
                Err(error) => return Err(chain(&error)),
            };
            let after = self.last.insert(shard.clone(), sequence_number.clone());
            if let Some(record) = self.waiting.pop_front().filter(|record| record.is_refused) {
                let (stream, key) = (self.stream.clone(), record.partition_key);
                // Full means that nobody tells of such records.
                self.told.try_send(Refused { stream, shard, key, sequence_number, after }).ok();
            }
        }
        Ok(())
    }
}
