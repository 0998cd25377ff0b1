//! How errors are shown, and the one that any part of Pelton may have.

use std::error::Error;

/// An error with all its causes on one line: `cannot store checkpoints in a.db: disk is full`.
///
/// A cause that the text before already ends with is left out: some libraries say theirs in their own message, too.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// What Pelton cannot do because it was built without its feature `aws`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this build of Pelton cannot {cannot}: the program that `cargo install --path poller` builds can (feature `aws`)"
)]
pub struct NotInThisBuild {
    /// A verb and what it is about.
    pub cannot: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot store checkpoints in a.db")]
    struct Unwritable {
        source: io::Error,
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let error = Unwritable { source: io::Error::other("disk is full") };
        assert_eq!(chain(&error), "cannot store checkpoints in a.db: disk is full");
    }
}
