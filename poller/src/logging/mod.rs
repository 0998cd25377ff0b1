//! What Pelton says while it runs: for people or for programs, on stderr. Results go to stdout, and not through here.
//!
//! In: `tracing` events and their spans. Out: one line each. Never a payload: that is up to whoever logs.

mod event;
mod human;
mod json;
mod log_file;
mod panics;
mod tame;
mod terminal;

pub use log_file::LogFile;
pub use terminal::Terminal;
pub(crate) use terminal::{Palette, Style};

use crate::clock::Clock;
use event::{Event, Fields};
use jiff::tz::TimeZone;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Target of the lines that handler processes print and of START, END and REPORT, which have the fields `function`,
/// `stream` and `line`. For people they look like `order-ledger | line`.
pub const HANDLER_TARGET: &str = "pelton::handler";

/// Target of what Lambda writes around it: START, END and REPORT lines.
pub const PLATFORM_TARGET: &str = "pelton::handler::platform";

/// Targets of what is said of each attempt at a batch that failed, and of its records once they are given up.
const FAILED_TARGETS: [&str; 2] =
    ["pelton::shard_worker::failed_attempts", "pelton::shard_worker::deliveries"];

/// The environment variable whose directives replace Pelton's own.
const FILTER_VARIABLE: &str = "RUST_LOG";

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people: short, and in colour on a terminal.
    #[default]
    Human,
    /// For programs: one JSON object a line.
    Json,
}

/// How much is said where `RUST_LOG` does not say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogDetail {
    /// What a user would notice, and failures; nothing of handlers.
    Quiet,
    /// The same, what handlers print, and START, END and REPORT of each invocation.
    #[default]
    Normal,
    /// Each batch too, and what the libraries warn of.
    Verbose,
}

impl LogDetail {
    /// The libraries retry and report by return values; what they log besides is noise.
    fn directives(self) -> &'static str {
        match self {
            Self::Quiet => "error,pelton=info,pelton_core=info,pelton::handler=off",
            Self::Normal => "error,pelton=info,pelton_core=info",
            Self::Verbose => "warn,pelton=debug,pelton_core=debug",
        }
    }
}

/// Begins to log, for the life of the process; panics too, where lines are for programs.
///
/// # Panics
///
/// If it is called twice.
pub fn start(format: LogFormat, detail: LogDetail, terminal: Terminal, clock: Clock) {
    let wanted = std::env::var(FILTER_VARIABLE).ok().filter(|directives| !directives.is_empty());
    let parsed = wanted.as_deref().map(|directives| directives.parse::<EnvFilter>());
    let (filter, mistake) = match parsed {
        Some(Ok(filter)) => (filter, None),
        Some(Err(mistake)) => (EnvFilter::new(detail.directives()), Some(mistake)),
        None => (EnvFilter::new(detail.directives()), None),
    };
    if format == LogFormat::Json {
        panics::log(terminal.clone(), clock.clone());
    }
    let layer = LogLayer { format, terminal, clock, zone: TimeZone::system() };
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(filter).with(layer))
        .expect("logging is started once");
    if let Some(mistake) = mistake {
        tracing::warn!(
            error = &mistake as &dyn std::error::Error,
            "RUST_LOG is not understood and is ignored"
        );
    }
}

/// Says why a command does not do what it was asked, or what it warns of, whatever `RUST_LOG` holds back: `text` as it is
/// for people, and one object like any other line for programs.
pub fn tell(terminal: &Terminal, clock: &Clock, level: Level, text: &str) {
    match terminal.format() {
        LogFormat::Human => terminal.print(text),
        LogFormat::Json => {
            let mut fields = Fields::default();
            fields.set(event::MESSAGE, text);
            print_json(terminal, clock, level, fields);
        }
    }
}

/// One line for programs, past all filters.
fn print_json(terminal: &Terminal, clock: &Clock, level: Level, fields: Fields) {
    let event = Event { time: clock.now(), level, target: env!("CARGO_PKG_NAME"), fields };
    terminal.print(&json::line(&event));
}

/// Gathers each event with what its spans say, and writes it.
struct LogLayer {
    format: LogFormat,
    terminal: Terminal,
    clock: Clock,
    /// Of the times that people see.
    zone: TimeZone,
}

