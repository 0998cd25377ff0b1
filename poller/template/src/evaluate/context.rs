//! What is known while a template is evaluated: its sections, the parameters' values, and the problems so far.
//!
//! Evaluation is lazy: only what Pelton needs is looked at, and only that can be wrong. It always ends: its depth and
//! its work are limited, whatever the template.

use super::diagnostics::{Code, Diagnostic, Diagnostics, Severity};
use super::document::Document;
use super::node::Node;
use super::parameters::ParameterValue;
use super::pseudo_parameters;
use super::source::Span;
use crate::options::LoadOptions;
use pelton_model::arn::NO_ACCOUNT;
use std::collections::{BTreeMap, BTreeSet};

/// Functions inside functions, and references to what refers on: each level is a few frames of the stack.
const EVALUATION_DEPTH_MAX: usize = 128;

/// What all evaluations together may make: their text in bytes, and [`NODE_WORK`] for each node.
const WORK_MAX: usize = 64 * 1024 * 1024;

/// What a node costs beside its text.
const NODE_WORK: usize = 64;

/// Proof that a problem was reported: whoever gets it need not say anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported;

/// A value without intrinsic functions in it; `None` is `AWS::NoValue`.
pub(crate) type Evaluated = Result<Option<Node>, Reported>;

/// Where an expression stands: conditions may not refer to resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Resources,
    Conditions,
}

/// What Pelton runs without, where it is allowed to, if only AWS knows a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Without {
    /// The setting or resource that has the value.
    Setting,
    /// The event source mapping around it: without the setting it would be another one.
    Mapping,
}

/// Why an enabled mapping does not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum LeftOut {
    /// The command line chose others.
    NotSelected,
    /// Its function cannot run here.
    FunctionNotHere,
    /// Pelton does not honour its source or one of its settings, or only AWS knows it.
    Unsupported,
}

pub(crate) struct Context<'t> {
    pub(crate) document: &'t Document,
    pub(crate) options: &'t LoadOptions,
    pub(crate) diagnostics: Diagnostics,
    pub(crate) parameters: BTreeMap<&'t str, ParameterValue>,
    /// What is wrong with a parameter whose value nobody gave: it matters to whoever needs the parameter.
    pub(crate) parameter_problems: BTreeMap<&'t str, Vec<Diagnostic>>,
    /// Values that nobody is to see (`NoEcho`).
    pub(crate) secrets: Vec<String>,
    /// Conditions that were evaluated.
    pub(crate) conditions: BTreeMap<&'t str, Result<bool, Reported>>,
    pub(crate) scope: Scope,
    /// Whether what is evaluated names where a mapping reads from.
    pub(crate) is_source: bool,
    /// `AWS::AccountId`
    pub(crate) account: String,
    /// `AWS::Partition`
    pub(crate) partition: String,
    /// Why enabled mappings do not run, as the command line or the options ask for.
    pub(crate) left_out: BTreeSet<LeftOut>,
    /// Functions that cannot run here and need not, by logical id: why, in words that go behind the name.
    pub(crate) not_here: BTreeMap<String, String>,
    /// Conditions that only AWS knows, taken as true: the warning, until something that counts needs the condition.
    pub(crate) assumed: BTreeMap<&'t str, Diagnostic>,
    /// What does not run without a value that only AWS knows.
    without: Without,
    /// What is being looked up, to notice when it refers to itself.
    lookups: Vec<(&'static str, &'t str)>,
    depth: usize,
    work: usize,
    /// How many attempts are under way whose problems will be forgotten, or only warned of.
    quiet: usize,
}

impl<'t> Context<'t> {
    pub(crate) fn new(document: &'t Document, options: &'t LoadOptions, diagnostics: Diagnostics) -> Self {
        Self {
            document,
            options,
            diagnostics,
            parameters: BTreeMap::new(),
            parameter_problems: BTreeMap::new(),
            secrets: Vec::new(),
            conditions: BTreeMap::new(),
            scope: Scope::Resources,
            is_source: false,
            account: options.account.clone().unwrap_or_else(|| NO_ACCOUNT.to_owned()),
            partition: pseudo_parameters::partition_of(&options.region).to_owned(),
            left_out: BTreeSet::new(),
            not_here: BTreeMap::new(),
            assumed: BTreeMap::new(),
            without: Without::Setting,
            lookups: Vec::new(),
            depth: 0,
            work: 0,
            quiet: 0,
        }
    }

    /// Reports a problem.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    /// Reports something that AWS honours and Pelton does not: an error, or a warning if the options say so.
    pub(crate) fn unsupported(
        &mut self,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
    ) -> Reported {
        let (refused, allowed) = match self.without {
            Without::Setting => {
                ("remove it, or start with `--allow-unsupported` to run without it", "Pelton runs without it")
            }
            Without::Mapping => (
                "remove it, or start with `--allow-unsupported` to run without this mapping",
                "Pelton runs without this mapping",
            ),
        };
        let diagnostic = self.options.unsupported.diagnostic(message, refused, allowed);
        self.report(diagnostic.at(span, label))
    }

