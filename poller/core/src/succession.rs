//! Whether the records of an answer follow those that were read before.
//!
//! In: the sequence numbers of each answer of one shard. Out: how many of them were read before, or that they are another
//! shard's. A server may repeat an answer, or mix up two of them; nothing is settled twice or in another order for it.

use crate::record::{Position, number_text};
use crate::stream::ShardId;
use std::cmp::Ordering;

/// Answers in a row whose records name another shard before it is concluded that the server's numbers do not name shards.
const FOREIGN_ANSWERS_MAX: u32 = 5;

/// Digits of the shortest sequence number of the form that AWS uses: 186 bits.
const AWS_DIGITS_MIN: usize = 50;

/// The last four bits of a sequence number of that form.
const AWS_VERSION: u64 = 2;

/// What was read of a shard, as far as it matters to what comes next.
#[derive(Clone, Debug)]
pub struct Succession {
    /// The number in the shard's name, which AWS and most other servers write into the sequence number of each record.
    shard_number: Option<u64>,
    /// Answers in a row with records of other shards.
    foreign_answers: u32,
    /// The last record that was read.
    last: Option<Position>,
    /// Whether the server's numbers grow, as those of AWS do.
    grows: bool,
}

/// An answer whose records belong to another shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign;

impl Succession {
    /// Nothing was read of the shard after `last`.
    #[must_use]
    pub fn after(shard: &ShardId, last: Option<Position>) -> Self {
        let number = shard.as_str().rsplit_once('-').and_then(|(_, number)| number.parse().ok());
        Self { shard_number: number, foreign_answers: 0, last, grows: true }
    }

    /// How many records at the beginning of an answer were read before. The others count as read from now on.
    ///
    /// # Errors
    /// [`Foreign`]: none of them counts as read.
    pub fn take(&mut self, numbers: &[&str]) -> Result<usize, Foreign> {
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(0) };
        self.check_shard([first, last])?;
        // Numbers that do not grow within one answer say nothing about what was read before.
        self.grows &= numbers.windows(2).all(|pair| order(pair[0], pair[1]) == Some(Ordering::Less));
        let was_read = |number: &&str| {
            let last = self.last.as_ref().filter(|_| self.grows);
            last.is_some_and(|last| order(number, last.as_str()).is_some_and(Ordering::is_le))
        };
        let repeated = numbers.partition_point(was_read);
        if repeated < numbers.len() {
            self.last = Some(Position::new(*last));
        }
        Ok(repeated)
    }

    fn check_shard(&mut self, numbers: [&str; 2]) -> Result<(), Foreign> {
        let Some(own) = self.shard_number else { return Ok(()) };
        if numbers.iter().all(|number| shard_of(number).is_none_or(|shard| shard == own)) {
            self.foreign_answers = 0;
            return Ok(());
        }
        self.foreign_answers += 1;
        if self.foreign_answers < FOREIGN_ANSWERS_MAX {
            return Err(Foreign);
        }
        self.shard_number = None;
        Ok(())
    }
}

/// How two sequence numbers stand to each other; `None` if one of them is no number.
fn order(one: &str, other: &str) -> Option<Ordering> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(one) || !is_number(other) {
        return None;
    }
    let (one, other) = (number_text(one), number_text(other));
    Some(one.len().cmp(&other.len()).then_with(|| one.cmp(other)))
}

