//! The ledger: what happened to each order, line by line.
//!
//! In: one record. Out: one more line, or why there is none: the payload is no order event, or the order cannot go
//! that way. A negative amount fails: its mapping gives the record up and hands it to somebody.

use lambda_ordered::{Error, Handler, Json, Kinesis, OnUndecodable, Record, Undecodable};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
use state_file::{Connection, Effect, StateFile};
use std::fmt;

/// An order stands where its last line says.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS ledger (
        line INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL, event TEXT NOT NULL, amount INTEGER,
        shard TEXT NOT NULL, sequence_number TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS ledger_by_order ON ledger (order_id, line);";

/// The payload: `{"order":"o-17","event":"placed","amount":1250}`.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderEvent {
    order: String,
    #[serde(rename = "event")]
    step: Step,
    /// In cents. Only a placed order must have one.
    amount: Option<i64>,
}

/// A step in the life of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Placed,
    Paid,
    Shipped,
    Cancelled,
}

/// The file with the ledger.
pub(crate) struct Ledger(pub(crate) StateFile);

impl Handler for Ledger {
    type Source = Kinesis;
    type Payload = Result<Json<OrderEvent>, Undecodable>;
    // Never due: what cannot be decoded becomes an anomaly.
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn begin(&mut self) -> Result<(), Error> {
        Ok(self.0.begin()?)
    }

    async fn handle(&mut self, event: Self::Payload, record: &Record<'_, Kinesis>) -> Result<(), Error> {
        if let Ok(Json(OrderEvent { order, amount: Some(amount @ ..0), .. })) = &event {
            return Err(format!("order {order} has the negative amount {amount}").into());
        }
        Ok(self.0.once(record, |database| match event {
            Ok(Json(event)) => enter(database, record, &event),
            Err(error) => Ok(Effect::Anomaly(format!("no order event: {}", error.detail()))),
        })?)
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.0.commit()?;
        Ok(())
    }

    async fn rollback(&mut self) {
        self.0.rollback();
    }
}

