//! Shows records of a stream.
//!
//! In: where to begin. Out: records in the order that `pelton_core::browse` decides. Reads a shard five times a second at most;
//! what is throttled or gets no answer is tried again.

use super::printer::{Closed, Printer};
use super::wanted;
use super::{StopSignals, StreamArgs};
use crate::clock::Clock;
use crate::commands::beside;
use crate::commands::put::check_stream;
use crate::commands::run::connect;
use crate::errors::chain;
use crate::logging::{Terminal, tell};
use crate::ports::{ReadFrom, SourceError, Stream as _};
use crate::shown_record::ShownRecord;
use crate::source::budget::ByteBudget;
use crate::source::kinesis::{BrowseError, KinesisSource, ShardBrowser};
use crate::user_error::UserError;
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use pelton_core::browse::{Browse, BrowseFrom, End, Next, Read, Request};
use pelton_core::shard_end::Follows;
use pelton_core::starting_position::ShardStart;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::{Backoff, Timestamp};
use pelton_model::arn::NO_ACCOUNT;
use pelton_model::shown_timestamp;
use pelton_model::{StreamArn, StreamKind};
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::{Level, warn};

/// From one read of a shard to the next: AWS allows five a second.
const READ_GAP: Duration = Duration::from_millis(200);

/// The same at the end of a shard that is followed.
const IDLE_GAP: Duration = Duration::from_secs(1);

/// How long a shard may be unreadable.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits between reads that failed, beside [`READ_GAP`].
const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), factor: 2, cap: Duration::from_secs(5) };

/// A shard, and when it may be read again.
struct Paced {
    browser: ShardBrowser,
    due: Timestamp,
}

/// What a read brought.
type Page = (ShardId, Paced, Result<(Vec<ShownRecord>, Follows), BrowseError>);

/// Shows them until the end, the limit, a signal, or the end of interest.
pub(super) async fn run(
    arguments: StreamArgs,
    signals: &mut StopSignals,
    terminal: &Terminal,
    clock: Clock,
) -> Result<(), UserError> {
    let printer = Printer::start();
    let shown = tokio::select! {
        shown = show(&arguments, &printer, &clock) => Some(shown),
        _ = signals.next() => None,
    };
    let Some(shown) = shown else { return printer.abandon(&clock).await };
    // What was shown before a failure is shown.
    printer.finish().await?;
    let shown = shown?;
    if let Some(note) = note(&shown, &arguments) {
        tell(terminal, &clock, Level::INFO, &note);
    }
    Ok(())
}

/// What was shown.
struct Shown {
    records: u64,
    /// Sequence number of the last one.
    last: Option<String>,
    /// `None`: nobody reads on.
    end: Option<End>,
}

async fn show(arguments: &StreamArgs, printer: &Printer, clock: &Clock) -> Result<Shown, UserError> {
    if let BrowseFrom::At(moment) = arguments.from
        && moment > clock.now()
    {
        let (moment, now) = (shown_timestamp(moment), shown_timestamp(clock.now()));
        return Err(UserError::bad_input(format!("{moment} lies in the future: it is {now}"))
            .help("for what arrives from now on, use --from latest --follow"));
    }
    let mut aws = arguments.stream.settle(arguments.aws.clone())?;
    beside::settle(&mut aws, &arguments.data_dir).await?;
    let (client, _) = connect(&aws, clock).await?;
    check_stream(&arguments.stream, &client).await.map_err(|error| UserError::bad_input_because(&error))?;
    let arn = StreamArn {
        partition: "aws".to_owned(),
        region: client.region().to_owned(),
        account: NO_ACCOUNT.to_owned(),
        name: arguments.stream.name.clone(),
        kind: StreamKind::Kinesis,
    };
    let source = KinesisSource::new(client, clock.clone(), ByteBudget::default(), arn, String::new());
    let listed = list(&source, clock).await?;
    let shard = wanted::shard(arguments.shard.as_deref(), &arguments.from, &listed)
        .map_err(|no_shard| UserError::bad_input(no_shard.problem).help(no_shard.help))?;
    let request = Request {
        from: arguments.from.clone(),
        shard,
        records_max: arguments.limit,
        is_following: arguments.is_following,
    };
    let browse = Browse::new(request, &listed);
    Showing { source, browse, browsers: BTreeMap::new(), pages: FuturesUnordered::new(), clock }
        .run(printer, arguments.json)
        .await
}

