//! Which shards are wanted.

use pelton_core::browse::BrowseFrom;
use pelton_core::stream::{ListedShard, ShardId};
use pelton_core::succession::shard_of;
use pelton_template::suggest;

/// Names of shards that are shown when the one asked for does not exist.
const SHARDS_SHOWN_MAX: usize = 20;

/// Why no shard can be chosen: the problem, and what to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoShard {
    pub(super) problem: String,
    pub(super) help: String,
}

/// The shard to read; `None`: all of them. What follows a record is in the shard of the record, which its sequence number names.
pub(super) fn shard(
    given: Option<&str>,
    from: &BrowseFrom,
    listed: &[ListedShard],
) -> Result<Option<ShardId>, NoShard> {
    let given = given.map(|name| find(name, listed)).transpose()?;
    let BrowseFrom::After(position) = from else { return Ok(given) };
    let named = listed.iter().map(|shard| &shard.id).find(|id| is_of(position.as_str(), id));
    match (given, named) {
        (Some(given), Some(named)) if given != *named => Err(NoShard {
            problem: format!("{position} is a sequence number of {named}, not of {given}"),
            help: "leave out --shard: the sequence number names the shard".to_owned(),
        }),
        (Some(given), _) => Ok(Some(given)),
        (None, Some(named)) => Ok(Some(named.clone())),
        (None, None) => match listed {
            [only] => Ok(Some(only.id.clone())),
            _ => Err(NoShard {
                problem: format!("{position} is a sequence number of none of the stream's shards"),
                help: format!("name its shard with --shard; there is {}", names(listed)),
            }),
        },
    }
}

fn find(name: &str, listed: &[ListedShard]) -> Result<ShardId, NoShard> {
    if let Some(shard) = listed.iter().find(|shard| shard.id.as_str() == name) {
        return Ok(shard.id.clone());
    }
    let help = match suggest::nearest(name, listed.iter().map(|shard| shard.id.as_str())) {
        Some(nearest) if listed.len() > 1 => {
            format!("did you mean `{nearest}`? There is {}", names(listed))
        }
        _ => format!("there is {}", names(listed)),
    };
    Err(NoShard { problem: format!("the stream has no shard {name}"), help })
}

/// Whether the number of the shard is the one in the sequence number.
fn is_of(sequence_number: &str, shard: &ShardId) -> bool {
    let number = shard.as_str().rsplit_once('-').and_then(|(_, number)| number.parse().ok());
    number.is_some() && shard_of(sequence_number) == number
}

fn names(listed: &[ListedShard]) -> String {
    let shown: Vec<&str> = listed.iter().take(SHARDS_SHOWN_MAX).map(|shard| shard.id.as_str()).collect();
    let others = listed.len() - shown.len();
    match (shown.is_empty(), others) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, others) => format!("{} and {others} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pelton_core::Position;

    /// From the documentation of AWS Lambda: a record of shard 6.
    const OF_SHARD_6: &str = "49590338271490256608559692538361571095921575989136588898";

    fn listed(numbers: &[u64]) -> Vec<ListedShard> {
        let id = |number: &u64| ShardId::new(&format!("shardId-{number:012}"));
        numbers.iter().map(|number| ListedShard { id: id(number), parents: vec![], is_open: true }).collect()
    }

    #[track_caller]
    fn check(given: Option<&str>, after: Option<&str>, shards: &[u64], expected: Result<Option<&str>, &str>) {
        let from = after.map_or(BrowseFrom::Oldest, |after| BrowseFrom::After(Position::new(after)));
        let found = shard(given, &from, &listed(shards));
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.as_ref().map(ShardId::as_str), expected),
            (Err(NoShard { problem, help }), Err(said)) => {
                assert!(format!("{problem}; {help}").contains(said), "{problem}; {help}");
            }
            (_, _) => panic!("{found:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn without_a_name_all_shards_are_read() {
        check(None, None, &[0, 1], Ok(None));
        check(Some("shardId-000000000001"), None, &[0, 1], Ok(Some("shardId-000000000001")));
    }

    #[test]
    fn a_shard_that_the_stream_does_not_have_is_named_together_with_those_that_it_has() {
        check(
            Some("shard-1"),
            None,
            &[0, 1],
            Err("has no shard shard-1; there is shardId-000000000000, shardId-000000000001"),
        );
        check(Some("shardId-00000000001"), None, &[0, 1], Err("did you mean"));
        check(Some("x"), None, &(0..30).collect::<Vec<_>>(), Err("and 10 more"));
    }

    #[test]
    fn a_sequence_number_names_its_shard() {
        check(None, Some(OF_SHARD_6), &[5, 6, 7], Ok(Some("shardId-000000000006")));
        check(Some("shardId-000000000006"), Some(OF_SHARD_6), &[5, 6], Ok(Some("shardId-000000000006")));
        check(
            Some("shardId-000000000005"),
            Some(OF_SHARD_6),
            &[5, 6],
            Err("of shardId-000000000006, not of shardId-000000000005"),
        );
        check(
            None,
            Some(OF_SHARD_6),
            &[5, 7],
            Err("of none of the stream's shards; name its shard with --shard"),
        );
        check(None, Some("17"), &[3], Ok(Some("shardId-000000000003")));
        check(None, Some("17"), &[3, 4], Err("--shard"));
    }
}
