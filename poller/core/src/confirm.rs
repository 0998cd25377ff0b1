//! Answers that are believed only if the next one agrees.
//!
//! In: answers to the same question, as they come. Out: the first one that repeats the answer before it, or what was known
//! before. For conclusions that cannot be taken back: what a mapping forgets, it does not read again.

/// Answers to one question after which it is given up: no two in a row agreed.
const ANSWERS_MAX: u32 = 6;

/// A question whose answer is acted on.
#[derive(Debug)]
pub struct Question<T> {
    /// What needs no second answer.
    known: Option<T>,
    earlier: Option<T>,
    answers: u32,
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    /// It can be acted on.
    Believed(T),
    /// It needs another one that agrees: ask again.
    AskAgain,
    /// Too many answers, and no two in a row agree.
    Contradictory,
}

impl<T: Clone + PartialEq> Question<T> {
    /// A question to which `known` was the answer before, if there was one.
    #[must_use]
    pub fn new(known: Option<T>) -> Self {
        Self { known, earlier: None, answers: 0 }
    }

    /// What was known is out of date: an answer that says the same needs a second one.
    pub fn forget_known(&mut self) {
        self.known = None;
    }

    /// Takes the next answer. Two agree if they are the same.
    pub fn take(&mut self, answer: T) -> Verdict<T> {
        self.take_together(answer, |earlier, later| (earlier == later).then(|| later.clone()))
    }

    /// Takes the next answer. `together`: what two in a row say together, if they agree.
    pub fn take_together(&mut self, answer: T, together: impl Fn(&T, &T) -> Option<T>) -> Verdict<T> {
        self.answers += 1;
        if self.known.as_ref() == Some(&answer) {
            return Verdict::Believed(answer);
        }
        let earlier = self.earlier.replace(answer.clone());
        match earlier.and_then(|earlier| together(&earlier, &answer)) {
            Some(answer) => Verdict::Believed(answer),
            None if self.answers == ANSWERS_MAX => Verdict::Contradictory,
            None => Verdict::AskAgain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answers: &str, believed: &str) {
        let mut question = Question::new(None);
        let believed_of = |verdict| match verdict {
            Verdict::Believed(answer) => Some(answer),
            Verdict::AskAgain | Verdict::Contradictory => None,
        };
        let found: String = answers.chars().filter_map(|answer| believed_of(question.take(answer))).collect();
        assert_eq!(found, believed, "{answers}");
    }

    #[test]
    fn only_an_answer_that_repeats_the_one_before_is_believed() {
        check("a", "");
        check("aa", "a");
        check("aba", "");
        check("abb", "b");
    }

    #[test]
    fn what_is_known_already_needs_no_second_answer_and_all_else_does() {
        let mut question = Question::new(Some(1));
        assert_eq!(question.take(1), Verdict::Believed(1));
        let mut question = Question::new(Some(1));
        assert_eq!(question.take(2), Verdict::AskAgain);
        assert_eq!(question.take(2), Verdict::Believed(2));
        let mut question = Question::new(None);
        assert_eq!(question.take(1), Verdict::AskAgain);
    }

    #[test]
    fn a_question_with_six_different_answers_is_given_up() {
        let mut question = Question::new(None);
        for answer in 1..6 {
            assert_eq!(question.take(answer), Verdict::AskAgain);
        }
        assert_eq!(question.take(6), Verdict::Contradictory);
    }
}