/// The number of the shard that a sequence number names: 32 bits above the version. `None` if it has another form.
#[must_use]
pub fn shard_of(number: &str) -> Option<u64> {
    if number.len() < AWS_DIGITS_MIN {
        return None;
    }
    let mut low_bits: u64 = 0;
    for digit in number.chars() {
        low_bits = low_bits.wrapping_mul(10).wrapping_add(u64::from(digit.to_digit(10)?));
    }
    (low_bits & 0xF == AWS_VERSION).then_some(low_bits >> 4 & 0xFFFF_FFFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of AWS Lambda: a record of shard 6.
    const OF_SHARD_6: &str = "49590338271490256608559692538361571095921575989136588898";

    fn shard(number: u64) -> ShardId {
        ShardId::new(&format!("shardId-{number:012}"))
    }

    /// After `last`, each answer begins with so many records that were read before.
    #[track_caller]
    fn check(last: Option<&str>, answers: &[(&[&str], usize)]) {
        let mut succession = Succession::after(&shard(0), last.map(Position::new));
        for (numbers, repeated) in answers {
            assert_eq!(succession.take(numbers), Ok(*repeated), "{numbers:?}");
        }
    }

    #[test]
    fn records_that_follow_are_new() {
        check(None, &[(&["1", "2"], 0), (&["3"], 0), (&[], 0), (&["10"], 0)]);
        check(Some("9"), &[(&["10", "11"], 0)]);
    }

    #[test]
    fn an_answer_that_comes_again_brings_nothing_new() {
        check(None, &[(&["8", "9"], 0), (&["8", "9"], 2), (&["8"], 1), (&["10"], 0)]);
        check(Some("10"), &[(&["9", "010"], 2)]);
    }

    #[test]
    fn an_answer_that_reaches_further_brings_what_is_new_in_it() {
        check(Some("9"), &[(&["8", "9", "10"], 2), (&["10", "11"], 1)]);
    }

    #[test]
    fn after_an_old_answer_what_was_read_is_still_known() {
        check(None, &[(&["5", "6"], 0), (&["1", "2"], 2), (&["3", "7"], 1)]);
    }

    #[test]
    fn numbers_of_a_server_that_does_not_count_upwards_say_nothing() {
        check(None, &[(&["5", "4"], 0), (&["3"], 0)]);
        check(Some("b"), &[(&["a"], 0)]);
    }

    #[test]
    fn a_sequence_number_names_its_shard() {
        assert_eq!(shard_of(OF_SHARD_6), Some(6));
        assert_eq!(shard_of("21269319989653637946712965403778482177"), None, "of an older form");
        assert_eq!(shard_of(&format!("{}9", &OF_SHARD_6[..55])), None, "of another version");
    }

    #[test]
    fn records_of_another_shard_are_refused() {
        let mut other = Succession::after(&shard(5), None);
        assert_eq!(other.take(&[OF_SHARD_6]), Err(Foreign));
        let mut own = Succession::after(&shard(6), None);
        assert_eq!(own.take(&[OF_SHARD_6]), Ok(0));
        assert_eq!(own.take(&[OF_SHARD_6]), Ok(1));
        let mut nameless = Succession::after(&ShardId::new("a"), None);
        assert_eq!(nameless.take(&[OF_SHARD_6]), Ok(0));
    }

    #[test]
    fn one_record_of_another_shard_at_either_end_refuses_the_answer() {
        let older = "21269319989653637946712965403778482177";
        let mut succession = Succession::after(&shard(5), None);
        assert_eq!(succession.take(&[older, OF_SHARD_6]), Err(Foreign));
        assert_eq!(succession.take(&[OF_SHARD_6, older]), Err(Foreign));
    }

    #[test]
    fn an_answer_of_the_shard_between_those_of_others_begins_the_count_anew() {
        let mut succession = Succession::after(&shard(5), None);
        for own in ["1", "2", "3"] {
            assert_eq!(succession.take(&[OF_SHARD_6]), Err(Foreign));
            assert_eq!(succession.take(&[OF_SHARD_6]), Err(Foreign));
            assert_eq!(succession.take(&[own]), Ok(0));
        }
    }

    #[test]
    fn a_server_whose_numbers_name_other_shards_again_and_again_does_not_mean_shards_by_them() {
        let mut succession = Succession::after(&shard(5), None);
        let refused = (0..10).take_while(|_| succession.take(&[OF_SHARD_6]).is_err()).count();
        assert_eq!(refused, 4);
        assert_eq!(succession.take(&[OF_SHARD_6]), Ok(1), "but it was read then");
    }
}
