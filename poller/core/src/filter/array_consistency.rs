//! Whether one choice of values satisfies all clauses of a branch together.
//!
//! In: the fields of an event, and the clauses. Out: whether values can be chosen, one for each clause, that do not come from
//! different elements of the same array (event-ruler's array consistency); otherwise the clause at which that fails.
//!
//! Clauses are looked at in the order of their names, as `exists: false` is judged by the elements chosen before. What was tried from
//! one point and failed is not tried again where nothing that matters to it differs, and the work has a limit.

use super::fields::{ArrayId, ElementId, Field, Fields, NO_ELEMENT};
use std::collections::{BTreeMap, BTreeSet};

/// Most steps that are taken for one record. One that takes more passes: a record is never lost because it is large.
pub(super) const STEPS_MAX: usize = 4_000_000;

/// One clause as it is searched.
pub(super) struct Wanted<'f, 'a> {
    /// All values of its name.
    pub(super) fields: &'f [Field<'a>],
    /// For each of them, whether it is one of the values allowed.
    pub(super) allowed: &'f [bool],
    /// Whether there may be no value.
    pub(super) may_be_absent: bool,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Yes,
    /// The clause, by its number, beyond which no choice led.
    NotBeyond(usize),
    TooMuchWork,
}

/// For each array, the element that was chosen in it.
type Chosen = BTreeMap<ArrayId, ElementId>;

struct Search<'f, 'a> {
    fields: &'f Fields<'a>,
    clauses: &'f [Wanted<'f, 'a>],
    /// The last clause, by its number, that has values in that array.
    last_use: Vec<usize>,
    failed: BTreeSet<(usize, Vec<(ArrayId, ElementId)>)>,
    furthest: usize,
    steps_left: usize,
}

/// Searches for a choice. Takes from `steps_left`.
pub(super) fn search<'f, 'a>(
    fields: &'f Fields<'a>,
    clauses: &'f [Wanted<'f, 'a>],
    steps_left: &mut usize,
) -> Found {
    let mut search = Search {
        fields,
        clauses,
        last_use: vec![0; fields.arrays_len()],
        failed: BTreeSet::new(),
        furthest: 0,
        steps_left: *steps_left,
    };
    search.note_uses();
    let found = search.from(0, &Chosen::new());
    *steps_left = search.steps_left;
    match found {
        None => Found::TooMuchWork,
        Some(true) => Found::Yes,
        Some(false) => Found::NotBeyond(search.furthest),
    }
}

impl<'f, 'a> Search<'f, 'a> {
    fn note_uses(&mut self) {
        let mut is_noted = vec![false; self.fields.arrays_len()];
        for (number, clause) in self.clauses.iter().enumerate().rev() {
            for field in clause.fields {
                let mut at = field.element;
                while at != NO_ELEMENT {
                    let element = self.fields.element(at);
                    if std::mem::replace(&mut is_noted[element.array as usize], true) {
                        break;
                    }
                    self.last_use[element.array as usize] = number;
                    at = element.outer;
                }
            }
        }
    }

    /// Whether the clauses from number `at` on can be satisfied beside what is chosen; `None` if that takes too much work. Recurses
    /// once for each clause.
    fn from(&mut self, at: usize, chosen: &Chosen) -> Option<bool> {
        let clauses: &'f [Wanted<'f, 'a>] = self.clauses;
        let Some(clause) = clauses.get(at) else { return Some(true) };
        self.furthest = self.furthest.max(at);
        self.spend(1 + chosen.len())?;
        let matters = chosen.iter().filter(|(array, _)| self.last_use[**array as usize] >= at);
        let point = (at, matters.map(|(array, element)| (*array, *element)).collect::<Vec<_>>());
        if self.failed.contains(&point) {
            return Some(false);
        }
        let mut has_field = false;
        let mut tried = BTreeSet::new();
        let mut index = 0;
        while let Some(field) = clause.fields.get(index) {
            match self.conflict(field.element, chosen)? {
                Some(ordinal) => {
                    index += clause.fields[index..].partition_point(|field| field.ordinal < ordinal).max(1);
                    continue;
                }
                None => has_field = true,
            }
            if clause.allowed[index] && tried.insert(field.element) {
                let chosen = self.with(field.element, chosen)?;
                if self.from(at + 1, &chosen)? {
                    return Some(true);
                }
            }
            index += 1;
        }
        if clause.may_be_absent && !has_field && self.from(at + 1, chosen)? {
            return Some(true);
        }
        self.failed.insert(point);
        Some(false)
    }

    /// If `element` lies in another element of an array than the chosen one: the ordinal of the next value that may not.
    fn conflict(&mut self, element: ElementId, chosen: &Chosen) -> Option<Option<u32>> {
        let mut next = None;
        let mut at = element;
        while at != NO_ELEMENT && !chosen.is_empty() {
            self.spend(1)?;
            let here = self.fields.element(at);
            if let Some(other) = chosen.get(&here.array)
                && *other != at
            {
                let array = self.fields.array(here.array);
                next = Some(match (array.has_values, at < *other) {
                    (true, _) => here.end,
                    (false, true) => self.fields.element(*other).first,
                    (false, false) => array.end,
                });
            }
            at = here.outer;
        }
        self.spend(1)?;
        Some(next)
    }

    fn with(&mut self, element: ElementId, chosen: &Chosen) -> Option<Chosen> {
        self.spend(chosen.len())?;
        let mut chosen = chosen.clone();
        let mut at = element;
        while at != NO_ELEMENT {
            self.spend(1)?;
            let here = self.fields.element(at);
            chosen.insert(here.array, at);
            at = here.outer;
        }
        Some(chosen)
    }

    fn spend(&mut self, steps: usize) -> Option<()> {
        self.steps_left = self.steps_left.checked_sub(steps)?;
        Some(())
    }
}
