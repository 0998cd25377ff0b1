//! What runs while the code of a function does not compile.
//!
//! In: a function, and what ran before. Out: the code that goes on, if there is any.

use crate::lambda::{Code, LocalFunction};
use pelton_model::{Application, Function};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The functions that run at the moment.
#[derive(Default)]
pub(in crate::commands) struct OldCode {
    functions: BTreeMap<String, (Function, Arc<LocalFunction>)>,
}

impl OldCode {
    /// That of these functions of the application.
    pub(super) fn of(application: &Application, running: &BTreeMap<String, Arc<LocalFunction>>) -> Self {
        let function = |(id, local): (&String, &Arc<LocalFunction>)| {
            (id.clone(), (application.functions[id].clone(), Arc::clone(local)))
        };
        Self { functions: running.iter().map(function).collect() }
    }

    /// Whether this function runs, as it is.
    pub(super) fn runs(&self, function: &Function) -> bool {
        self.functions.get(&function.logical_id).is_some_and(|(before, _)| before == function)
    }

    /// The code that runs of `function`, if it is the code of that function still.
    pub(super) fn find(&self, function: &Function) -> Option<Code> {
        let (before, local) = self.functions.get(&function.logical_id)?;
        has_same_code(before, function).then(|| local.code()).flatten()
    }
}

/// Whether the same is built for both. One from another folder is another program, though it has the same name.
fn has_same_code(before: &Function, after: &Function) -> bool {
    before.code_uri == after.code_uri && before.build == after.build
}
