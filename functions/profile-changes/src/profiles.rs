//! The read model: what each user is now, and the deltas that led there.
//!
//! In: one change of a user. Out: one more delta, applied to the user as the changes before left it. The old image of the change must
//! be just that: where it is not, changes are missing before it, which the delta notes.

use crate::delta::{Delta, Item, item};
use lambda_ordered::{DynamoDb, Error, Handler, OnUndecodable, Record};
use rusqlite::{OptionalExtension as _, params};
use state_file::{Connection, Effect, StateFile};

/// `profile` has a row for each user that exists, `delta` one for each change. A delta with `is_after_gap` comes behind changes that
/// this function never saw: it began later than the user, or the stream no longer kept them.
pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS profile (
        user TEXT PRIMARY KEY, version INTEGER NOT NULL, attributes TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS delta (
        number INTEGER PRIMARY KEY,
        user TEXT NOT NULL, version INTEGER NOT NULL, change TEXT NOT NULL, sequence_number TEXT NOT NULL,
        is_after_gap INTEGER NOT NULL,
        UNIQUE (user, version)
    );";

/// What the change of a user needs.
const IMAGES: &str = "the table's stream needs StreamViewType NEW_AND_OLD_IMAGES";

/// The file with the read model.
pub(crate) struct Profiles(pub(crate) StateFile);

impl Handler for Profiles {
    type Source = DynamoDb;
    /// Both images are in the raw record.
    type Payload = ();
    const ON_UNDECODABLE: OnUndecodable = OnUndecodable::Fail;

    async fn begin(&mut self) -> Result<(), Error> {
        Ok(self.0.begin()?)
    }

    async fn handle(&mut self, (): (), record: &Record<'_, DynamoDb>) -> Result<(), Error> {
        let change = &record.raw.change;
        let before = item(serde_json::to_value(&change.old_image)?);
        let after = item(serde_json::to_value(&change.new_image)?);
        let is_whole = match record.raw.event_name.as_str() {
            "INSERT" => !after.is_empty(),
            "REMOVE" => !before.is_empty(),
            _ => !before.is_empty() && !after.is_empty(),
        };
        if !is_whole {
            return Err(format!("a change lacks an image: {IMAGES}").into());
        }
        Ok(self.0.once(record, |database| evolve(database, record, &before, &after))?)
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.0.commit()?;
        Ok(())
    }

    async fn rollback(&mut self) {
        self.0.rollback();
    }
}

fn evolve(
    database: &Connection,
    record: &Record<'_, DynamoDb>,
    before: &Item,
    after: &Item,
) -> rusqlite::Result<Effect> {
    let user = record.order_key();
    let mut profile = profile(database, user)?;
    let is_after_gap = profile != *before;
    let delta = Delta::between(&profile, after);
    delta.apply(&mut profile);
    let version: i64 = database
        .prepare_cached("SELECT coalesce(max(version), 0) + 1 FROM delta WHERE user = ?")?
        .query_row([user], |row| row.get(0))?;
    database
        .prepare_cached(
            "INSERT INTO delta (user, version, change, sequence_number, is_after_gap) VALUES (?, ?, ?, ?, ?)",
        )?
        .execute(params![user, version, delta.to_json(), record.sequence_number.as_str(), is_after_gap])?;
    if profile.is_empty() {
        database.prepare_cached("DELETE FROM profile WHERE user = ?")?.execute([user])?;
    } else {
        let attributes = serde_json::json!(profile).to_string();
        database
            .prepare_cached("INSERT OR REPLACE INTO profile VALUES (?, ?, ?)")?
            .execute(params![user, version, attributes])?;
    }
    Ok(Effect::Applied)
}

/// The user as the changes so far left it; empty if it does not exist.
fn profile(database: &Connection, user: &str) -> rusqlite::Result<Item> {
    let attributes: Option<String> = database
        .prepare_cached("SELECT attributes FROM profile WHERE user = ?")?
        .query_row([user], |row| row.get(0))
        .optional()?;
    Ok(attributes.and_then(|text| serde_json::from_str(&text).ok()).map(item).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_ordered::OnFailure;
    use lambda_ordered::testing::{Kit, TestRecord, TestSource as _};

    const USER: &str = r#"{"key":{"S":"u-1"}}"#;

    /// A change of the user from one name to the other; an empty name: there is no such user.
    fn change(number: u64, before: &str, after: &str) -> TestRecord {
        let image = |name: &str| match name {
            "" => String::new(),
            name => format!(r#"{{"key":{{"S":"u-1"}},"name":{{"S":"{name}"}}}}"#),
        };
        TestRecord::new(number, &image(after)).with_old_image(&image(before)).with_key("u-1")
    }

    fn kit() -> (tempfile::TempDir, Kit<lambda_ordered::Plain<Profiles>>) {
        let folder = tempfile::tempdir().unwrap();
        let file = StateFile::open(&folder.path().join("profiles.db"), SCHEMA).unwrap();
        (folder, Kit::new(Profiles(file), OnFailure::FailBatch))
    }

    /// Delivers the changes, the first time with an answer that is lost, and compares the deltas and the user.
    async fn check(changes: &[TestRecord], deltas: &[&str], profile: &[&str]) {
        let (_folder, mut kit) = kit();
        kit.lose_answers(1);
        let deliveries = kit.drain(changes, 2, 10).await;
        assert_eq!(deliveries[0].records, deliveries[1].records, "the first batch came twice");
        let column = |query: &str| kit.handler().0.column(query).unwrap();
        let lines =
            "SELECT version || iif(is_after_gap, ' after a gap ', ' ') || change FROM delta ORDER BY number";
        assert_eq!(column(lines), deltas);
        assert_eq!(column("SELECT user || ' ' || version || ' ' || attributes FROM profile"), profile);
    }

    #[tokio::test]
    async fn a_user_evolves_change_by_change_though_a_batch_comes_twice() {
        let changes = [change(8, "", "Ada"), change(11, "Ada", "Ada L."), change(14, "Ada L.", "Ada")];
        let deltas = [
            r#"1 {"set":{"key":{"S":"u-1"},"name":{"S":"Ada"}},"removed":[]}"#,
            r#"2 {"set":{"name":{"S":"Ada L."}},"removed":[]}"#,
            r#"3 {"set":{"name":{"S":"Ada"}},"removed":[]}"#,
        ];
        let profile = format!(r#"{USER} 3 {{"key":{{"S":"u-1"}},"name":{{"S":"Ada"}}}}"#);
        check(&changes, &deltas, &[&profile]).await;
    }

    #[tokio::test]
    async fn a_user_that_is_removed_leaves_its_deltas_and_may_come_again() {
        let changes = [change(8, "", "Ada"), change(11, "Ada", ""), change(14, "", "Bea")];
        let deltas = [
            r#"1 {"set":{"key":{"S":"u-1"},"name":{"S":"Ada"}},"removed":[]}"#,
            r#"2 {"set":{},"removed":["key","name"]}"#,
            r#"3 {"set":{"key":{"S":"u-1"},"name":{"S":"Bea"}},"removed":[]}"#,
        ];
        let profile = format!(r#"{USER} 3 {{"key":{{"S":"u-1"}},"name":{{"S":"Bea"}}}}"#);
        check(&changes, &deltas, &[&profile]).await;
        check(&changes[..2], &deltas[..2], &[]).await;
    }

    #[tokio::test]
    async fn changes_that_are_missing_are_noted_and_the_user_is_what_the_new_image_says() {
        let changes = [change(8, "Ada", "Bea"), change(11, "Cleo", "Dora")];
        let deltas = [
            r#"1 after a gap {"set":{"key":{"S":"u-1"},"name":{"S":"Bea"}},"removed":[]}"#,
            r#"2 after a gap {"set":{"name":{"S":"Dora"}},"removed":[]}"#,
        ];
        let profile = format!(r#"{USER} 2 {{"key":{{"S":"u-1"}},"name":{{"S":"Dora"}}}}"#);
        check(&changes, &deltas, &[&profile]).await;
    }

    #[tokio::test]
    async fn a_stream_without_both_images_fails_loudly_and_leaves_nothing_behind() {
        let (_folder, mut kit) = kit();
        let mut event = DynamoDb::event(&[change(8, "", "Ada"), change(11, "", "Bea")]);
        event["Records"][1]["eventName"] = "MODIFY".into();
        let error = kit.invoke(&event).await.unwrap_err().error_message;
        assert!(error.contains("NEW_AND_OLD_IMAGES"), "{error}");
        assert_eq!(kit.handler().0.column("SELECT user FROM delta").unwrap(), [""; 0]);
    }
}
