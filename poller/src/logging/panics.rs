//! Panics, for programs: one line of the log like any other. For people the standard library says them well enough.

use super::event::{Fields, MESSAGE};
use super::{Terminal, print_json};
use crate::clock::Clock;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;
use tracing::Level;

/// From now on every panic of this process is a JSON line, whatever `RUST_LOG` holds back.
pub(super) fn log(terminal: Terminal, clock: Clock) {
    panic::set_hook(Box::new(move |panic| print_json(&terminal, &clock, Level::ERROR, fields(panic))));
}

fn fields(panic: &PanicHookInfo<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.set(MESSAGE, "a thread has panicked");
    fields.set("panic", panic.payload_as_str().unwrap_or("no message"));
    if let Some(location) = panic.location() {
        fields.set("location", location.to_string());
    }
    fields.set("thread", thread::current().name().unwrap_or("unnamed"));
    let backtrace = Backtrace::capture();
    // Only where RUST_BACKTRACE asks for one.
    if backtrace.status() == BacktraceStatus::Captured {
        fields.set("backtrace", backtrace.to_string());
    }
    fields
}
