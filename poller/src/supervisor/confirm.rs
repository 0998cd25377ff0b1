//! Descriptions and listings of a stream that are believed: two answers in a row agree on them.
//!
//! In: a way to ask, and what is known already; what agrees with that needs no second answer. Out: an answer that a mapping may
//! act on. When two answers agree is decided by `pelton_core::confirm`, what a listing may look like by `pelton_core::plan`.

use crate::ports::{Source, SourceError, StreamDescription};
use pelton_core::confirm::SecondLook;
use pelton_core::plan::{ListedShard, flaw, together};

/// Answers to one question after which it is given up: no two in a row agreed.
const ANSWERS_MAX: usize = 6;

/// What the stream is. `known`: what it was when it was last looked at. Cancelling is safe.
pub(super) async fn description<F>(
    known: Option<&StreamDescription>,
    ask: impl Fn() -> F,
) -> Result<StreamDescription, SourceError>
where
    F: Future<Output = Result<StreamDescription, SourceError>>,
{
    let flaw = "each description of the stream is another one";
    agreed(known, ask, SourceError::Senseless { operation: "DescribeStreamSummary", flaw }).await
}

/// The shards of the stream. `known`: those that it listed last. Cancelling is safe.
pub(super) async fn shards<F>(
    known: Option<&Vec<ListedShard>>,
    ask: impl Fn() -> F,
) -> Result<Vec<ListedShard>, SourceError>
where
    F: Future<Output = Result<Vec<ListedShard>, SourceError>>,
{
    let mut earlier: Option<Vec<ListedShard>> = None;
    for _ in 0..ANSWERS_MAX {
        let later = ask().await?;
        if known == Some(&later) {
            return Ok(later);
        }
        if let Some(listed) = earlier.and_then(|earlier| together(&earlier, &later)) {
            return Ok(listed);
        }
        earlier = Some(later);
    }
    let flaw = "each listing of the stream's shards contradicts the one before";
    Err(SourceError::Senseless { operation: "ListShards", flaw })
}

/// One listing that can be one of all shards. Cancelling is safe.
pub(super) async fn listing(source: &dyn Source) -> Result<Vec<ListedShard>, SourceError> {
    let listed = source.list_shards().await?;
    match flaw(&listed) {
        Some(flaw) => Err(SourceError::Senseless { operation: "ListShards", flaw }),
        None => Ok(listed),
    }
}

async fn agreed<T, F>(
    known: Option<&T>,
    ask: impl Fn() -> F,
    none_agree: SourceError,
) -> Result<T, SourceError>
where
    T: PartialEq,
    F: Future<Output = Result<T, SourceError>>,
{
    let mut look = SecondLook::default();
    for _ in 0..ANSWERS_MAX {
        let answer = ask().await?;
        if known == Some(&answer) {
            return Ok(answer);
        }
        if let Some(answer) = look.agreed(answer) {
            return Ok(answer);
        }
    }
    Err(none_agree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::cell::RefCell;
    use std::future::ready;

    /// These answers in this order lead to `expected`, after `left` of them were not asked for.
    #[track_caller]
    fn check(known: Option<char>, answers: &str, expected: Option<char>, left: usize) {
        let answers = RefCell::new(answers.chars());
        let ask = || ready(Ok(answers.borrow_mut().next().expect("not more is asked for")));
        let failure = SourceError::Senseless { operation: "", flaw: "" };
        let found = agreed(known.as_ref(), ask, failure).now_or_never().expect("the answers are there");
        assert_eq!(found.ok(), expected);
        assert_eq!(answers.borrow().clone().count(), left);
    }

    #[test]
    fn what_is_known_needs_one_answer_and_what_is_new_a_second_one() {
        check(Some('a'), "aa", Some('a'), 1);
        check(Some('a'), "bb", Some('b'), 0);
        check(None, "aab", Some('a'), 1);
    }

    #[test]
    fn an_answer_that_the_next_one_contradicts_is_not_believed() {
        check(Some('a'), "ba", Some('a'), 0);
        check(None, "abb", Some('b'), 0);
        check(None, "abcdefgg", None, 2);
    }
}
