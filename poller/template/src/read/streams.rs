//! `AWS::Kinesis::Stream`: the streams that the template makes (specification 11.4).

use super::context::{Context, Reported};
use super::diagnostics::{Code, Diagnostic};
use super::node::Entry;
use super::resource::Resource;
use super::resource_types::STREAM;
use super::source::Span;
use super::suggest;
use pelton_model::Stream;
use pelton_model::arn::is_stream_name;
use std::collections::{BTreeMap, BTreeSet};

/// An on-demand stream starts with so many shards.
const ON_DEMAND_SHARDS: u32 = 4;

/// As far as a stream can be scaled up without asking AWS (UpdateShardCount).
const SHARDS_MAX: i64 = 10_000;

/// How long a stream keeps a record: a day to a year.
const RETENTION_HOURS: std::ops::RangeInclusive<i64> = 24..=8760;
const RETENTION_HOURS_DEFAULT: u32 = 24;

/// MaxRecordSizeInKiB.
const RECORD_KIB: std::ops::RangeInclusive<i64> = 1024..=10_240;
const RECORD_KIB_DEFAULT: u32 = 1024;

const PROPERTIES: [&str; 9] = [
    "Name",
    "ShardCount",
    "RetentionPeriodHours",
    "StreamModeDetails",
    "MaxRecordSizeInKiB",
    "StreamEncryption",
    "DesiredShardLevelMetrics",
    "WarmThroughputMiBps",
    "Tags",
];

/// Those that Pelton reads.
const READ_PROPERTIES: [&str; 5] =
    ["Name", "ShardCount", "RetentionPeriodHours", "StreamModeDetails", "MaxRecordSizeInKiB"];

/// Every stream that exists, by logical id. Two of one name are reported. What is wrong with a stream that no mapping
/// needs is warned of, and the stream is left out.
pub(crate) fn read_all<'t>(context: &mut Context<'t>, needed: &BTreeSet<String>) -> BTreeMap<String, Stream> {
    let document = context.document;
    let mut streams = BTreeMap::new();
    let mut names: BTreeMap<String, Span> = BTreeMap::new();
    for resource in document.resources.iter().filter(|resource| resource.kind == STREAM) {
        let look = |context: &mut Context<'t>| context.may_exist(resource).then(|| read(context, resource));
        let stream = if needed.contains(&resource.id) { look(context) } else { context.leniently(look) };
        let Some(Ok(stream)) = stream else { continue };
        if let Some(&first) = names.get(&stream.name) {
            let message = format!("two streams are named `{}`", stream.name);
            context.report(
                Diagnostic::error(Code::Conflict, message)
                    .at(resource.id_span, "second stream")
                    .related(first, "first stream")
                    .help("give one of them another `Name`"),
            );
        }
        names.insert(stream.name.clone(), resource.id_span);
        streams.insert(resource.id.clone(), stream);
    }
    streams
}

/// Who decides how many shards a stream has.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Provisioned,
    OnDemand,
    /// Neither, which was reported.
    Invalid,
}

/// What the properties say.
#[derive(Default)]
struct Settings<'t> {
    mode: Mode,
    /// ShardCount, unless it is wrong, and where it stands.
    shard_count: Option<(Option<u32>, &'t Entry)>,
    retention_hours: Option<u32>,
    record_kib_max: Option<u32>,
}

/// Reads a stream. Reports every problem before it gives up.
fn read<'t>(context: &mut Context<'t>, resource: &'t Resource) -> Result<Stream, Reported> {
    let properties = context.properties(&resource.properties)?;
    let mark = context.diagnostics.mark();
    let name = context.name_of(resource);
    let mut settings = Settings::default();
    for property in properties {
        // What is wrong is reported; the next property may be wrong as well.
        settings.read(context, property).ok();
        if let ("Name", Ok(name)) = (property.key.as_str(), &name) {
            check_name(context, property, name);
        }
    }
    let shard_count = settings.shards(context, resource);
    if context.diagnostics.has_errors_since(mark) {
        return Err(Reported);
    }
    Ok(Stream {
        logical_id: resource.id.clone(),
        name: name?,
        shard_count,
        retention_hours: settings.retention_hours.unwrap_or(RETENTION_HOURS_DEFAULT),
        record_kib_max: settings.record_kib_max.unwrap_or(RECORD_KIB_DEFAULT),
    })
}

