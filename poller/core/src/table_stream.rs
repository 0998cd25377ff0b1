//! Which stream of a table a mapping reads.
//!
//! In: the streams that a table has. Out: one of them. A table that never had a stream has none, and one whose stream was disabled
//! and enabled again has several for a day: the old ones can still be read, and get no records.

/// A stream of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableStream {
    /// Its ARN.
    pub arn: String,
    /// When it was enabled, as AWS writes it: of two, the later one is the greater text.
    pub label: String,
    /// Whether it gets the changes of the table, or is about to.
    pub is_enabled: bool,
}

/// The stream that a mapping of the table reads: the one that is enabled; of those that are not, the newest.
#[must_use]
pub fn current(streams: Vec<TableStream>) -> Option<TableStream> {
    streams
        .into_iter()
        .max_by(|one, other| (one.is_enabled, &one.label).cmp(&(other.is_enabled, &other.label)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(streams: &[(&str, bool)], expected: Option<&str>) {
        let stream = |&(label, is_enabled): &(&str, bool)| TableStream {
            arn: format!("arn/{label}"),
            label: label.to_owned(),
            is_enabled,
        };
        let found = current(streams.iter().map(stream).collect());
        assert_eq!(found.map(|stream| stream.label).as_deref(), expected);
    }

    #[test]
    fn the_stream_that_is_enabled_is_read_whatever_its_place_and_else_the_newest() {
        let (old, new) = ("2026-11-30T00:00:00.000", "2026-12-01T00:00:00.000");
        check(&[], None);
        check(&[(old, false)], Some(old));
        check(&[(old, false), (new, true)], Some(new));
        check(&[(old, true), (new, false)], Some(old));
        check(&[(new, false), (old, false)], Some(new));
        check(&[(new, true), (old, true)], Some(new));
    }
}