/// The shards of the stream, asked for until there is an answer.
async fn list(source: &KinesisSource, clock: &Clock) -> Result<Vec<ListedShard>, UserError> {
    let mut retrying = Retrying::new(clock);
    loop {
        match source.list_shards().await {
            Ok(listed) => return Ok(listed),
            Err(error) => match retrying.after(&error) {
                Some(wait) => clock.sleep(wait).await,
                None => return Err(UserError::failed(chain(&error))),
            },
        }
    }
}

/// What is being shown.
struct Showing<'a> {
    source: KinesisSource,
    browse: Browse<ShownRecord>,
    /// Shards that are not being read at the moment.
    browsers: BTreeMap<ShardId, Paced>,
    pages: FuturesUnordered<BoxFuture<'static, Page>>,
    clock: &'a Clock,
}

impl Showing<'_> {
    async fn run(mut self, printer: &Printer, json: bool) -> Result<Shown, UserError> {
        let mut shown = Shown { records: 0, last: None, end: None };
        loop {
            match self.browse.next_step() {
                Next::Record(_, record) => {
                    let text = if json { record.json_line() + "\n" } else { record.lines() };
                    if let Err(Closed) = printer.print(text).await {
                        return Ok(shown);
                    }
                    shown.records += 1;
                    shown.last = Some(record.sequence_number);
                }
                Next::List => {
                    let listed = list(&self.source, self.clock).await?;
                    self.browse.listed(&listed);
                }
                Next::Finished(end) => {
                    shown.end = Some(end);
                    return Ok(shown);
                }
                Next::Wait => self.read().await?,
            }
        }
    }

    /// Starts the reads that are due, and waits for one that was started.
    async fn read(&mut self) -> Result<(), UserError> {
        for read in self.browse.reads() {
            let paced = self.browsers.remove(&read.shard).unwrap_or_else(|| Paced {
                browser: self.source.browser(&read.shard, read_from(&read.from, self.clock)),
                due: Timestamp::default(),
            });
            self.pages.push(Box::pin(page(read, paced, self.clock.clone())));
        }
        let Some((shard, paced, page)) = self.pages.next().await else {
            // Every shard has ended: others may appear.
            self.clock.sleep(IDLE_GAP).await;
            let listed = list(&self.source, self.clock).await?;
            self.browse.listed(&listed);
            return Ok(());
        };
        let (records, follows) = page.map_err(|error| failure(&error))?;
        let records = records.into_iter().map(|record| (record.arrival, record)).collect();
        self.browse.read(&shard, records, follows);
        self.browsers.insert(shard, paced);
        Ok(())
    }
}

/// Reads a page of a shard once that may be read, and again while it is of use.
async fn page(read: Read, mut paced: Paced, clock: Clock) -> Page {
    let Read { shard, records_max, is_idle, .. } = read;
    if is_idle {
        paced.due = paced.due.max(clock.now().after(IDLE_GAP));
    }
    let mut retrying = Retrying::new(&clock);
    loop {
        clock.sleep_until(paced.due).await;
        paced.due = clock.now().after(READ_GAP);
        let error = match paced.browser.next(records_max).await {
            Err(BrowseError::Source(error)) => error,
            page => return (shard, paced, page),
        };
        let Some(wait) = retrying.after(&error) else {
            return (shard, paced, Err(error.into()));
        };
        paced.due = paced.due.after(wait);
    }
}

/// How long the same thing was tried in vain.
struct Retrying<'a> {
    clock: &'a Clock,
    since: Option<Timestamp>,
    failures: u32,
    random: fastrand::Rng,
}

impl<'a> Retrying<'a> {
    fn new(clock: &'a Clock) -> Self {
        Self { clock, since: None, failures: 0, random: fastrand::Rng::new() }
    }

