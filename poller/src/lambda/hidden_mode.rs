//! What the program does when Pelton starts itself: two modes that no person calls.
//!
//! `__keeper` watches over a handler process, `__handler` becomes it. Neither may do anything else before.

use super::{handler_exec, keeper};
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the hidden mode that the arguments (the program's own name first) ask for; `None`: they ask for none.
///
/// Call it before anything else in `main`: before logging, before threads.
#[must_use]
pub fn hidden_mode(args: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.into_iter().skip(1);
    let mode = args.next()?;
    if mode == keeper::MODE {
        Some(keeper::run(args))
    } else if mode == handler_exec::MODE {
        Some(handler_exec::run(args))
    } else {
        None
    }
}
