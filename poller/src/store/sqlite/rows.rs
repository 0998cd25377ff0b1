//! What the port keeps, as rows.
//!
//! In: a change, and an open transaction. Out: the rows changed, or the change refused and nothing touched.
//! In the other direction: rows to [`KeptMapping`].

use crate::ports::{Cause, KeptMapping, KeptShard, StreamIdentity};
use pelton_core::starting_position::{NewShard, ShardStart};
use pelton_core::stream::ShardId;
use pelton_core::{Checkpoint, OpenWindow, Position, Timestamp};
use pelton_model::MappingId;
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::sync::Arc;

const TRIM_HORIZON: &str = "trim_horizon";
const AT_TIMESTAMP: &str = "at_timestamp";
const AFTER_LATEST: &str = "after_latest";

/// One change of what is kept; see the method of [`crate::ports::CheckpointStore`] of the same name.
pub(super) enum Change {
    Replace { mapping: MappingId, state: KeptMapping },
    Reshard { mapping: MappingId, added: Vec<NewShard>, removed: Vec<ShardId> },
    Save { mapping: MappingId, shard: ShardId, checkpoint: Checkpoint },
}

/// A change of something that is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("mapping {mapping} is not in it")]
    UnknownMapping { mapping: MappingId },
    #[error("shard {shard} of mapping {mapping} is not in it")]
    UnknownShard { mapping: MappingId, shard: ShardId },
}

/// Carries out a change inside a transaction.
pub(super) fn apply(
    rows: &Connection,
    change: &Change,
    at: Timestamp,
) -> rusqlite::Result<Result<(), Refused>> {
    match change {
        Change::Replace { mapping, state } => {
            start_anew(rows, mapping, &state.stream)?;
            let new = |(id, shard): (&ShardId, &KeptShard)| NewShard { id: id.clone(), start: shard.start };
            insert(rows, mapping, &state.shards.iter().map(new).collect::<Vec<_>>(), at)?;
            for (id, shard) in &state.shards {
                save(rows, mapping, id, &shard.checkpoint, at)?;
            }
        }
        Change::Reshard { mapping, added, removed } => {
            if !is_kept(rows, mapping)? {
                return Ok(Err(Refused::UnknownMapping { mapping: mapping.clone() }));
            }
            insert(rows, mapping, added, at)?;
            let mut delete = rows.prepare_cached("DELETE FROM shard WHERE mapping = ?1 AND id = ?2")?;
            for shard in removed {
                delete.execute([mapping.0.as_str(), shard.as_str()])?;
            }
        }
        Change::Save { mapping, shard, checkpoint } => {
            if !save(rows, mapping, shard, checkpoint, at)? {
                let (mapping, shard) = (mapping.clone(), shard.clone());
                return Ok(Err(Refused::UnknownShard { mapping, shard }));
            }
        }
    }
    Ok(Ok(()))
}

/// The mapping, without shards. Those that it had go with it.
fn start_anew(rows: &Connection, mapping: &MappingId, stream: &StreamIdentity) -> rusqlite::Result<()> {
    rows.prepare_cached("DELETE FROM mapping WHERE id = ?1")?.execute([&mapping.0])?;
    rows.prepare_cached("INSERT INTO mapping (id, stream_arn, stream_created_ms) VALUES (?1, ?2, ?3)")?
        .execute(params![mapping.0, stream.arn, millis(stream.created)])?;
    Ok(())
}

fn is_kept(rows: &Connection, mapping: &MappingId) -> rusqlite::Result<bool> {
    rows.prepare_cached("SELECT 1 FROM mapping WHERE id = ?1")?.exists([&mapping.0])
}

/// A shard that is kept already stays as it is.
fn insert(
    rows: &Connection,
    mapping: &MappingId,
    shards: &[NewShard],
    at: Timestamp,
) -> rusqlite::Result<()> {
    let mut insert = rows.prepare_cached(
        "INSERT INTO shard (mapping, id, start_kind, start_ms, position, ended, updated_ms)
         VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6) ON CONFLICT DO NOTHING",
    )?;
    for shard in shards {
        let (kind, moment) = columns(shard.start);
        let is_over = shard.start.is_none();
        insert.execute(params![mapping.0, shard.id.as_str(), kind, moment, is_over, millis(at)])?;
    }
    Ok(())
}

/// Whether there was such a shard.
fn save(
    rows: &Connection,
    mapping: &MappingId,
    shard: &ShardId,
    checkpoint: &Checkpoint,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    // No source that this store is for keeps attempts.
    let Checkpoint { position, ended, ahead, window, failing: _ } = checkpoint;
    let position = position.as_ref().map(Position::as_str);
    let window = window.as_ref();
    let changed = rows
        .prepare_cached(
            "UPDATE shard SET position = ?3, ended = ?4, ahead = ?5, window_start_ms = ?6, window_end_ms = ?7,
             window_state = ?8, updated_ms = ?9 WHERE mapping = ?1 AND id = ?2",
        )?
        .execute(params![
            mapping.0,
            shard.as_str(),
            position,
            ended,
            ahead_column(ahead),
            window.map(|window| millis(window.start)),
            window.map(|window| millis(window.end)),
            window.map(|window| &*window.state),
            millis(at)
        ])?;
    Ok(changed > 0)
}