impl<'t> Settings<'t> {
    fn read(&mut self, context: &mut Context<'t>, property: &'t Entry) -> Result<(), Reported> {
        match property.key.as_str() {
            "ShardCount" => {
                self.shard_count = Some((None, property));
                let count = context.integer(property, 1..=SHARDS_MAX)?.map(within_range);
                self.shard_count = count.map(|count| (Some(count), property));
            }
            "RetentionPeriodHours" => {
                self.retention_hours = context.integer(property, RETENTION_HOURS)?.map(within_range);
            }
            "MaxRecordSizeInKiB" => {
                self.record_kib_max = context.integer(property, RECORD_KIB)?.map(within_range);
            }
            "StreamModeDetails" => self.mode = read_mode(context, property).unwrap_or(Mode::Invalid),
            name if PROPERTIES.contains(&name) => {}
            name => {
                let nearest =
                    suggest::nearest(name, PROPERTIES).filter(|near| READ_PROPERTIES.contains(near));
                return Err(context.unknown_property(property, "a stream", &PROPERTIES, nearest));
            }
        }
        Ok(())
    }

    /// How many shards the stream has; whether it may say so depends on its mode.
    fn shards(&self, context: &mut Context<'t>, resource: &Resource) -> u32 {
        match (self.mode, self.shard_count) {
            (Mode::Invalid, _) => ON_DEMAND_SHARDS,
            (Mode::Provisioned, Some((count, _))) => count.unwrap_or(ON_DEMAND_SHARDS),
            (Mode::Provisioned, None) => {
                let message = format!("the stream `{}` has no `ShardCount`", resource.id);
                context.report(
                    Diagnostic::warning(Code::Missing, message)
                        .at(resource.id_span, "gets one shard here")
                        .help("add `ShardCount: 1`, or `StreamModeDetails: {StreamMode: ON_DEMAND}`"),
                );
                1
            }
            (Mode::OnDemand, None) => ON_DEMAND_SHARDS,
            (Mode::OnDemand, Some((_, property))) => {
                context.report(
                    Diagnostic::error(Code::Conflict, "an on-demand stream has no `ShardCount`")
                        .at(property.key_span, "not allowed with `ON_DEMAND`")
                        .help("remove it: AWS decides how many shards there are"),
                );
                ON_DEMAND_SHARDS
            }
        }
    }
}

fn within_range(number: i64) -> u32 {
    u32::try_from(number).expect("the range was checked")
}

fn check_name(context: &mut Context<'_>, property: &Entry, name: &str) {
    if !is_stream_name(name) {
        context.not_allowed(property, name, "1 to 128 letters, digits, `_`, `.` or `-`");
    }
}

fn read_mode<'t>(context: &mut Context<'t>, property: &'t Entry) -> Result<Mode, Reported> {
    let details = context.head(&property.value, "a map with a `StreamMode`")?.unwrap_or_default();
    let words = context.each(details, |context, detail| match detail.key.as_str() {
        "StreamMode" => context.word(detail, &["PROVISIONED", "ON_DEMAND"]),
        _ => Err(context.unknown_setting(detail, "`StreamModeDetails`", &["StreamMode"])),
    })?;
    Ok(if words.contains(&Some("ON_DEMAND")) { Mode::OnDemand } else { Mode::Provisioned })
}

#[cfg(test)]
mod tests {
    use crate::testing::{check_problem, load};

    fn loaded(properties: &str) -> crate::Loaded {
        load(&format!("Resources:\n  S:\n    Type: AWS::Kinesis::Stream\n    Properties: {{{properties}}}\n"))
    }

