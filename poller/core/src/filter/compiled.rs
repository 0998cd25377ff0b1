//! Patterns put together, so that one look at an event judges all of them.
//!
//! In: the patterns that were read, and the fields of an event. Out: whether one of them matches, or at which clause each fails.

use super::array_consistency::{self, Found, STEPS_MAX, Wanted};
use super::fields::{Fields, Names};
use super::pattern::{Branch, Clause};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A clause by its number.
pub(super) type ClauseId = usize;

/// Patterns, of which one must match.
#[derive(Clone, Debug)]
pub(super) struct Patterns {
    names: Names,
    clauses: Vec<Arc<Clause>>,
    /// Of each pattern its branches, of each branch its clauses in the order of their names.
    patterns: Vec<Vec<Vec<ClauseId>>>,
}

/// How a clause that is judged by what the record is, and not by its values, is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// By its values.
    Judge,
    /// It is satisfied.
    Ignore,
    /// It is not.
    Refuse,
}

/// Why a clause decided that a pattern does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// There is no value that it allows.
    NoValue,
    /// There are values, but in other elements of an array than those that the clauses before it need.
    NotTogether,
    /// See [`Treatment::Refuse`].
    Refused,
}

/// The clause that decided that a pattern does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decisive {
    pub(super) pattern: usize,
    pub(super) clause: ClauseId,
    pub(super) reason: Reason,
}

impl Patterns {
    /// Puts patterns together. `canonical` says under which name a field is to be found that a pattern names otherwise.
    pub(super) fn new(patterns: Vec<Vec<Branch>>, canonical: impl Fn(&str) -> &str) -> Self {
        let mut clauses: Vec<Arc<Clause>> = Vec::new();
        let mut numbers: BTreeMap<*const Clause, ClauseId> = BTreeMap::new();
        let mut number = |clause: Arc<Clause>| {
            *numbers.entry(Arc::as_ptr(&clause)).or_insert_with(|| {
                clauses.push(clause);
                clauses.len() - 1
            })
        };
        let mut patterns: Vec<Vec<Vec<ClauseId>>> = patterns
            .into_iter()
            .map(|branches| {
                branches.into_iter().map(|branch| branch.into_values().map(&mut number).collect()).collect()
            })
            .collect();
        for clause in &mut clauses {
            let name = canonical(&clause.name).to_owned();
            Arc::make_mut(clause).name = name;
        }
        // Java compares strings by their UTF-16, and the order of names matters to `exists: false`.
        let utf16 = |clause: &ClauseId| clauses[*clause].name.encode_utf16().collect::<Vec<u16>>();
        patterns.iter_mut().flatten().for_each(|branch| branch.sort_by_cached_key(utf16));
        let names = Names::new(clauses.iter().map(|clause| clause.name.clone()).collect::<BTreeSet<_>>());
        Self { names, clauses, patterns }
    }

    /// What the patterns ask for.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn clauses(&self) -> &[Arc<Clause>] {
        &self.clauses
    }

    /// Whether one of the patterns matches. If none does, `explain` is told of each why.
    pub(super) fn match_fields(
        &self,
        fields: &Fields<'_>,
        treatment: impl Fn(ClauseId) -> Treatment,
        mut explain: impl FnMut(Decisive),
    ) -> bool {
        let mut judge = Judge {
            patterns: self,
            fields,
            allowed: self.clauses.iter().map(|_| OnceCell::new()).collect(),
            steps_left: STEPS_MAX,
        };
        for (pattern, branches) in self.patterns.iter().enumerate() {
            let mut decisive: Option<(usize, ClauseId, Reason)> = None;
            for branch in branches {
                match judge.branch(branch, &treatment) {
                    Ok(()) => return true,
                    // Of several branches, the one that came furthest is what most likely was meant.
                    Err(failure) if decisive.is_none_or(|known| known.0 < failure.0) => {
                        decisive = Some(failure)
                    }
                    Err(_) => {}
                }
            }
            if let Some((_, clause, reason)) = decisive {
                explain(Decisive { pattern, clause, reason });
            }
        }
        false
    }
}

struct Judge<'f, 'a> {
    patterns: &'f Patterns,
    fields: &'f Fields<'a>,
    /// Of each clause, which of the values of its name it allows.
    allowed: Vec<OnceCell<Vec<bool>>>,
    steps_left: usize,
}

impl<'f, 'a> Judge<'f, 'a> {
    /// Otherwise: how many clauses came before the one that failed, that one, and why.
    fn branch(
        &mut self,
        branch: &[ClauseId],
        treatment: impl Fn(ClauseId) -> Treatment,
    ) -> Result<(), (usize, ClauseId, Reason)> {
        let mut judged = Vec::with_capacity(branch.len());
        for (satisfied, clause) in branch.iter().copied().enumerate() {
            match treatment(clause) {
                Treatment::Ignore => continue,
                Treatment::Refuse => return Err((satisfied, clause, Reason::Refused)),
                Treatment::Judge => judged.push(clause),
            }
            if !self.may_hold(clause) {
                return Err((satisfied, clause, Reason::NoValue));
            }
        }
        if self.fields.arrays_len() == 0 {
            // Outside of arrays no value stands in the way of another.
            return Ok(());
        }
        let wanted: Vec<Wanted<'_, 'a>> = judged.iter().map(|clause| self.wanted(*clause)).collect();
        let mut steps_left = self.steps_left;
        let found = array_consistency::search(self.fields, &wanted, &mut steps_left);
        drop(wanted);
        self.steps_left = steps_left;
        match found {
            Found::Yes | Found::TooMuchWork => Ok(()),
            Found::NotBeyond(at) => Err((branch.len(), judged[at], Reason::NotTogether)),
        }
    }

    /// Whether the clause may be satisfied, taken by itself.
    fn may_hold(&self, clause: ClauseId) -> bool {
        self.allowed(clause).contains(&true) || {
            let values = self.named(clause);
            // A value that stands in an element may be out of the way once another element is chosen.
            self.patterns.clauses[clause].values.may_be_absent()
                && values.iter().all(|field| field.element != 0)
        }
    }

    fn wanted(&self, clause: ClauseId) -> Wanted<'_, 'a> {
        Wanted {
            fields: self.named(clause),
            allowed: self.allowed(clause),
            may_be_absent: self.patterns.clauses[clause].values.may_be_absent(),
        }
    }

    fn named(&self, clause: ClauseId) -> &'f [super::fields::Field<'a>] {
        let index = self.patterns.names.index_of(&self.patterns.clauses[clause].name);
        index.map_or(&[], |index| self.fields.named(index))
    }

    fn allowed(&self, clause: ClauseId) -> &[bool] {
        self.allowed[clause].get_or_init(|| {
            let values = &self.patterns.clauses[clause].values;
            self.named(clause).iter().map(|field| values.contain(&field.value)).collect()
        })
    }
}
