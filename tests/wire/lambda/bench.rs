//! One function on a bench: its handler is the misbehaving one, its lines are kept.

use bytes::Bytes;
use pelton::clock::Clock;
use pelton::lambda::{Code, FunctionLog, LocalFunction, Spawner};
use pelton::ports::Invoker as _;
use pelton_core::{Batch, Envelope, Outcome, Position, Record, Timestamp};
use pelton_model::Function;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a test waits for something that must happen. Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it looks.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A handler that leaves children, its child, its grandchild, and its daemon.
pub(crate) const FAMILY: usize = 4;

pub(crate) const HANDLER: &str = env!("CARGO_BIN_EXE_misbehaving_handler");
pub(crate) const HOST: &str = env!("CARGO_BIN_EXE_wire_host");

/// A function and what was seen of it.
pub(crate) struct Bench {
    pub(crate) function: Arc<LocalFunction>,
    pub(crate) lines: Lines,
    _folder: tempfile::TempDir,
}

/// The lines of a function, in order.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl FunctionLog for Lines {
    fn output(&self, function: &str, line: &str) {
        assert_eq!(function, "orders");
        self.0.lock().unwrap().push(line.to_owned());
    }

    fn platform(&self, function: &str, line: &str) {
        self.output(function, line);
    }

    fn shows_platform(&self) -> bool {
        true
    }
}

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn has(&self, wanted: &str) -> bool {
        self.all().iter().any(|line| line == wanted)
    }

    /// A handler that left children, and those, once all have said their number.
    pub(crate) async fn family(&self) -> Vec<u32> {
        self.pids(FAMILY).await
    }

    /// The processes that said their number, once there are `count`.
    pub(crate) async fn pids(&self, count: usize) -> Vec<u32> {
        let pids = || -> Vec<u32> {
            self.all().iter().filter_map(|line| line.strip_prefix("pid ")?.parse().ok()).collect()
        };
        eventually("the processes say their numbers", || pids().len() == count).await;
        pids()
    }
}

/// A function with a timeout that no test reaches.
pub(crate) fn function() -> Function {
    Function {
        logical_id: "Orders".to_owned(),
        name: "orders".to_owned(),
        code_uri: PathBuf::from("/nowhere"),
        handler: "bootstrap".to_owned(),
        runtime: Some("provided.al2023".to_owned()),
        build: None,
        timeout: Duration::from_secs(900),
        memory_size_mb: 256,
        environment: BTreeMap::new(),
        reserved_concurrency: None,
        role_arn: "arn:aws:iam::123456789012:role/orders".to_owned(),
    }
}

/// The same, but it may only take half a second.
pub(crate) fn hasty_function() -> Function {
    Function { timeout: Duration::from_millis(500), ..function() }
}

/// The same, but its handler does this before its first invocation.
pub(crate) fn function_with_init(init: &str) -> Function {
    let environment = BTreeMap::from([("INIT".to_owned(), init.to_owned())]);
    Function { environment, ..hasty_function() }
}

impl Bench {
    pub(crate) fn of(function: Function) -> Self {
        Self::with_bootstrap(function, Path::new(HANDLER))
    }

    pub(crate) fn with_bootstrap(mut function: Function, bootstrap: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        function.code_uri = folder.path().canonicalize().unwrap();
        let code = Code::built(bootstrap.to_path_buf(), &function);
        let spawner = Spawner::with(Path::new(HOST));
        let lines = Lines::default();
        let log = Arc::new(lines.clone());
        let function = LocalFunction::new(&function, code, "eu-central-1", Clock::start(), spawner, log);
        Self { function: Arc::new(function), lines, _folder: folder }
    }

    pub(crate) async fn invoke(&self, order: Value) -> Outcome {
        self.function.invoke(event(&order)).await.outcome
    }

    pub(crate) fn invoke_in_background(&self, order: Value) -> tokio::task::JoinHandle<Outcome> {
        let function = Arc::clone(&self.function);
        tokio::spawn(async move { function.invoke(event(&order)).await.outcome })
    }

    /// Runs the handler; what it answered.
    pub(crate) async fn answer(&self, order: Value) -> Value {
        let outcome = self.invoke(order).await;
        let Outcome::Succeeded { payload } = outcome else {
            panic!("{outcome:?}, {:?}", self.lines.all());
        };
        serde_json::from_slice(&payload).unwrap()
    }

    /// The number of the process that runs the next invocation.
    pub(crate) async fn pid(&self) -> Value {
        self.answer(json!({"do": "tell_pid"})).await
    }

    /// An outcome must be this failure. `{id}` stands for any request id.
    #[track_caller]
    pub(crate) fn check_failure(outcome: &Outcome, error_type: &str, message: &str) {
        let Outcome::FunctionFailed { error_type: seen_type, message: seen } = outcome else {
            panic!("{outcome:?}");
        };
        let (before, after) = message.split_once("{id}").unwrap_or((message, ""));
        assert!(seen.starts_with(before) && seen.ends_with(after), "{seen}");
        assert_eq!(seen_type, error_type);
    }
}

/// A batch whose event is `[order]`.
pub(crate) fn event(order: &Value) -> Arc<Batch> {
    let page = Bytes::from(order.to_string());
    let length = page.len();
    let record = Record::new(Position::new("1"), Timestamp::default(), page, 0..length);
    Arc::new(Batch::new(vec![record], Envelope::new("[", "]")))
}

pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = Clock::start();
    while !is_so() {
        assert!(clock.elapsed() < PATIENCE, "never: {what}");
        clock.sleep(LOOK_AGAIN).await;
    }
}

pub(crate) async fn gone(pids: &[u32]) {
    eventually("the processes are gone", || !pids.iter().copied().any(is_alive)).await;
}

/// A zombie is dead: it only waits for its parent to notice.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit_once(") ").and_then(|(_, fields)| fields.chars().next());
    !matches!(state, Some('Z' | 'X'))
}