    #[track_caller]
    fn check(properties: &str, name: &str, shard_count: u32, retention_hours: u32) {
        let loaded = loaded(properties);
        check_problem(&loaded, "");
        let stream = &loaded.application.expect("there is no problem").streams["S"];
        assert_eq!(
            (stream.name.as_str(), stream.shard_count, stream.retention_hours),
            (name, shard_count, retention_hours)
        );
    }

    #[test]
    fn a_stream_has_its_properties_or_their_defaults() {
        check("ShardCount: 3", "S", 3, 24);
        check("ShardCount: '1', Name: orders.v2_x-y, RetentionPeriodHours: 8760", "orders.v2_x-y", 1, 8760);
        check("StreamModeDetails: {StreamMode: ON_DEMAND}", "S", 4, 24);
        check("StreamModeDetails: {StreamMode: PROVISIONED}, ShardCount: 2", "S", 2, 24);
        check(
            "ShardCount: 1, Tags: [{Key: !ImportValue x, Value: y}], StreamEncryption: {KeyId: !Ref Nothing}",
            "S",
            1,
            24,
        );
    }

    /// Larger records are the stream's matter: whoever reads it takes what it holds.
    #[test]
    fn a_stream_may_take_larger_records() {
        for (properties, expected) in [("", 1024), (", MaxRecordSizeInKiB: 10240", 10_240)] {
            let loaded = loaded(&format!("ShardCount: 1{properties}"));
            check_problem(&loaded, "");
            let stream = &loaded.application.expect("there is no problem").streams["S"];
            assert_eq!(stream.record_kib_max, expected);
        }
    }

    #[test]
    fn values_out_of_range_are_refused() {
        check_problem(
            &loaded("ShardCount: 0"),
            "`ShardCount` is `0` | must be a whole number from 1 to 10000",
        );
        check_problem(&loaded("ShardCount: two"), "`ShardCount` is `two`");
        check_problem(&loaded("ShardCount: 1, RetentionPeriodHours: 23"), "from 24 to 8760");
        check_problem(&loaded("ShardCount: 1, RetentionPeriodHours: 8761"), "from 24 to 8760");
        check_problem(&loaded("ShardCount: 1, Name: 'a b'"), "`Name` is `a b` | must be 1 to 128 letters");
        check_problem(&loaded("ShardCount: 1, MaxRecordSizeInKiB: 10241"), "from 1024 to 10240");
        check_problem(&loaded("ShardCount: 1, MaxRecordSizeInKiB: 5"), "from 1024 to 10240");
        check_problem(
            &loaded("ShardCount: 1, StreamModeDetails: {StreamMode: ON_DEMAND}"),
            "an on-demand stream has no `ShardCount`",
        );
        check_problem(
            &loaded("StreamModeDetails: {StreamMode: X}"),
            "must be one of `PROVISIONED`, `ON_DEMAND`",
        );
        check_problem(
            &loaded("ShardCount: 1, ShardCuont: 2"),
            "no property `ShardCuont` | unknown property | did you mean `ShardCount`?",
        );
    }

    #[test]
    fn a_stream_without_shard_count_gets_one_shard_and_a_warning() {
        let loaded = loaded("Name: x");
        check_problem(&loaded, "warning missing: the stream `S` has no `ShardCount`");
        assert_eq!(loaded.application.expect("a warning is no error").streams["S"].shard_count, 1);
    }

    #[test]
    fn two_streams_of_one_name_are_refused() {
        let stream = "{Type: AWS::Kinesis::Stream, Properties: {Name: x, ShardCount: 1}}";
        check_problem(
            &load(&format!("Resources:\n  A: {stream}\n  B: {stream}\n")),
            "two streams are named `x`",
        );
    }

    #[test]
    fn a_stream_whose_condition_fails_does_not_exist() {
        let loaded = load(
            "Conditions: {No: !Equals [a, b]}\nResources:\n  S: {Type: AWS::Kinesis::Stream, Condition: No, Properties: {ShardCount: 0}}\n",
        );
        check_problem(&loaded, "");
        assert!(loaded.application.expect("there is no problem").streams.is_empty());
    }
}
