//! "Did you mean": the nearest of the names that are known.

use super::diagnostics::{Code, Diagnostic};

/// More different than this in proportion is another word, not a slip.
const SIMILARITY_MIN: f64 = 0.7;

/// The known name that is most like `name`, if one is like it.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let len = lower.chars().count();
    known
        .into_iter()
        .filter(|candidate| !candidate.is_ascii() || lengths_allow(len, candidate.len()))
        .map(|candidate| {
            (strsim::normalized_damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate)
        })
        .filter(|&(similarity, _)| similarity >= SIMILARITY_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Whether names of these lengths can be as similar as they must be: each character more or less is a difference. A template may have
/// thousands of names, and most are told apart by this alone.
fn lengths_allow(one: usize, other: usize) -> bool {
    let longer = one.max(other);
    longer > 0 && 1.0 - one.abs_diff(other) as f64 / longer as f64 >= SIMILARITY_MIN
}

/// The problem of an unknown name: an error if it is a slip in one of those that Pelton reads, whose setting would be lost;
/// else a warning, as it is nothing that Pelton reads.
pub(crate) fn unknown_name<'a>(
    name: &str,
    read: impl IntoIterator<Item = &'a str>,
    message: impl Into<String>,
) -> Diagnostic {
    match nearest(name, read) {
        Some(_) => Diagnostic::error(Code::UnknownName, message),
        None => Diagnostic::warning(Code::UnknownName, message),
    }
}

/// A sentence to help somebody who wrote `name`: the nearest known one, else all of them.
#[must_use]
pub fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str> + Clone, kind: &str) -> String {
    if let Some(nearest) = nearest(name, known.clone()) {
        return format!("did you mean `{nearest}`?");
    }
    match list(known) {
        Some(list) => format!("{kind}: {list}"),
        None => format!("the template has no {kind}"),
    }
}

/// More names than this do not help.
const LISTED_MAX: usize = 30;

/// The names with commas between them; `None` if there are none.
#[must_use]
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut names = names.into_iter();
    let mut listed: Vec<String> = names.by_ref().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    let left_out = names.count();
    if left_out > 0 {
        listed.push(format!("and {left_out} more"));
    }
    (!listed.is_empty()).then(|| listed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, known: &[&str], expected: Option<&str>) {
        assert_eq!(nearest(name, known.iter().copied()), expected);
    }

    #[test]
    fn a_slip_finds_its_name_and_another_word_does_not() {
        check("BatchSise", &["BatchSize", "Enabled"], Some("BatchSize"));
        check("batchsize", &["BatchSize"], Some("BatchSize"));
        check("Ordres", &["Orders", "Order"], Some("Orders"));
        check("Payments", &["Orders"], None);
        check("", &["Orders"], None);
        check("Orde", &["Orders"], None);
        check("Order", &["Orders"], Some("Orders"));
        check("Ordersxxx", &["Orders"], None);
        check("Ordersxx", &["Orders"], Some("Orders"));
    }
}
