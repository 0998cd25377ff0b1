//! How a command fails: what to show, and with which exit code.

use crate::errors::chain;
use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// Why a command ended without having done what it was asked. Displayed for people: what is wrong, then what to do.
#[derive(Debug)]
pub struct UserError {
    kind: Kind,
    problem: String,
    help: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    BadInput,
    Failed,
}

impl UserError {
    /// Bad input: nothing was started. Exit code 2.
    #[must_use]
    pub fn bad_input(problem: impl Into<String>) -> Self {
        Self { kind: Kind::BadInput, problem: problem.into(), help: None }
    }

    /// Bad input that an error describes.
    #[must_use]
    pub fn bad_input_because(error: &(dyn Error + 'static)) -> Self {
        Self::bad_input(chain(error))
    }

    /// Failed while running. Exit code 1.
    #[must_use]
    pub fn failed(problem: impl Into<String>) -> Self {
        Self { kind: Kind::Failed, problem: problem.into(), help: None }
    }

    /// The same, where something ran already. Exit code 1.
    #[must_use]
    pub fn while_running(self) -> Self {
        Self { kind: Kind::Failed, ..self }
    }

    /// All that is wrong, as one: each problem once, with the help of the first. `None` if nothing is wrong.
    #[must_use]
    pub fn all(errors: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut all = errors.next()?;
        let mut problems = vec![std::mem::take(&mut all.problem)];
        for Self { problem, .. } in errors {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        Some(Self { problem: problems.join("\nerror: "), ..all })
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The code that the program ends with.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Failed => ExitCode::from(1),
            Kind::BadInput => ExitCode::from(2),
        }
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.problem)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

impl Error for UserError {}
