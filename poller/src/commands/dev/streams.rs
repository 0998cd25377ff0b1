//! Which streams `dev` makes, and what it tells of them.
//!
//! In: what the template asks for, and what it asked for before. Out: streams, and the news.

use crate::source::embedded::{RECORD_KIB_MAX_DEFAULT, RETENTION_HOURS_DEFAULT};
use pelton_model::{Application, EventSource, MappingId, Stream};

/// Which streams are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// Those that the template defines.
    Defined,
    /// Those, too, that mappings name by their ARN or by a parameter: nobody else makes them on the embedded stream.
    Named,
}

/// The streams that are to be there, in the order in which they are made.
pub(super) fn streams(application: &Application, made: Made) -> Vec<Stream> {
    let mut streams: Vec<Stream> = application.streams.values().cloned().collect();
    for mapping in application.enabled().filter(|_| made == Made::Named) {
        let EventSource::Kinesis { .. } = mapping.source else { continue };
        let name = mapping.source.name();
        if streams.iter().all(|stream| stream.name != *name) {
            streams.push(Stream {
                logical_id: name.to_owned(),
                name: name.to_owned(),
                shard_count: 1,
                retention_hours: RETENTION_HOURS_DEFAULT,
                record_kib_max: RECORD_KIB_MAX_DEFAULT,
            });
        }
    }
    streams
}

/// What is to be told of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// This mapping names a stream that the template does not define: it gets one shard.
    OnlyNamed { stream: String, mapping: MappingId },
    /// It was another one before, under the same name, and stays as it is.
    Stays { stream: String },
}

/// What is new about the streams since the template asked for `before`; `None`: it is the first one.
pub(super) fn news(before: Option<&Application>, after: &Application, made: Made) -> Vec<News> {
    let made_before = before.map(|before| streams(before, made)).unwrap_or_default();
    let mut news = Vec::new();
    for stream in streams(after, made) {
        let name = stream.name.clone();
        let is_defined = after.streams.values().any(|defined| defined.name == name);
        match made_before.iter().find(|before| before.name == name) {
            Some(before) if is_defined && shape(before) != shape(&stream) => {
                news.push(News::Stays { stream: name });
            }
            Some(_) => {}
            None if is_defined => {}
            None => {
                let mapping = after.enabled().find(|mapping| mapping.source.name() == name);
                news.extend(
                    mapping.map(|mapping| News::OnlyNamed { stream: name, mapping: mapping.id.clone() }),
                );
            }
        }
    }
    news
}

/// What a stream keeps once it exists.
fn shape(stream: &Stream) -> (u32, u32, u32) {
    (stream.shard_count, stream.retention_hours, stream.record_kib_max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::starting_position::StartingPosition;
    use pelton_model::Mapping;

    /// Defines these streams, with so many shards, and has a mapping of each of the others.
    fn application(defined: &[(&str, u32)], named: &[&str]) -> Application {
        let stream = |&(name, shard_count): &(&str, u32)| {
            let (logical_id, name) = (format!("Id{name}"), name.to_owned());
            let stream = Stream {
                logical_id: logical_id.clone(),
                name,
                shard_count,
                retention_hours: 24,
                record_kib_max: 1024,
            };
            (logical_id, stream)
        };
        let mapping = |name: &&str| {
            let arn = format!("arn:aws:kinesis:us-east-1:123456789012:stream/{name}").parse().unwrap();
            Mapping::new(MappingId(format!("M{name}")), "F".to_owned(), arn, StartingPosition::Latest)
        };
        Application {
            root: "/app".into(),
            account: "123456789012".to_owned(),
            functions: Default::default(),
            streams: defined.iter().map(stream).collect(),
            tables: Default::default(),
            mappings: named.iter().map(mapping).collect(),
        }
    }

    #[test]
    fn streams_that_are_only_named_are_made_where_nobody_else_makes_them() {
        let check = |application: Application, made, expected: &[(&str, u32)]| {
            let streams = streams(&application, made);
            let found: Vec<_> =
                streams.iter().map(|stream| (stream.name.as_str(), stream.shard_count)).collect();
            assert_eq!(found, expected);
        };
        check(application(&[("a", 2)], &["a", "b", "b"]), Made::Named, &[("a", 2), ("b", 1)]);
        check(application(&[("a", 2)], &["a", "b"]), Made::Defined, &[("a", 2)]);
        let mut disabled = application(&[], &["b"]);
        disabled.mappings[0].enabled = false;
        check(disabled, Made::Named, &[]);
    }

    #[test]
    fn a_stream_is_told_of_once_and_again_only_when_it_is_to_be_another_one() {
        let only = |stream: &str| {
            let mapping = MappingId(format!("M{stream}"));
            News::OnlyNamed { stream: stream.to_owned(), mapping }
        };
        let stays = || News::Stays { stream: "a".to_owned() };
        let (defined, named) = (application(&[("a", 2)], &["a"]), application(&[], &["a"]));
        let (both, wider) = (application(&[], &["a", "b"]), application(&[("a", 3)], &["a"]));
        let table: [(Option<&Application>, &Application, Made, Vec<News>); 9] = [
            (None, &named, Made::Named, vec![only("a")]),
            (None, &named, Made::Defined, vec![]),
            (None, &defined, Made::Named, vec![]),
            (Some(&named), &named, Made::Named, vec![]),
            (Some(&named), &both, Made::Named, vec![only("b")]),
            (Some(&defined), &named, Made::Named, vec![]),
            (Some(&named), &defined, Made::Named, vec![stays()]),
            (Some(&defined), &wider, Made::Defined, vec![stays()]),
            (Some(&defined), &defined, Made::Named, vec![]),
        ];
        for (before, after, made, expected) in table {
            assert_eq!(news(before, after, made), expected, "{before:?} -> {after:?}");
        }
    }
}
