//! Answers that are believed only if the next one agrees.
//!
//! In: answers to the same question, as they come. Out: the first one that repeats the answer before it. For conclusions that
//! cannot be taken back: what a mapping forgets, it does not read again.

/// The last answer to a question.
#[derive(Debug)]
pub struct SecondLook<T>(Option<T>);

impl<T> Default for SecondLook<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: PartialEq> SecondLook<T> {
    /// Takes the next answer. Returns it if the answer before was the same.
    pub fn agreed(&mut self, answer: T) -> Option<T> {
        if self.0.as_ref() == Some(&answer) {
            return Some(answer);
        }
        self.0 = Some(answer);
        None
    }

    /// Forgets the last answer: something else shows that it was wrong.
    pub fn refute(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answers: &str, believed: &str) {
        let mut look = SecondLook::default();
        let found: String = answers.chars().filter_map(|answer| look.agreed(answer)).collect();
        assert_eq!(found, believed);
    }

    #[test]
    fn only_an_answer_that_repeats_the_one_before_is_believed() {
        check("a", "");
        check("aa", "a");
        check("aba", "");
        check("abb", "b");
    }

    #[test]
    fn an_answer_that_was_refuted_has_to_be_repeated_again() {
        let mut look = SecondLook::default();
        assert_eq!(look.agreed(1), None);
        look.refute();
        assert_eq!(look.agreed(1), None);
        assert_eq!(look.agreed(1), Some(1));
    }
}