    /// How long to wait before the next attempt; `None`: there is no use in one, or no patience left.
    fn after(&mut self, error: &SourceError) -> Option<Duration> {
        match error {
            SourceError::NotFound { .. } | SourceError::Denied { .. } => return None,
            SourceError::Throttled { .. }
            | SourceError::Unavailable { .. }
            | SourceError::Senseless { .. } => {}
        }
        let now = self.clock.now();
        if self.since.is_none() {
            warn!(error = chain(error), "the stream cannot be read; trying again");
        }
        if now.since(*self.since.get_or_insert(now)) >= PATIENCE {
            return None;
        }
        self.failures += 1;
        Some(BACKOFF.delay(self.failures, &mut self.random))
    }
}

fn read_from(from: &BrowseFrom, clock: &Clock) -> ReadFrom {
    match from {
        BrowseFrom::Oldest => ReadFrom::Start(ShardStart::TrimHorizon),
        BrowseFrom::Latest => ReadFrom::Latest { frozen: clock.now() },
        BrowseFrom::At(moment) => ReadFrom::Start(ShardStart::AtTimestamp(*moment)),
        BrowseFrom::After(position) => ReadFrom::After(position.clone()),
    }
}

fn failure(error: &BrowseError) -> UserError {
    match error {
        BrowseError::NoSuchPosition { .. } => UserError::bad_input(chain(error))
            .help("--from trim-horizon shows the oldest records that the stream keeps"),
        BrowseError::Source(_) => UserError::failed(chain(error)),
    }
}

/// What to say at the end, if there is anything.
fn note(shown: &Shown, arguments: &StreamArgs) -> Option<String> {
    let Shown { records, last, end } = shown;
    match (end.as_ref()?, last) {
        (End::Limit { is_more: true }, Some(number)) => {
            let plural = if *records == 1 { "" } else { "s" };
            // Where several shards are merged, one number is not the place of all.
            let next = match (&arguments.shard, &arguments.from) {
                (Some(_), _) | (None, BrowseFrom::After(_)) => {
                    format!(", or the next ones with --from after:{number}")
                }
                (None, BrowseFrom::Oldest | BrowseFrom::Latest | BrowseFrom::At(_)) => String::new(),
            };
            Some(format!(
                "{records} record{plural} shown, more are there: show them with --limit N (0 is all){next}"
            ))
        }
        (End::EndOfStream, None) => {
            let hint =
                if arguments.from == BrowseFrom::Latest { "; --follow waits for what arrives" } else { "" };
            Some(format!("{} has no records there{hint}", arguments.stream.name))
        }
        (End::Limit { .. } | End::EndOfStream, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::options::AwsOptions;
    use pelton_core::Position;

    #[track_caller]
    fn check(records: u64, end: Option<End>, from: BrowseFrom, expected: Option<&str>) {
        check_shard(None, records, end, from, expected);
    }

    #[track_caller]
    fn check_shard(
        shard: Option<&str>,
        records: u64,
        end: Option<End>,
        from: BrowseFrom,
        expected: Option<&str>,
    ) {
        let arguments = StreamArgs {
            stream: "orders".parse().unwrap(),
            shard: shard.map(str::to_owned),
            from,
            limit: None,
            is_following: false,
            json: false,
            aws: AwsOptions { endpoint_url: None, region: None },
            data_dir: ".pelton".into(),
        };
        let last = (records > 0).then(|| "495".to_owned());
        assert_eq!(note(&Shown { records, last, end }, &arguments).as_deref(), expected);
    }

    #[test]
    fn that_there_are_more_records_or_none_is_told() {
        let limit = |is_more| Some(End::Limit { is_more });
        let more = "1 record shown, more are there: show them with --limit N (0 is all)";
        check(1, limit(true), BrowseFrom::Oldest, Some(more));
        let next = format!("{more}, or the next ones with --from after:495");
        check_shard(Some("s"), 1, limit(true), BrowseFrom::Oldest, Some(&next));
        check(1, limit(true), BrowseFrom::After(Position::new("1")), Some(&next));
        check(1, limit(false), BrowseFrom::Oldest, None);
        check(1, Some(End::EndOfStream), BrowseFrom::Oldest, None);
        check(0, Some(End::EndOfStream), BrowseFrom::Oldest, Some("orders has no records there"));
        let waits = "orders has no records there; --follow waits for what arrives";
        check(0, Some(End::EndOfStream), BrowseFrom::Latest, Some(waits));
        check(0, None, BrowseFrom::Oldest, None);
    }
}
