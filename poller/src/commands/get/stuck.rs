//! Shows the batches that a mapping is stuck on.
//!
//! In: a mapping of the running poller. Out: each batch with its records, and the event of one of them in a file. The poller is
//! asked, and goes on undisturbed.

use super::printer::{Closed, Printer};
use super::{StopSignals, StuckArgs};
use crate::clock::Clock;
use crate::commands::status::{StatusError, ask_for, understand};
use crate::control::{StatusSnapshot, StuckSnapshot, StuckStatus};
use crate::errors::chain;
use crate::live_view::short;
use crate::logging::{Terminal, tell};
use crate::shown_record::{escaped, records_of_event};
use crate::user_error::UserError;
use bytes::Bytes;
use pelton_core::Timestamp;
use pelton_core::stream::ShardId;
use pelton_template::suggest;
use std::path::Path;
use tracing::Level;

/// What stands for standard output.
const STDOUT: &str = "-";

/// Shows them, and writes the event that is asked for.
pub(super) async fn run(
    arguments: StuckArgs,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    let printer = Printer::start();
    let shown = tokio::select! {
        shown = show(&arguments, &printer, terminal, clock) => shown,
        _ = signals.next() => return printer.abandon(clock).await,
    };
    printer.finish().await?;
    shown
}

async fn show(
    arguments: &StuckArgs,
    printer: &Printer,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    let StuckArgs { mapping, shard, json, event, data_dir } = arguments;
    let found = batches(mapping, data_dir, clock).await?;
    let wanted = chosen(found, shard.as_ref(), mapping)?;
    if let Some(file) = event {
        let batch = only_one(&wanted, mapping)?;
        let bytes = event_of(batch, mapping, data_dir, clock).await?;
        if file == Path::new(STDOUT) {
            return printed(printer.print(bytes.to_vec()).await);
        }
        write(file, &bytes, batch, terminal, clock)?;
    }
    if wanted.is_empty() && !json {
        return printed(printer.print(format!("{mapping} is not stuck on any batch\n")).await);
    }
    for batch in &wanted {
        let bytes = event_of(batch, mapping, data_dir, clock).await?;
        let text = text(batch, &bytes, *json, clock.now())?;
        if let Err(Closed) = printer.print(text).await {
            break;
        }
    }
    Ok(())
}

/// That nobody reads on is no failure.
fn printed(result: Result<(), Closed>) -> Result<(), UserError> {
    match result {
        Ok(()) | Err(Closed) => Ok(()),
    }
}