    /// Runs `attempt`; what it reports as unsupported says that Pelton runs without that.
    pub(crate) fn without<T>(&mut self, what: Without, attempt: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.without, what);
        let result = attempt(self);
        self.without = before;
        result
    }

    /// Whether what is reported now stays.
    pub(crate) fn is_loud(&self) -> bool {
        self.quiet == 0
    }

    /// Runs `attempt` and forgets the problems that it reports: what it looks at is not needed.
    pub(crate) fn quietly<T>(&mut self, attempt: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.diagnostics.mark();
        self.quiet += 1;
        let result = attempt(self);
        self.quiet -= 1;
        self.diagnostics.forget(mark);
        if self.quiet == 0 {
            // Whoever needs a condition that is wrong is to be told so.
            self.conditions.retain(|_, holds| holds.is_ok());
        }
        result
    }

    /// Runs `attempt` and warns of the problems that it reports: nothing that runs needs what it looks at.
    pub(crate) fn leniently<T>(&mut self, attempt: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.diagnostics.mark();
        self.quiet += 1;
        let result = attempt(self);
        self.quiet -= 1;
        let problems = self.diagnostics.take(mark);
        self.diagnostics.push_as_warnings(problems);
        if self.quiet == 0 {
            self.conditions.retain(|_, holds| holds.is_ok());
        }
        result
    }

    /// Reports what is wrong with a parameter that is needed.
    pub(crate) fn report_problems_of_parameter(&mut self, name: &str) {
        let is_error = |problem: &&Diagnostic| problem.severity == Severity::Error;
        if self.quiet == 0 {
            let problems = self.parameter_problems.remove(name).unwrap_or_default();
            self.diagnostics.extend(problems);
        } else if let Some(problem) =
            self.parameter_problems.get(name).and_then(|all| all.iter().find(is_error))
        {
            self.diagnostics.push(problem.clone());
        }
    }

    /// Does the same with each item, and gives up only after the last: what is wrong with one hides nothing.
    pub(crate) fn each<I, T>(
        &mut self,
        items: impl IntoIterator<Item = I>,
        mut look: impl FnMut(&mut Self, I) -> Result<T, Reported>,
    ) -> Result<Vec<T>, Reported> {
        let results: Vec<Result<T, Reported>> = items.into_iter().map(|item| look(self, item)).collect();
        results.into_iter().collect()
    }

    /// One level deeper, if the limits allow it.
    pub(crate) fn deeper<T>(
        &mut self,
        span: Span,
        evaluate: impl FnOnce(&mut Self) -> Result<T, Reported>,
    ) -> Result<T, Reported> {
        self.add_work(0, span)?;
        if self.depth >= EVALUATION_DEPTH_MAX {
            let message = format!("references are nested more than {EVALUATION_DEPTH_MAX} deep");
            return Err(self.report(Diagnostic::error(Code::TooLarge, message).at(span, "too deep")));
        }
        self.depth += 1;
        let result = evaluate(self);
        self.depth -= 1;
        result
    }

    /// Counts the making of so many bytes.
    pub(crate) fn add_work(&mut self, bytes: usize, span: Span) -> Result<(), Reported> {
        let was_exhausted = self.work > WORK_MAX;
        self.work = self.work.saturating_add(NODE_WORK).saturating_add(bytes);
        if self.work <= WORK_MAX {
            return Ok(());
        }
        if was_exhausted && self.diagnostics.has_error(Code::TooLarge) {
            return Err(Reported);
        }
        let message = format!("the template's intrinsic functions produce more than {WORK_MAX} bytes");
        Err(self.report(Diagnostic::error(Code::TooLarge, message).at(span, "the limit is exceeded here")))
    }

    /// Looks something up by name; reports it if that is what is being looked up already.
    pub(crate) fn look_up<T>(
        &mut self,
        kind: &'static str,
        name: &'t str,
        span: Span,
        look: impl FnOnce(&mut Self) -> Result<T, Reported>,
    ) -> Result<T, Reported> {
        if let Some(first) = self.lookups.iter().position(|&lookup| lookup == (kind, name)) {
            // A circle is met from each of its names; one is not told twice.
            if self.diagnostics.has_error(Code::Cycle) {
                return Err(Reported);
            }
            let path: Vec<&str> = self.lookups[first..].iter().map(|&(_, name)| name).collect();
            return Err(self.report_cycle(&path, span));
        }
        self.lookups.push((kind, name));
        let result = look(self);
        self.lookups.pop();
        result
    }

    /// Reports a circular reference.
    fn report_cycle(&mut self, path: &[&str], span: Span) -> Reported {
        let circle = [path, &path[..1]].concat().join(" -> ");
        self.report(
            Diagnostic::error(Code::Cycle, format!("circular reference: {circle}"))
                .at(span, "this reference closes the circle")
                .help("remove one of these references"),
        )
    }
}
