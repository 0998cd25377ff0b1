//! The count: how many clicks each page has, and who clicked last.
//!
//! In: one record. Out: one more click on its page, or why it is none.

use lambda_ordered::{Error, Handler, Json, Kinesis, OnUndecodable, Record, Undecodable};
use rusqlite::params;
use serde::Deserialize;
use state_file::{Connection, Effect, StateFile};

/// One row for each page.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS page (
        page TEXT PRIMARY KEY, clicks INTEGER NOT NULL, last_user TEXT NOT NULL
    ) WITHOUT ROWID;";

/// The payload: `{"page":"/shoes","user":"u-3"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Click {
    page: String,
    user: String,
}

/// The file with the counts.
pub(crate) struct Clicks(pub(crate) StateFile);

impl Handler for Clicks {
    type Source = Kinesis;
    type Payload = Result<Json<Click>, Undecodable>;
    // Never due: what cannot be decoded becomes an anomaly.
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn begin(&mut self) -> Result<(), Error> {
        Ok(self.0.begin()?)
    }

    async fn handle(&mut self, click: Self::Payload, record: &Record<'_, Kinesis>) -> Result<(), Error> {
        Ok(self.0.once(record, |database| match click {
            Ok(Json(click)) => count(database, &click),
            Err(error) => Ok(Effect::Anomaly(format!("no click: {}", error.detail()))),
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

fn count(database: &Connection, click: &Click) -> rusqlite::Result<Effect> {
    database
        .prepare_cached(
            "INSERT INTO page VALUES (?, 1, ?)
             ON CONFLICT (page) DO UPDATE SET clicks = clicks + 1, last_user = excluded.last_user",
        )?
        .execute(params![click.page, click.user])?;
    Ok(Effect::Applied)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_ordered::OnFailure;
    use lambda_ordered::testing::{Kit, TestRecord};

    /// Delivers the clicks, the first time with an answer that is lost, and compares what is counted.
    async fn check(clicks: &[&str], pages: &[&str], anomalies: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("clicks.db"), SCHEMA).unwrap();
        let mut kit = Kit::new(Clicks(file), OnFailure::FailBatch);
        kit.lose_answers(1);
        let deliveries = kit.drain(&TestRecord::all(clicks.iter().copied()), 2, 10).await;
        assert_eq!(deliveries[0].records, deliveries[1].records, "the first batch came twice");
        let column = |query: &str| kit.handler().0.column(query).unwrap();
        assert_eq!(column("SELECT page || ' ' || clicks || ' ' || last_user FROM page ORDER BY page"), pages);
        assert_eq!(column("SELECT reason FROM anomaly ORDER BY number"), anomalies);
    }

    #[tokio::test]
    async fn each_page_has_its_count_and_its_last_user_though_a_batch_comes_twice() {
        let clicks = [
            r#"{"page":"/a","user":"u-1"}"#,
            r#"{"page":"/b","user":"u-1"}"#,
            r#"{"page":"/a","user":"u-2"}"#,
        ];
        check(&clicks, &["/a 2 u-2", "/b 1 u-1"], &[]).await;
    }

    #[tokio::test]
    async fn a_payload_that_is_no_click_is_an_anomaly() {
        let clicks = ["true", r#"{"page":"/a","user":"u-1"}"#];
        let anomaly = "no click: invalid type: boolean `true`, expected struct Click at line 1 column 4";
        check(&clicks, &["/a 1 u-1"], &[anomaly]).await;
    }
}
