//! The options of `pelton get`.

use super::NamedStream;
use crate::commands::beside;
use crate::commands::options::AwsOptions;
use crate::commands::rewind::target;
use crate::data_dir;
use crate::supervisor::RewindTo;
use crate::user_error::UserError;
use pelton_core::Position;
use pelton_core::browse::BrowseFrom;
use pelton_core::starting_position::StartingPosition;
use pelton_core::stream::ShardId;
use pelton_model::MappingId;
use std::path::PathBuf;

/// Records that are shown where nobody says how many.
const LIMIT_DEFAULT: u64 = 100;

/// What stands before a sequence number.
const AFTER: &str = "after:";

/// How it is called: clap would begin with the options.
const USAGE: &str = "pelton get <STREAM> [OPTIONS]
       pelton get --stuck <MAPPING> [OPTIONS]";

/// What it is good for.
const EXAMPLES: &str = "Examples:
  The oldest records of the stream inside `pelton dev`
      pelton get orders --endpoint-url http://127.0.0.1:4567
  What arrives from now on, until Ctrl-C
      pelton get orders --from latest --follow
  The ten records behind one
      pelton get orders --from after:49590338271490256608559692538361571095921575989136588898 --limit 10
  Records from one stream into another, with their keys
      pelton get orders --limit 0 --json | pelton put copy --file -
  The batch that a mapping of the running poller is stuck on, and its event
      pelton get --stuck OrderLedgerOrders --event event.json";

/// What `pelton get` takes.
#[derive(clap::Args, Clone, Debug)]
#[command(override_usage = USAGE, after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["stream", "stuck"]))]
pub struct GetArguments {
    /// The stream's name, or its ARN
    pub stream: Option<NamedStream>,
    /// Show the batches that this mapping of the running poller is stuck on, instead of a stream
    #[arg(long, value_name = "MAPPING", conflicts_with_all = ["from", "limit", "follow", "endpoint_url", "region"])]
    pub stuck: Option<String>,
    /// Only this shard; with --follow also the shards that it is split or merged into
    #[arg(long, value_name = "SHARD")]
    pub shard: Option<String>,
    /// Where to begin: trim-horizon, latest, a time as `rewind --to` takes it, or after:SEQUENCE_NUMBER. Records of all shards come
    /// in the order of their arrival [default: trim-horizon]
    #[arg(long, value_name = "POSITION", value_parser = from)]
    pub from: Option<BrowseFrom>,
    /// Show so many records at most; 0 is all [default: 100; with --follow all]
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Go on at the end of the stream with what arrives, until Ctrl-C
    #[arg(long, short)]
    pub follow: bool,
    /// Print one JSON object a line, which `pelton put --file` takes back
    #[arg(long)]
    pub json: bool,
    /// Write the event of the stuck batch to this file, byte for byte as the function gets it; `-` prints it instead of the records.
    /// A file that exists is replaced
    #[arg(long, value_name = "FILE", conflicts_with = "stream")]
    pub event: Option<PathBuf>,
    /// Folder of the running poller, or of the `dev`, `demo` or `stream` whose stream is used [default: .pelton beside the template]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Template whose folder holds the data folder [default: the one in this folder]
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// Which AWS.
    #[command(flatten)]
    pub aws: AwsOptions,
}

/// What is asked for.
pub(super) enum Asked {
    Stream(StreamArgs),
    Stuck(StuckArgs),
}

/// Records of a stream.
pub(super) struct StreamArgs {
    pub(super) stream: NamedStream,
    pub(super) shard: Option<String>,
    pub(super) from: BrowseFrom,
    pub(super) limit: Option<u64>,
    pub(super) is_following: bool,
    pub(super) json: bool,
    pub(super) aws: AwsOptions,
    /// Whose stream is used, if it names one.
    pub(super) data_dir: PathBuf,
}

/// What a mapping is stuck on.
pub(super) struct StuckArgs {
    pub(super) mapping: String,
    pub(super) shard: Option<ShardId>,
    pub(super) json: bool,
    pub(super) event: Option<PathBuf>,
    pub(super) data_dir: PathBuf,
}

