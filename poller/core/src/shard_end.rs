//! Whether a shard has ended, or was read as far as it is to be. One answer never decides it: an ended shard is not read again,
//! so that a mistake would lose every record that follows.
//!
//! In: what each read of a shard brought, and what a listing says about the shard. Out: what to believe.

use crate::shard::Then;
use crate::stream::{ListedShard, ShardId};

/// Confirmed claims in a row that end a shard, if the last one names its children.
const CLAIMS_WITH_CHILDREN_MIN: u32 = 2;

/// Confirmed claims in a row that end a shard whatever they name. Two of them may be wrong for different reasons: an iterator of
/// another shard that has ended, and then an answer with nothing in it.
const CLAIMS_MIN: u32 = 3;

/// Reads after a confirmed claim that may bring nothing before the next claim has to come. A closed shard of the embedded
/// stream answers one such read to a new iterator.
const EMPTY_READS_MAX: u32 = 3;

/// What a source says about what comes after the records of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// More records are waiting.
    More,
    /// There are no more records at this moment.
    CaughtUp,
    /// The answer names no place to read on from: it claims that the shard has ended.
    NoPlace {
        /// Whether the answer also names child shards of this shard.
        names_children: bool,
    },
}

/// What a listing of the stream says about one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// The shard takes records.
    Open,
    /// The shard takes no more records, or has child shards.
    Closed,
    /// The listing does not name the shard.
    Missing,
}

impl Listed {
    /// What `shards` says about the shard `id`.
    #[must_use]
    pub fn of(shards: &[ListedShard], id: &ShardId) -> Self {
        let has_children = shards.iter().any(|shard| shard.parents.contains(id));
        match shards.iter().find(|shard| shard.id == *id) {
            None => Listed::Missing,
            Some(shard) if shard.is_open && !has_children => Listed::Open,
            Some(_) => Listed::Closed,
        }
    }
}

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Accept its records, with this after them.
    Accept(Then),
    /// List the shards, and pass the result to [`Ending::listed`]. The answer has no records.
    List,
    /// Treat the read as failed: it claims an end that the listing denies. The answer has no records.
    Refuse,
}

/// What the last answers of one shard say about its end.
///
/// A claim is confirmed by child shards that it names, or by a listing made after it in which the shard is closed. A shard
/// has ended after two confirmed claims with no record between them if the second names children, else after three; each of
/// them needs an iterator of its own, taken behind the last record. The last claim shows that nothing remains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    claims: u32,
    empty_reads: u32,
    /// Whether an answer without more behind it needs a second one as well.
    confirms_caught_up: bool,
    /// Whether the last answer was such a one.
    was_caught_up: bool,
}

impl Ending {
    /// For a shard that is not read on once it is caught up (`until_caught_up`): that needs two answers in a row, too.
    #[must_use]
    pub fn confirming_caught_up() -> Self {
        Self { confirms_caught_up: true, ..Self::default() }
    }

    /// Judges an answer.
    pub fn read(&mut self, has_records: bool, follows: Follows) -> Step {
        if has_records {
            self.refute();
        }
        let was_caught_up = std::mem::replace(&mut self.was_caught_up, follows == Follows::CaughtUp);
        match follows {
            Follows::More => Step::Accept(Then::More),
            Follows::CaughtUp if self.confirms_caught_up && !was_caught_up => Step::Accept(Then::More),
            Follows::CaughtUp => Step::Accept(self.caught_up()),
            Follows::NoPlace { names_children: true } => self.confirmed(CLAIMS_WITH_CHILDREN_MIN),
            Follows::NoPlace { names_children: false } if has_records => Step::Accept(Then::More),
            Follows::NoPlace { names_children: false } => Step::List,
        }
    }

    /// Judges the answer for which [`Step::List`] was asked.
    pub fn listed(&mut self, listed: Listed) -> Step {
        match listed {
            Listed::Closed => self.confirmed(CLAIMS_MIN),
            Listed::Open | Listed::Missing => {
                self.refute();
                Step::Refuse
            }
        }
    }

    fn refute(&mut self) {
        (self.claims, self.empty_reads) = (0, 0);
    }

    fn confirmed(&mut self, claims_min: u32) -> Step {
        self.claims += 1;
        self.empty_reads = 0;
        Step::Accept(if self.claims < claims_min { Then::More } else { Then::ShardEnd })
    }

    /// A closed shard is read on at once: no record arrives in it. If the second claim does not come, the first was wrong.
    fn caught_up(&mut self) -> Then {
        if self.claims == 0 {
            return Then::CaughtUp;
        }
        self.empty_reads += 1;
        if self.empty_reads > EMPTY_READS_MAX {
            self.refute();
            return Then::CaughtUp;
        }
        Then::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Accept, List, Refuse};

    const CHILDREN: Follows = Follows::NoPlace { names_children: true };
    const NO_PLACE: Follows = Follows::NoPlace { names_children: false };

    #[derive(Clone, Copy)]
    enum On {
        /// An answer with records.
        Records(Follows),
        /// An answer without records.
        Nothing(Follows),
        /// A listing.
        Look(Listed),
    }
    use On::{Look, Nothing, Records};

