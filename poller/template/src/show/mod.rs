//! Last step: what came of a template, for people and for programs.

pub(crate) mod description;
pub(crate) mod summary;

use crate::problem::diagnostics;
