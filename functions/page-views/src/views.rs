//! The views of a window: a count for each page.
//!
//! In: clicks, one by one, and the end of the window. Out: rows. What is no click is passed over.

use lambda_ordered::{Error, Json, Kinesis, OnUndecodable, Record, SequenceNumber, Window, WindowHandler};
use lambda_runtime::tracing;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use state_file::StateFile;
use std::collections::BTreeMap;

/// A window that ends early, for the size of its state, is written in parts: its views of a page are the sum of them. A
/// part is named by its first record, so that writing it again changes nothing.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS views (
        window TEXT NOT NULL, shard TEXT NOT NULL, part TEXT NOT NULL, page TEXT NOT NULL, views INTEGER NOT NULL,
        PRIMARY KEY (window, shard, part, page)
    ) WITHOUT ROWID;";

/// The payload: `{"page":"/shoes","user":"u-3"}`.
#[derive(Debug, Deserialize)]
pub(crate) struct Click {
    page: String,
}

/// What Lambda carries along.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Views {
    /// The first record that was counted.
    first: Option<SequenceNumber>,
    pages: BTreeMap<String, u32>,
}

/// The file that finished windows are written to.
pub(crate) struct PageViews(pub(crate) StateFile);

impl WindowHandler for PageViews {
    type Source = Kinesis;
    type Payload = Json<Click>;
    type State = Views;
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Skip;

    async fn handle(
        &mut self,
        state: &mut Views,
        Json(click): Json<Click>,
        record: &Record<'_, Kinesis>,
    ) -> Result<(), Error> {
        state.first.get_or_insert_with(|| record.sequence_number.clone());
        *state.pages.entry(click.page).or_default() += 1;
        Ok(())
    }

    async fn finish(&mut self, window: &Window, state: Views) -> Result<(), Error> {
        let Some(part) = state.first else { return Ok(()) };
        self.0.begin()?;
        let start = window.start.to_rfc3339();
        let mut insert =
            self.0.connection().prepare_cached("INSERT OR REPLACE INTO views VALUES (?, ?, ?, ?, ?)")?;
        for (page, views) in &state.pages {
            insert.execute(params![start, window.shard, part.as_str(), page, views])?;
        }
        drop(insert);
        self.0.commit()?;
        tracing::info!(shard = window.shard, window = start, pages = state.pages.len(), "a window is over");
        Ok(())
    }

    async fn rollback(&mut self) {
        self.0.rollback();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_ordered::OnFailure;
    use lambda_ordered::testing::{Kit, TestRecord};

    /// Delivers the payloads in batches of two, each answer lost once, ends the window twice, and compares the rows.
    async fn check(payloads: &[&str], rows: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("views.db"), SCHEMA).unwrap();
        let mut kit = Kit::with_window(PageViews(file), OnFailure::ReportRecord);
        for batch in TestRecord::all(payloads.iter().copied()).chunks(2) {
            kit.lose_answers(1);
            kit.deliver(batch).await.unwrap_err();
            assert_eq!(kit.deliver(batch).await.unwrap().failures, [""; 0]);
        }
        kit.lose_answers(1);
        kit.finish_window().await.unwrap_err();
        kit.finish_window().await.unwrap();
        let query = "SELECT window || ' ' || shard || ' ' || page || ' ' || views FROM views ORDER BY page";
        assert_eq!(kit.handler().0.column(query).unwrap(), rows);
    }

    #[tokio::test]
    async fn each_page_of_a_window_has_its_views_though_each_answer_is_lost_once() {
        check(
            &[r#"{"page":"/a"}"#, r#"{"page":"/b"}"#, r#"{"page":"/a"}"#],
            &[
                "2026-01-09T07:04:00+00:00 shardId-000000000000 /a 2",
                "2026-01-09T07:04:00+00:00 shardId-000000000000 /b 1",
            ],
        )
        .await;
    }

    #[tokio::test]
    async fn what_is_no_click_is_passed_over() {
        check(&["no click", r#"{"page":"/a"}"#], &["2026-01-09T07:04:00+00:00 shardId-000000000000 /a 1"])
            .await;
    }

    #[tokio::test]
    async fn a_window_without_clicks_writes_nothing() {
        check(&[], &[]).await;
    }

    #[tokio::test]
    async fn a_window_that_ended_early_is_written_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("views.db"), SCHEMA).unwrap();
        let mut kit = Kit::with_window(PageViews(file), OnFailure::ReportRecord);
        for record in TestRecord::all([r#"{"page":"/a"}"#; 2]) {
            kit.deliver(&[record]).await.unwrap();
            kit.finish_window().await.unwrap();
        }
        assert_eq!(kit.handler().0.column("SELECT sum(views) || '' FROM views").unwrap(), ["2"]);
    }
}