impl LogLayer {
    fn line(&self, event: &Event) -> String {
        match self.format {
            LogFormat::Human => human::line(event, &self.zone, self.terminal.palette()),
            LogFormat::Json => json::line(event),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, said: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context.event_scope(said).into_iter().flatten().collect::<Vec<_>>().iter().rev() {
            if let Some(of_span) = span.extensions().get::<Fields>() {
                fields.extend(of_span);
            }
        }
        said.record(&mut fields);
        let metadata = said.metadata();
        let event =
            Event { time: self.clock.now(), level: *metadata.level(), target: metadata.target(), fields };
        let to_file = self.terminal.has_log_file() && self.format == LogFormat::Human;
        if to_file {
            self.terminal.log_to_file(&human::line(&event, &self.zone, Palette::Plain));
        }
        if !to_file || !is_detail(&event) {
            self.terminal.print(&self.line(&event));
        }
    }
}

/// Whether the event belongs into the log file alone, if there is one: what handlers print, and how each batch that failed goes on.
fn is_detail(event: &Event) -> bool {
    let is_of_handler = event.target == HANDLER_TARGET || event.target == PLATFORM_TARGET;
    is_of_handler || (FAILED_TARGETS.contains(&event.target) && event.level != Level::ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[derive(Debug, thiserror::Error)]
    #[error("no answer")]
    struct NoAnswer {
        source: std::io::Error,
    }

    /// Logs in a process of its own, as there is one log a process, and gives what stands on its stderr.
    fn logged(format: &str, directives: &str) -> Vec<String> {
        logged_by("one_event_is_one_line", format, directives)
    }

    fn logged_by(test: &str, format: &str, directives: &str) -> Vec<String> {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("logging::tests::{test}"), "--nocapture"])
            .env("PELTON_TEST_LOG_FORMAT", format)
            .env("RUST_LOG", directives)
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect()
    }

    fn say(format: &str) {
        let format = if format == "json" { LogFormat::Json } else { LogFormat::Human };
        start(format, LogDetail::Normal, Terminal::stderr(format), Clock::start());
        let mapping = tracing::error_span!("mapping", mapping = "OrderLedgerOrders");
        let _in_mapping = mapping.enter();
        let shard = tracing::error_span!("shard", shard = %"shardId-0", owner = tracing::field::Empty);
        shard.record("owner", 7);
        let _in_shard = shard.enter();
        let error = NoAnswer { source: std::io::Error::other("connection refused") };
        tracing::warn!(error = &error as &dyn std::error::Error, "the stream is not there");
        tracing::debug!("detail");
        tracing::warn!(target: "hyper::client", "noise");
        tracing::info!(target: HANDLER_TARGET, function = "order-ledger", line = "order 17", "handler output");
    }

    #[test]
    fn a_panic_is_one_object_for_programs() {
        if std::env::var_os("PELTON_TEST_LOG_FORMAT").is_some() {
            start(LogFormat::Json, LogDetail::Normal, Terminal::stderr(LogFormat::Json), Clock::start());
            let panics = || panic!("invariant {} is broken\nat once", 7);
            let task = std::thread::Builder::new().name("worker".to_owned());
            assert!(task.spawn(panics).unwrap().join().is_err());
            return;
        }
        let lines = logged_by("a_panic_is_one_object_for_programs", "json", "off");
        assert_eq!(lines.len(), 1, "{lines:?}");
        let object: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        let expected = serde_json::json!({
            "time": object["time"],
            "level": "ERROR",
            "target": "pelton",
            "message": "a thread has panicked",
            "panic": "invariant 7 is broken\nat once",
            "thread": "worker",
            "location": object["location"],
        });
        assert_eq!(object, expected);
        assert!(object["location"].as_str().unwrap().contains("logging/mod.rs:"), "{object}");
    }

    #[test]
    fn one_event_is_one_line() {
        if let Ok(format) = std::env::var("PELTON_TEST_LOG_FORMAT") {
            return say(&format);
        }
        let lines = logged("human", "");
        let said = " WARN  the stream is not there mapping=OrderLedgerOrders shard=shardId-0 owner=7 \
                    error=\"no answer: connection refused\"";
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0].split_at("00:00:00.000".len()).1, said);
        assert_eq!(lines[1], "order-ledger | order 17");

        let lines = logged("json", "");
        let objects: Vec<serde_json::Value> =
            lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 2, "{lines:?}");
        assert_eq!(objects[0]["shard"], "shardId-0");
        assert_eq!(objects[0]["error"], "no answer: connection refused");
        assert_eq!(objects[1]["target"], HANDLER_TARGET);
        assert_eq!(objects[1]["line"], "order 17");
    }

    #[test]
    fn rust_log_is_honoured_and_a_mistake_in_it_is_told() {
        assert_eq!(logged("human", "pelton=debug,hyper=warn").len(), 4);
        assert_eq!(logged("human", "off").len(), 0);
        let lines = logged("human", "pelton=loud");
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].contains("WARN  RUST_LOG is not understood and is ignored"), "{lines:?}");
    }
}
