//! The count: how many clicks each page has, and who clicked last.
//!
//! In: one record. Out: one more click on its page, or why it is none.

use ordered::{Effect, Record, Transaction};
use rusqlite::params;
use serde::Deserialize;

/// One row for each page.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS page (
        page TEXT PRIMARY KEY, clicks INTEGER NOT NULL, last_user TEXT NOT NULL
    ) WITHOUT ROWID;";

/// The payload: `{"page":"/shoes","user":"u-3"}`.
#[derive(Debug, Deserialize)]
struct Click {
    page: String,
    user: String,
}

/// Counts the click of one record.
pub(crate) fn count(transaction: &Transaction<'_>, record: &Record<'_>) -> rusqlite::Result<Effect> {
    let click: Click = match serde_json::from_slice(record.data) {
        Ok(click) => click,
        Err(error) => return Ok(Effect::Anomaly(format!("the payload is no click: {error}"))),
    };
    transaction
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
    use ordered::testing::{TestRecord, kinesis_event};
    use ordered::{StateFile, Summary};

    fn click(number: u64, page: &str, payload: &str) -> TestRecord {
        TestRecord {
            shard: "shardId-000000000000".to_owned(),
            sequence_number: number.to_string(),
            partition_key: page.to_owned(),
            data: payload.as_bytes().to_vec(),
        }
    }

    /// Delivers the clicks twice and compares what is counted.
    fn check(clicks: &[TestRecord], first: Summary, pages: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let mut file = StateFile::open(&folder.path().join("clicks.db"), SCHEMA).unwrap();
        let event = kinesis_event(clicks);
        assert_eq!(file.apply(&event, count).unwrap(), first);
        assert_eq!(file.apply(&event, count).unwrap().repeated, clicks.len());
        let query = "SELECT page || ' ' || clicks || ' ' || last_user FROM page ORDER BY page";
        let mut statement = file.connection().prepare(query).unwrap();
        let counted: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(counted, pages);
    }

    #[test]
    fn each_page_has_its_count_and_its_last_user() {
        check(
            &[
                click(1, "/a", r#"{"page":"/a","user":"u-1"}"#),
                click(2, "/b", r#"{"page":"/b","user":"u-1"}"#),
                click(3, "/a", r#"{"page":"/a","user":"u-2"}"#),
            ],
            Summary { applied: 3, ..Summary::default() },
            &["/a 2 u-2", "/b 1 u-1"],
        );
    }

    #[test]
    fn a_payload_that_is_no_click_is_an_anomaly() {
        check(
            &[click(1, "/a", "[]"), click(2, "/a", r#"{"page":"/a","user":"u-1"}"#)],
            Summary { applied: 1, repeated: 0, anomalies: 1 },
            &["/a 1 u-1"],
        );
    }
}