    /// The last of these events leads to `expected`, none of those before to the end of the shard.
    #[track_caller]
    fn check(events: &[On], expected: Step) {
        let mut ending = Ending::default();
        let mut step = List;
        for event in events {
            assert_ne!(step, Accept(Then::ShardEnd), "ended too early");
            step = match event {
                Records(follows) => ending.read(true, *follows),
                Nothing(follows) => ending.read(false, *follows),
                Look(listed) => ending.listed(*listed),
            };
        }
        assert_eq!(step, expected);
    }

    const ENDED: Step = Accept(Then::ShardEnd);
    const MORE: Step = Accept(Then::More);
    const CLOSED: On = Look(Listed::Closed);

    #[test]
    fn an_answer_that_claims_an_end_and_names_no_children_asks_for_a_listing() {
        check(&[Nothing(NO_PLACE)], List);
    }

    #[test]
    fn an_end_that_the_listing_denies_is_a_failed_read() {
        check(&[Nothing(NO_PLACE), Look(Listed::Open)], Refuse);
        check(&[Nothing(NO_PLACE), Look(Listed::Missing)], Refuse);
    }

    #[test]
    fn a_shard_ends_after_three_claims_that_a_listing_confirms() {
        check(&[Nothing(NO_PLACE), CLOSED], MORE);
        check(&[Nothing(NO_PLACE), CLOSED, Nothing(NO_PLACE)], List);
        check(&[Nothing(NO_PLACE), CLOSED, Nothing(NO_PLACE), CLOSED], MORE);
        check(&[Nothing(NO_PLACE), CLOSED, Nothing(NO_PLACE), CLOSED, Nothing(NO_PLACE), CLOSED], ENDED);
    }

    #[test]
    fn a_shard_ends_after_two_claims_of_which_the_last_names_its_children() {
        check(&[Nothing(CHILDREN)], MORE);
        check(&[Nothing(CHILDREN), Nothing(CHILDREN)], ENDED);
        check(&[Nothing(NO_PLACE), CLOSED, Nothing(CHILDREN)], ENDED);
        check(&[Nothing(CHILDREN), Nothing(NO_PLACE), CLOSED], MORE);
        check(&[Nothing(CHILDREN), Nothing(NO_PLACE), CLOSED, Nothing(CHILDREN)], ENDED);
    }

    #[test]
    fn the_records_of_the_first_claim_are_accepted_and_those_of_a_second_one_start_over() {
        check(&[Records(CHILDREN)], MORE);
        check(&[Records(CHILDREN), Nothing(CHILDREN)], ENDED);
        check(&[Records(CHILDREN), Records(CHILDREN)], MORE);
        check(&[Records(NO_PLACE)], MORE);
        check(&[Records(NO_PLACE), Nothing(NO_PLACE), CLOSED], MORE);
    }

    #[test]
    fn records_between_two_claims_refute_the_first() {
        check(&[Nothing(CHILDREN), Records(Follows::CaughtUp), Nothing(CHILDREN)], MORE);
    }

    #[test]
    fn a_listing_that_shows_an_open_shard_refutes_the_claims_before() {
        let events = [Nothing(CHILDREN), Nothing(NO_PLACE), Look(Listed::Open), Nothing(CHILDREN)];
        check(&events, MORE);
    }

    #[test]
    fn a_few_empty_answers_may_lie_between_two_claims_and_are_followed_up_at_once() {
        let empty = Nothing(Follows::CaughtUp);
        check(&[Nothing(CHILDREN), empty], MORE);
        check(&[Nothing(CHILDREN), empty, empty, empty, Nothing(CHILDREN)], ENDED);
        check(&[Nothing(CHILDREN), empty, empty, empty, empty], Accept(Then::CaughtUp));
        check(&[Nothing(CHILDREN), empty, empty, empty, empty, Nothing(CHILDREN)], MORE);
    }

    #[test]
    fn an_open_shard_is_followed_as_the_source_says() {
        check(&[Records(Follows::More)], MORE);
        check(&[Nothing(Follows::CaughtUp)], Accept(Then::CaughtUp));
    }

    #[test]
    fn where_reading_stops_once_caught_up_a_second_answer_has_to_say_so() {
        let check = |answers: &[(bool, Follows)], expected: Then| {
            let mut ending = Ending::confirming_caught_up();
            let step =
                answers.iter().map(|(has_records, follows)| ending.read(*has_records, *follows)).last();
            assert_eq!(step, Some(Accept(expected)), "{answers:?}");
        };
        let (empty, records) = ((false, Follows::CaughtUp), (true, Follows::CaughtUp));
        check(&[empty], Then::More);
        check(&[empty, empty], Then::CaughtUp);
        check(&[records, empty], Then::CaughtUp);
        check(&[empty, (true, Follows::More), empty], Then::More);
    }

    #[test]
    fn a_shard_that_others_name_as_their_parent_is_closed_whatever_is_said_of_itself() {
        let shard = |id: &str, parents: &[&str], is_open| {
            let parents = parents.iter().map(|id| ShardId::new(id)).collect();
            ListedShard { id: ShardId::new(id), parents, is_open }
        };
        let listing = [shard("0", &[], true), shard("1", &[], false), shard("2", &["0"], true)];
        let of = |id| Listed::of(&listing, &ShardId::new(id));
        assert_eq!([of("0"), of("1"), of("2")], [Listed::Closed, Listed::Closed, Listed::Open]);
        assert_eq!(of("3"), Listed::Missing);
    }
}