/// The batches that the mapping is stuck on.
async fn batches(mapping: &str, data_dir: &Path, clock: &Clock) -> Result<Vec<StuckStatus>, UserError> {
    let (address, answer) = ask_for("/status", data_dir, clock).await.map_err(not_asked)?;
    let status: StatusSnapshot = understand(address, &answer).map_err(not_asked)?;
    let names: Vec<&str> = status.mappings.iter().map(|mapping| mapping.id.as_str()).collect();
    if !names.contains(&mapping) {
        let problem = format!("the poller on {} has no mapping {mapping}", data_dir.display());
        let help = match suggest::nearest(mapping, names.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`? Its mappings: {}", names.join(", ")),
            None => format!("its mappings: {}", names.join(", ")),
        };
        return Err(UserError::bad_input(problem).help(help));
    }
    let (address, answer) =
        ask_for(&format!("/mappings/{mapping}/stuck"), data_dir, clock).await.map_err(not_asked)?;
    let stuck: StuckSnapshot = understand(address, &answer).map_err(not_asked)?;
    Ok(stuck.batches)
}

fn not_asked(error: StatusError) -> UserError {
    UserError::failed(chain(&error))
}

/// Those of the shard, if one is named. A shard that is not stuck must be told from one that has nothing to show.
fn chosen(
    batches: Vec<StuckStatus>,
    shard: Option<&ShardId>,
    mapping: &str,
) -> Result<Vec<StuckStatus>, UserError> {
    let Some(shard) = shard else { return Ok(batches) };
    let shards = shards(&batches);
    if !batches.is_empty() && !batches.iter().any(|batch| batch.shard == shard.as_str()) {
        return Err(UserError::bad_input(format!("{mapping} is not stuck in {shard}"))
            .help(format!("it is stuck in {shards}")));
    }
    Ok(batches.into_iter().filter(|batch| batch.shard == shard.as_str()).collect())
}

/// The batch whose event is asked for: of several in one shard that of the oldest record.
fn only_one<'a>(batches: &'a [StuckStatus], mapping: &str) -> Result<&'a StuckStatus, UserError> {
    let Some(first) = batches.first() else {
        return Err(UserError::failed(format!(
            "{mapping} is not stuck on any batch: there is no event to write"
        )));
    };
    if batches.iter().any(|batch| batch.shard != first.shard) {
        return Err(UserError::bad_input(format!("{mapping} is stuck in several shards"))
            .help(format!("choose one with --shard: {}", shards(batches))));
    }
    Ok(first)
}

fn shards(batches: &[StuckStatus]) -> String {
    let mut shards: Vec<&str> = batches.iter().map(|batch| batch.shard.as_str()).collect();
    shards.dedup();
    shards.join(", ")
}

async fn event_of(
    batch: &StuckStatus,
    mapping: &str,
    data_dir: &Path,
    clock: &Clock,
) -> Result<Bytes, UserError> {
    let path = format!("/mappings/{mapping}/stuck/{}/{}", batch.shard, batch.name());
    let (_, event) = ask_for(&path, data_dir, clock).await.map_err(|error| match error {
        StatusError::NotAnswered { .. } => UserError::failed(format!(
            "{} is no longer stuck on the batch, or its poller runs on another machine",
            batch.shard
        ))
        .help("ask again"),
        StatusError::NoPoller { .. }
        | StatusError::NoAddress { .. }
        | StatusError::NotUnderstood { .. }
        | StatusError::NoSuchMapping { .. }
        | StatusError::NotPrinted { .. } => not_asked(error),
    })?;
    Ok(event)
}

fn write(
    file: &Path,
    event: &[u8],
    batch: &StuckStatus,
    terminal: &Terminal,
    clock: &Clock,
) -> Result<(), UserError> {
    std::fs::write(file, event)
        .map_err(|error| UserError::failed(format!("{} cannot be written: {error}", file.display())))?;
    let said = format!(
        "wrote the event of {} in {} to {}: {} bytes",
        counted(batch.records),
        batch.shard,
        file.display(),
        event.len()
    );
    tell(terminal, clock, Level::INFO, &said);
    Ok(())
}

/// A batch and its records; for programs, the records alone. What is said of its ends is taken from the event: the batch may have
/// been split since it was listed.
fn text(batch: &StuckStatus, event: &[u8], json: bool, now: Timestamp) -> Result<String, UserError> {
    let records = records_of_event(event).map_err(|error| UserError::failed(chain(&error)))?;
    if json {
        return Ok(records.iter().map(|record| record.json_line() + "\n").collect());
    }
    let mut text = format!("{}: {}, {}", batch.shard, counted(records.len()), attempts(batch, now));
    if let (Some(first), Some(last)) = (records.first(), records.last()) {
        text += &format!("\n  sequence numbers {} to {}", first.sequence_number, last.sequence_number);
    }
    if let Some(error) = &batch.error {
        text += "\n  error: ";
        text += &error.lines().map(escaped).collect::<Vec<_>>().join("\n    ");
    }
    text += "\n\n";
    records.iter().for_each(|record| text += &record.lines());
    text.push('\n');
    Ok(text)
}

fn attempts(batch: &StuckStatus, now: Timestamp) -> String {
    let failed = match batch.attempts {
        0 => "not yet tried in this form".to_owned(),
        1 => "failed once".to_owned(),
        attempts => format!("failed {attempts} times"),
    };
    match batch.next_attempt_at {
        None => format!("{failed}, is being tried again"),
        Some(at) if at <= now => format!("{failed}, next attempt now"),
        Some(at) => format!("{failed}, next attempt in {}", short(at.since(now))),
    }
}

fn counted(records: usize) -> String {
    format!("{records} record{}", if records == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(shard: &str, attempts: u32, next_attempt_at: Option<u64>) -> StuckStatus {
        StuckStatus {
            shard: shard.to_owned(),
            attempts,
            next_attempt_at: next_attempt_at.map(Timestamp::from_millis),
            records: 1,
            first_sequence_number: Some("495".to_owned()),
            last_sequence_number: Some("495".to_owned()),
            event_bytes: 1,
            error: Some("Unhandled: no\nsuch \u{1b}order".to_owned()),
        }
    }

    const EVENT: &str = r#"{"Records":[{"eventID":"s:495","kinesis":{"partitionKey":"k","sequenceNumber":"495","data":"aGk=","approximateArrivalTimestamp":0.5}}]}"#;

    #[test]
    fn a_batch_is_shown_with_its_attempts_its_error_and_its_records() {
        let shown = |json| text(&batch("s", 3, Some(5_000)), EVENT.as_bytes(), json, Timestamp::default());
        let expected = "s: 1 record, failed 3 times, next attempt in 5.0s\n  sequence numbers 495 to 495\n  \
                        error: Unhandled: no\n    such \\u{1b}order\n\n\
                        1970-01-01T00:00:00.5Z  s  key k  sequence number 495\n  hi\n\n";
        assert_eq!(shown(false).unwrap(), expected);
        assert!(shown(true).unwrap().starts_with(r#"{"pelton":"record","shard":"s""#));
    }

    #[test]
    fn the_attempts_are_told_in_words() {
        let told = |attempts, next| attempts_of(attempts, next);
        assert_eq!(told(0, None), "not yet tried in this form, is being tried again");
        assert_eq!(told(1, Some(1_000)), "failed once, next attempt now");
    }

    fn attempts_of(number: u32, next: Option<u64>) -> String {
        attempts(&batch("s", number, next), Timestamp::from_millis(2_000))
    }

    #[test]
    fn an_event_is_that_of_one_shard() {
        let one = [batch("a", 1, None), batch("a", 2, None)];
        assert_eq!(only_one(&one, "M").unwrap().attempts, 1);
        let several = [batch("a", 1, None), batch("b", 1, None)];
        let refused = only_one(&several, "M").unwrap_err().to_string();
        assert_eq!(refused, "error: M is stuck in several shards\n  help: choose one with --shard: a, b");
        assert!(only_one(&[], "M").unwrap_err().to_string().contains("no event to write"));
        let b = chosen(several.to_vec(), Some(&ShardId::new("b")), "M").unwrap();
        assert_eq!(b, [batch("b", 1, None)]);
        let other = chosen(several.to_vec(), Some(&ShardId::new("c")), "M").unwrap_err().to_string();
        assert_eq!(other, "error: M is not stuck in c\n  help: it is stuck in a, b");
        assert_eq!(chosen(vec![], Some(&ShardId::new("c")), "M").unwrap(), []);
    }
}