/// What is kept of a mapping.
pub(super) fn load(rows: &Connection, mapping: &MappingId) -> Result<Option<KeptMapping>, Cause> {
    let stream = rows
        .prepare_cached("SELECT stream_arn, stream_created_ms FROM mapping WHERE id = ?1")?
        .query_row([&mapping.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((arn, created)) = stream else { return Ok(None) };
    let stream = StreamIdentity { arn, created: timestamp(created)? };
    let mut select = rows
        .prepare_cached(
            "SELECT id, start_kind, start_ms, position, ended, ahead, window_start_ms, window_end_ms, window_state
             FROM shard WHERE mapping = ?1",
        )?;
    let mut found = select.query([&mapping.0])?;
    let mut shards = BTreeMap::new();
    while let Some(row) = found.next()? {
        let id = ShardId::new(row.get_ref(0)?.as_str()?);
        let in_shard = |problem: String| format!("shard {id} of mapping {mapping}: {problem}");
        let start = start(row.get(1)?, row.get(2)?).map_err(in_shard)?;
        let position: Option<String> = row.get(3)?;
        let checkpoint = Checkpoint {
            position: position.map(Position::new),
            ended: row.get(4)?,
            ahead: ahead(row.get(5)?).map_err(in_shard)?,
            window: window(row.get(6)?, row.get(7)?, row.get(8)?).map_err(in_shard)?,
            failing: Arc::default(),
        };
        shards.insert(id, KeptShard { start, checkpoint });
    }
    Ok(Some(KeptMapping { stream, shards }))
}

fn columns(start: Option<ShardStart>) -> (Option<&'static str>, Option<i64>) {
    match start {
        None => (None, None),
        Some(ShardStart::TrimHorizon) => (Some(TRIM_HORIZON), None),
        Some(ShardStart::AtTimestamp(moment)) => (Some(AT_TIMESTAMP), Some(millis(moment))),
        Some(ShardStart::AfterLatest(moment)) => (Some(AFTER_LATEST), Some(millis(moment))),
    }
}

fn start(kind: Option<String>, moment: Option<i64>) -> Result<Option<ShardStart>, String> {
    let moment = moment.map(timestamp).transpose()?;
    match (kind.as_deref(), moment) {
        (None, None) => Ok(None),
        (Some(TRIM_HORIZON), None) => Ok(Some(ShardStart::TrimHorizon)),
        (Some(AT_TIMESTAMP), Some(moment)) => Ok(Some(ShardStart::AtTimestamp(moment))),
        (Some(AFTER_LATEST), Some(moment)) => Ok(Some(ShardStart::AfterLatest(moment))),
        (kind, moment) => Err(format!("unknown start: kind {kind:?}, moment {moment:?}")),
    }
}

/// Eight bytes each, the lowest first.
fn ahead_column(fingerprints: &[u64]) -> Option<Vec<u8>> {
    let bytes = || fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()).collect();
    (!fingerprints.is_empty()).then(bytes)
}

fn ahead(column: Option<Vec<u8>>) -> Result<Arc<[u64]>, String> {
    let bytes = column.unwrap_or_default();
    let (fingerprints, rest) = bytes.as_chunks();
    if !rest.is_empty() {
        return Err(format!("{} bytes of what is settled ahead", bytes.len()));
    }
    Ok(fingerprints.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect())
}

fn window(
    start: Option<i64>,
    end: Option<i64>,
    state: Option<Vec<u8>>,
) -> Result<Option<OpenWindow>, String> {
    match (start, end, state) {
        (None, None, None) => Ok(None),
        (Some(start), Some(end), Some(state)) => {
            Ok(Some(OpenWindow { start: timestamp(start)?, end: timestamp(end)?, state: state.into() }))
        }
        (start, end, state) => {
            let bytes = state.map(|state| state.len());
            Err(format!("half a window: from {start:?} to {end:?}, with a state of {bytes:?} bytes"))
        }
    }
}

/// SQLite's integers are signed; a moment beyond them is the end of time all the same.
fn millis(moment: Timestamp) -> i64 {
    i64::try_from(moment.as_millis()).unwrap_or(i64::MAX)
}

fn timestamp(millis: i64) -> Result<Timestamp, String> {
    u64::try_from(millis).map(Timestamp::from_millis).map_err(|_| format!("a moment of {millis} ms"))
}