fn enter(
    database: &Connection,
    record: &Record<'_, Kinesis>,
    event: &OrderEvent,
) -> rusqlite::Result<Effect> {
    let last = last_step(database, &event.order)?;
    if !event.step.may_follow(last) {
        return Ok(Effect::Anomaly(refusal(event, last)));
    }
    if event.step == Step::Placed && event.amount.is_none() {
        return Ok(Effect::Anomaly(format!("order {} was placed without an amount", event.order)));
    }
    let OrderEvent { order, step, amount } = event;
    database
        .prepare_cached(
            "INSERT INTO ledger (order_id, event, amount, shard, sequence_number) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![order, step, amount, record.shard, record.sequence_number.as_str()])?;
    Ok(Effect::Applied)
}

fn last_step(database: &Connection, order: &str) -> rusqlite::Result<Option<Step>> {
    database
        .prepare_cached("SELECT event FROM ledger WHERE order_id = ? ORDER BY line DESC LIMIT 1")?
        .query_row([order], |row| row.get(0))
        .optional()
}

fn refusal(event: &OrderEvent, last: Option<Step>) -> String {
    let OrderEvent { order, step, .. } = event;
    match last {
        Some(last) => format!("order {order} cannot be {step}: it is {last}"),
        None => format!("order {order} cannot be {step}: it was never placed"),
    }
}

impl Step {
    /// Every step of the ledger.
    const ALL: [Step; 4] = [Step::Placed, Step::Paid, Step::Shipped, Step::Cancelled];

    /// Whether an order may take this step after its last one. Shipped and cancelled are the end.
    fn may_follow(self, last: Option<Step>) -> bool {
        match last {
            None => self == Step::Placed,
            Some(Step::Placed) => matches!(self, Step::Paid | Step::Cancelled),
            Some(Step::Paid) => matches!(self, Step::Shipped | Step::Cancelled),
            Some(Step::Shipped | Step::Cancelled) => false,
        }
    }

    /// Its name, in payloads and in the ledger.
    const fn name(self) -> &'static str {
        match self {
            Step::Placed => "placed",
            Step::Paid => "paid",
            Step::Shipped => "shipped",
            Step::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ToSql for Step {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for Step {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        Step::ALL.into_iter().find(|step| step.name() == name).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_ordered::OnFailure;
    use lambda_ordered::testing::{Kit, TestRecord};

    /// Delivers the payloads in one batch, twice, and compares the ledger and the anomalies.
    async fn check(payloads: &[&str], ledger: &[&str], anomalies: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("ledger.db"), SCHEMA).unwrap();
        let mut kit = Kit::new(Ledger(file), OnFailure::FailBatch);
        let records = TestRecord::all(payloads.iter().copied());
        for _ in 0..2 {
            assert_eq!(kit.deliver(&records).await.unwrap().failures, [""; 0]);
            let column = |query: &str| kit.handler().0.column(query).unwrap();
            let lines =
                "SELECT order_id || ' ' || event || ' ' || coalesce(amount, '-') FROM ledger ORDER BY line";
            assert_eq!(column(lines), ledger);
            let reasons = column("SELECT reason FROM anomaly ORDER BY number");
            assert_eq!(reasons.len(), anomalies.len(), "{reasons:?}");
            for (reason, expected) in reasons.iter().zip(anomalies) {
                assert!(reason.contains(expected), "{reason}");
            }
        }
    }

    #[tokio::test]
    async fn an_order_is_placed_paid_and_shipped() {
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1250}"#,
                r#"{"order":"o-1","event":"paid","amount":1250}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
            ],
            &["o-1 placed 1250", "o-1 paid 1250", "o-1 shipped -"],
            &[],
        )
        .await;
    }

    #[tokio::test]
    async fn an_order_that_was_never_placed_cannot_be_paid() {
        check(
            &[r#"{"order":"o-1","event":"paid"}"#],
            &[],
            &["order o-1 cannot be paid: it was never placed"],
        )
        .await;
    }

    #[tokio::test]
    async fn a_shipped_order_cannot_be_cancelled() {
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1}"#,
                r#"{"order":"o-1","event":"paid"}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
                r#"{"order":"o-1","event":"cancelled"}"#,
            ],
            &["o-1 placed 1", "o-1 paid -", "o-1 shipped -"],
            &["order o-1 cannot be cancelled: it is shipped"],
        )
        .await;
    }

    #[tokio::test]
    async fn a_refused_event_stays_refused_when_it_comes_again() {
        // At its second coming the order is paid, and could be shipped.
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
                r#"{"order":"o-1","event":"paid"}"#,
            ],
            &["o-1 placed 1", "o-1 paid -"],
            &["order o-1 cannot be shipped: it is placed"],
        )
        .await;
    }

    #[tokio::test]
    async fn a_payload_that_is_no_order_event_is_an_anomaly() {
        let good = r#"{"order":"o-2","event":"placed","amount":5}"#;
        check(
            &["not json", r#"{"order":"o-1"}"#, r#"{"order":"o-1","event":"lost"}"#, good],
            &["o-2 placed 5"],
            &["no order event", "missing field `event`", "unknown variant `lost`"],
        )
        .await;
    }

    #[tokio::test]
    async fn a_negative_amount_fails_its_batch_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("ledger.db"), SCHEMA).unwrap();
        let mut kit = Kit::new(Ledger(file), OnFailure::FailBatch);
        let good = r#"{"order":"o-1","event":"placed","amount":0}"#;
        let records = TestRecord::all([good, r#"{"order":"o-2","event":"placed","amount":-1}"#]);
        let error = kit.deliver(&records).await.unwrap_err();
        assert!(error.error_message.contains("order o-2 has the negative amount -1"), "{error:?}");
        let orders = "SELECT order_id FROM ledger UNION ALL SELECT reason FROM anomaly";
        assert_eq!(kit.handler().0.column(orders).unwrap(), [""; 0]);
        assert_eq!(kit.deliver(&records[..1]).await.unwrap().failures, [""; 0]);
        assert_eq!(kit.handler().0.column(orders).unwrap(), ["o-1"]);
    }

    #[tokio::test]
    async fn an_order_is_placed_with_an_amount() {
        check(&[r#"{"order":"o-1","event":"placed"}"#], &[], &["placed without an amount"]).await;
    }
}
