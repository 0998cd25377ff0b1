//! How many handlers there is room for beside the shards, and what is said of functions that have to wait.

use crate::descriptors;
use crate::user_error::UserError;
use pelton_core::exchange::Limits;
use pelton_model::Function;
use tracing::warn;

/// Most handlers of each function, as far as the limit of open files goes.
pub(super) fn handlers_max(shards: usize, functions: usize) -> Result<usize, UserError> {
    descriptors::handlers_max(shards, functions)
        .map_err(|error| UserError::bad_input(error.to_string()).help(error.help()))
}

/// Warns if shards with traffic would have to wait for one another.
pub(super) fn say_if_handlers_wait(shards: usize, handlers_max: usize, functions: usize) {
    let wanted = shards.min(Limits::PROCESSES_MAX);
    if functions > 0 && handlers_max < wanted {
        let help = descriptors::help(descriptors::needed(shards, wanted * functions));
        warn!(
            handlers_max,
            shards,
            help,
            "the limit of open files allows too few handler processes: batches wait for a free one"
        );
    }
}

/// Says of which functions nothing will run.
pub(super) fn say_what_is_throttled<'a>(functions: impl Iterator<Item = &'a Function>) {
    for function in functions.filter(|function| function.reserved_concurrency == Some(0)) {
        warn!(
            function = function.name,
            "ReservedConcurrentExecutions is 0: every invocation is throttled, and its records wait"
        );
    }
}