impl GetArguments {
    pub(super) fn asked(self) -> Result<Asked, UserError> {
        let beside_template = || self.template.as_deref().map(data_dir::default_for);
        let data_dir = beside::data_dir_here(self.data_dir.or_else(beside_template));
        if let Some(mapping) = self.stuck {
            let shard = self.shard.as_deref().map(ShardId::new);
            return Ok(Asked::Stuck(StuckArgs {
                mapping,
                shard,
                json: self.json,
                event: self.event,
                data_dir,
            }));
        }
        let stream = self.stream.ok_or_else(|| UserError::bad_input("no stream is named"))?;
        let limit = match (self.limit, self.follow) {
            (Some(0), _) | (None, true) => None,
            (Some(limit), _) => Some(limit),
            (None, false) => Some(LIMIT_DEFAULT),
        };
        Ok(Asked::Stream(StreamArgs {
            stream,
            shard: self.shard,
            from: self.from.unwrap_or(BrowseFrom::Oldest),
            limit,
            is_following: self.follow,
            json: self.json,
            aws: self.aws,
            data_dir,
        }))
    }
}

/// Reads what `rewind --to` takes, and `after:SEQUENCE_NUMBER` instead of a checkpoint.
fn from(text: &str) -> Result<BrowseFrom, String> {
    let forms = || format!("expected trim-horizon, latest, a time, or {AFTER}SEQUENCE_NUMBER");
    if let Some(number) = text.strip_prefix(AFTER) {
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return match is_number {
            true => Ok(BrowseFrom::After(Position::new(number))),
            false => Err(format!("a sequence number has only digits, and `{number}` has not")),
        };
    }
    match target::parse(text) {
        Ok(RewindTo::Start(StartingPosition::TrimHorizon)) => Ok(BrowseFrom::Oldest),
        Ok(RewindTo::Start(StartingPosition::Latest)) => Ok(BrowseFrom::Latest),
        Ok(RewindTo::Start(StartingPosition::AtTimestamp(moment))) => Ok(BrowseFrom::At(moment)),
        Ok(RewindTo::CheckpointOf(MappingId(_))) => Err(forms()),
        Err(reason) => Err(format!("{}; {reason}", forms())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use pelton_core::Timestamp;

    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        get: GetArguments,
    }

    fn asked(line: &str) -> Option<Asked> {
        let words = ["get"].into_iter().chain(line.split_whitespace());
        Program::try_parse_from(words).ok().and_then(|program| program.get.asked().ok())
    }

    fn limit(line: &str) -> Option<Option<u64>> {
        match asked(line)? {
            Asked::Stream(stream) => Some(stream.limit),
            Asked::Stuck(_) => None,
        }
    }

    #[test]
    fn it_is_about_a_stream_or_about_what_a_mapping_is_stuck_on() {
        assert!(matches!(asked("orders --shard s --json"), Some(Asked::Stream(_))));
        assert!(matches!(asked("--stuck M --event e.json --shard s"), Some(Asked::Stuck(_))));
        for wrong in
            ["", "orders --stuck M", "orders --event e.json", "--stuck M --follow", "--stuck M --from latest"]
        {
            assert!(asked(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_hundred_records_are_shown_unless_it_is_said_how_many_or_followed() {
        assert_eq!(limit("orders"), Some(Some(100)));
        assert_eq!(limit("orders --limit 7 -f"), Some(Some(7)));
        assert_eq!(limit("orders --limit 0"), Some(None));
        assert_eq!(limit("orders --follow"), Some(None));
    }

    #[test]
    fn a_position_is_one_of_rewind_or_behind_a_record() {
        assert_eq!(from("TRIM_HORIZON"), Ok(BrowseFrom::Oldest));
        assert_eq!(from("latest"), Ok(BrowseFrom::Latest));
        assert_eq!(from("1767225600.5"), Ok(BrowseFrom::At(Timestamp::from_millis(1_767_225_600_500))));
        assert_eq!(from("after:495"), Ok(BrowseFrom::After(Position::new("495"))));
        for wrong in ["", "after:", "after:4x", "checkpoint-of:M", "yesterday-ish"] {
            assert!(from(wrong).is_err(), "{wrong}");
        }
    }
}
