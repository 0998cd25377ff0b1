//! The ledger: what happened to each order, line by line.
//!
//! In: one record. Out: one more line, or why there is none: the payload is no order event, or the order cannot go
//! that way.

use ordered::{Effect, Record, Transaction};
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{OptionalExtension as _, params};
use serde::Deserialize;
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
struct OrderEvent {
    order: String,
    #[serde(rename = "event")]
    step: Step,
    /// In cents. Only a placed order must have one.
    amount: Option<u32>,
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

/// Enters the event of one record.
pub(crate) fn enter(transaction: &Transaction<'_>, record: &Record<'_>) -> rusqlite::Result<Effect> {
    let event: OrderEvent = match serde_json::from_slice(record.data) {
        Ok(event) => event,
        Err(error) => return Ok(Effect::Anomaly(format!("the payload is no order event: {error}"))),
    };
    let last = last_step(transaction, &event.order)?;
    if !event.step.may_follow(last) {
        return Ok(Effect::Anomaly(refusal(&event, last)));
    }
    if event.step == Step::Placed && event.amount.is_none() {
        return Ok(Effect::Anomaly(format!("order {} was placed without an amount", event.order)));
    }
    transaction
        .prepare_cached(
            "INSERT INTO ledger (order_id, event, amount, shard, sequence_number) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![event.order, event.step, event.amount, record.shard, record.sequence_number])?;
    Ok(Effect::Applied)
}

fn last_step(transaction: &Transaction<'_>, order: &str) -> rusqlite::Result<Option<Step>> {
    transaction
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
    use ordered::testing::{TestRecord, kinesis_event};
    use ordered::{StateFile, Summary};

    /// Delivers the payloads in one batch, twice, and compares the ledger and the anomalies.
    fn check(payloads: &[&str], ledger: &[&str], anomalies: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::open(&folder.path().join("ledger.db"), SCHEMA).unwrap();
        let event = kinesis_event(&(1..).zip(payloads).map(record).collect::<Vec<_>>());
        let first = file.apply(&event, enter).unwrap();
        assert_eq!(first, Summary { applied: ledger.len(), repeated: 0, anomalies: anomalies.len() });
        let again = file.apply(&event, enter).unwrap();
        assert_eq!(again, Summary { applied: 0, repeated: payloads.len(), anomalies: 0 });
        let lines =
            "SELECT order_id || ' ' || event || ' ' || coalesce(amount, '-') FROM ledger ORDER BY line";
        assert_eq!(column(&file, lines), ledger);
        let reasons = column(&file, "SELECT reason FROM anomaly ORDER BY number");
        assert_eq!(reasons.len(), anomalies.len(), "{reasons:?}");
        for (reason, expected) in reasons.iter().zip(anomalies) {
            assert!(reason.contains(expected), "{reason}");
        }
    }

    fn record((number, payload): (u64, &&str)) -> TestRecord {
        TestRecord {
            shard: "shardId-000000000000".to_owned(),
            sequence_number: number.to_string(),
            partition_key: "o-1".to_owned(),
            data: payload.as_bytes().to_vec(),
        }
    }

    fn column(file: &StateFile, query: &str) -> Vec<String> {
        let mut statement = file.connection().prepare(query).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_order_is_placed_paid_and_shipped() {
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1250}"#,
                r#"{"order":"o-1","event":"paid","amount":1250}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
            ],
            &["o-1 placed 1250", "o-1 paid 1250", "o-1 shipped -"],
            &[],
        );
    }

    #[test]
    fn an_order_that_was_never_placed_cannot_be_paid() {
        check(
            &[r#"{"order":"o-1","event":"paid"}"#],
            &[],
            &["order o-1 cannot be paid: it was never placed"],
        );
    }

    #[test]
    fn a_shipped_order_cannot_be_cancelled() {
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1}"#,
                r#"{"order":"o-1","event":"paid"}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
                r#"{"order":"o-1","event":"cancelled"}"#,
            ],
            &["o-1 placed 1", "o-1 paid -", "o-1 shipped -"],
            &["order o-1 cannot be cancelled: it is shipped"],
        );
    }

    #[test]
    fn a_refused_event_stays_refused_when_it_comes_again() {
        // At its second coming the order is paid, and could be shipped.
        check(
            &[
                r#"{"order":"o-1","event":"placed","amount":1}"#,
                r#"{"order":"o-1","event":"shipped"}"#,
                r#"{"order":"o-1","event":"paid"}"#,
            ],
            &["o-1 placed 1", "o-1 paid -"],
            &["order o-1 cannot be shipped: it is placed"],
        );
    }

    #[test]
    fn a_payload_that_is_no_order_event_is_an_anomaly() {
        let good = r#"{"order":"o-2","event":"placed","amount":5}"#;
        check(
            &["not json", r#"{"order":"o-1"}"#, r#"{"order":"o-1","event":"lost"}"#, good],
            &["o-2 placed 5"],
            &["no order event", "missing field `event`", "unknown variant `lost`"],
        );
    }

    #[test]
    fn an_order_is_placed_with_an_amount() {
        check(&[r#"{"order":"o-1","event":"placed"}"#], &[], &["placed without an amount"]);
    }
}
