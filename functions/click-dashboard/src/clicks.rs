//! The counts: how many clicks each page has in each second.
//!
//! In: one record. Out: one more click in its page's second, or why it is none. Each batch ends with a new dashboard.

use crate::dashboard::Dashboard;
use lambda_ordered::{Error, Handler, Json, Kafka, OnUndecodable, Record, Undecodable};
use rusqlite::params;
use serde::Deserialize;
use state_file::{Connection, Effect, StateFile};
use std::ops::RangeInclusive;

/// One row for each second in which a page was clicked. A second is that of the record's timestamp, since the epoch.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS clicks (
        second INTEGER NOT NULL, page TEXT NOT NULL, clicks INTEGER NOT NULL,
        PRIMARY KEY (second, page)
    ) WITHOUT ROWID;";

/// The payload: `{"page":"/shoes","user":"u-3"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Click {
    page: String,
}

/// From 1970 to 9999, the years that a date has: a producer may give any timestamp.
const SECONDS: RangeInclusive<i64> = 0..=253_402_300_799;

/// The file with the counts, and what is made of them.
pub(crate) struct Clicks {
    pub(crate) file: StateFile,
    pub(crate) dashboard: Dashboard,
}

impl Handler for Clicks {
    type Source = Kafka;
    type Payload = Result<Json<Click>, Undecodable>;
    // Never due: what cannot be decoded becomes an anomaly.
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn begin(&mut self) -> Result<(), Error> {
        Ok(self.file.begin()?)
    }

    async fn handle(&mut self, click: Self::Payload, record: &Record<'_, Kafka>) -> Result<(), Error> {
        let second = record.raw.timestamp.timestamp();
        Ok(self.file.once(record, |database| match click {
            Ok(_) if !SECONDS.contains(&second) => {
                Ok(Effect::Anomaly("no click: its timestamp is no date".to_owned()))
            }
            Ok(Json(click)) => count(database, &click, second),
            Err(error) => Ok(Effect::Anomaly(format!("no click: {}", error.detail()))),
        })?)
    }

    /// The dashboard is written while the file is still locked: of two processes that write it, the later one knows more.
    async fn commit(&mut self) -> Result<(), Error> {
        self.dashboard.write(self.file.connection())?;
        self.file.commit()?;
        Ok(())
    }

    async fn rollback(&mut self) {
        self.file.rollback();
    }
}

fn count(database: &Connection, click: &Click, second: i64) -> rusqlite::Result<Effect> {
    database
        .prepare_cached(
            "INSERT INTO clicks VALUES (?, ?, 1) ON CONFLICT (second, page) DO UPDATE SET clicks = clicks + 1",
        )?
        .execute(params![second, click.page])?;
    Ok(Effect::Applied)
}

#[cfg(test)]
mod tests;
