//! A program as a process: started in a folder of its own, watched, signalled, and searched for what it leaves behind.

use crate::output::{Output, Printed};
use crate::processes::{Kin, MARK_VARIABLE, Survivor};
use crate::wait;
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long the rest of its output is waited for when a program has ended, but others hold its streams.
const STREAMS_HELD_MAX: Duration = Duration::from_secs(1);

/// A program that is not yet started.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, Option<OsString>)>,
    input: Option<Vec<u8>>,
}

/// A program that was started. Dropping it kills it, and everything that it started.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: Output,
    kin: Kin,
}

/// A program that ended.
#[derive(Debug)]
pub struct Exit {
    /// How.
    pub status: ExitStatus,
    /// Everything that it printed, up to now.
    pub printed: Printed,
}

/// The program of this name that cargo built beside this test, or beside this program.
///
/// # Panics
/// If it was not built: cargo builds the programs of another package only when told.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("a running program has a path");
    let folder =
        own.parent().expect("a program lies in target/<profile>, or, if it is a test, in deps below that");
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo build --workspace --bins`, or tests/run",
        path.display()
    );
    path
}

/// Makes a folder that holds `handler` as its `bootstrap`, as a function's code does.
///
/// # Panics
/// If the folder cannot be made.
pub fn install_handler(handler: &Path, folder: &Path) {
    std::fs::create_dir_all(folder).expect("the test's folder is writable");
    std::os::unix::fs::symlink(handler, folder.join("bootstrap")).expect("the folder holds no bootstrap yet");
}

impl Program {
    /// The program at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), arguments: Vec::new(), environment: Vec::new(), input: None }
    }

    /// `pelton`, as cargo built it beside this test.
    #[must_use]
    pub fn pelton() -> Self {
        Self::new(binary("pelton"))
    }

    /// Further arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// The same, started by a program that becomes it, such as `prlimit`.
    #[must_use]
    pub fn under<A: AsRef<OsStr>>(mut self, starter: impl IntoIterator<Item = A>) -> Self {
        let mut words: Vec<OsString> = starter.into_iter().map(|word| word.as_ref().to_owned()).collect();
        words.push(self.path.into_os_string());
        words.append(&mut self.arguments);
        self.path = PathBuf::from(words.remove(0));
        self.arguments = words;
        self
    }

    /// A variable of its environment, beside those of the test.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// A variable that it does not have, though the test may.
    #[must_use]
    pub fn without_env(mut self, name: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), None));
        self
    }

    /// What it reads on standard input; nothing unless this says so.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Starts it with `folder` as its working directory. Two programs of one test may share a folder; then the
    /// processes of either count as survivors of both.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(self, folder: &TempDir) -> Running {
        let folder = folder.path().canonicalize().expect("the test's folder is there");
        let kin = Kin { mark: uuid::Uuid::new_v4().to_string(), folder };
        let mut command = Command::new(&self.path);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let mut child = command
            .args(&self.arguments)
            .env(MARK_VARIABLE, &kin.mark)
            .current_dir(&kin.folder)
            .stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", self.path.display()));
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            // A program that does not read all of it is free to do so.
            tokio::spawn(async move { stdin.write_all(&input).await.ok() });
        }
        let stdout = child.stdout.take().expect("standard output is piped");
        let stderr = child.stderr.take().expect("standard error is piped");
        Running { child, output: Output::read(stdout, stderr), kin }
    }

    /// Starts it, waits for its end, and lets nothing survive.
    ///
    /// # Panics
    /// If it does not start or does not end, or if a process is left over.
    pub async fn run(self, folder: &TempDir) -> Exit {
        let mut running = self.start(folder);
        let exit = running.wait_for_exit().await;
        running.assert_no_survivors().await;
        exit
    }
}

impl Running {
    /// Its process id; `None` once its end was waited for.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What it printed so far.
    #[must_use]
    pub fn printed(&self) -> Printed {
        self.output.printed()
    }

    /// The first line that contains `part`, on either stream, also if it was printed before.
    ///
    /// # Panics
    /// If it does not come in time.
    pub async fn wait_for_line(&self, part: &str) -> String {
        match timeout(wait::PATIENCE, self.output.wait_for(part)).await {
            Ok(line) => line,
            Err(_) => panic!("no line with {part:?} came:\n{}", self.printed()),
        }
    }

    /// Whether the program itself has ended. It can still be signalled if this says no.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }

    /// Sends a signal to the program itself.
    ///
    /// # Panics
    /// If the program has ended.
    pub fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = pid.unwrap_or_else(|| panic!("it has already ended:\n{}", self.printed()));
        kill_process(pid, signal).expect("a child that was not waited for can be signalled");
    }

    /// Waits for its end. What it printed is complete, unless others hold its streams and print too.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn wait_for_exit(&mut self) -> Exit {
        let Ok(status) = timeout(wait::PATIENCE, self.child.wait()).await else {
            panic!("it does not end:\n{}", self.printed());
        };
        let status = status.expect("a child can be waited for");
        if !self.streams_close(STREAMS_HELD_MAX).await && self.survivors().is_empty() {
            self.streams_close(wait::PATIENCE).await;
        }
        Exit { status, printed: self.printed() }
    }

    /// Whether nobody holds its streams any more, or comes to let go of them in time.
    async fn streams_close(&self, patience: Duration) -> bool {
        wait::within(patience, async || self.output.is_closed().then_some(())).await.is_some()
    }

    /// The processes that it started, directly or not, and that are still there; itself too while it runs.
    #[must_use]
    pub fn survivors(&self) -> Vec<Survivor> {
        self.kin.alive()
    }

    /// After its end: waits for the end of everything that it started.
    ///
    /// # Panics
    /// If something goes on running.
    pub async fn assert_no_survivors(&self) {
        let all_ended =
            wait::within(wait::PATIENCE, async || self.survivors().is_empty().then_some(())).await;
        assert!(all_ended.is_some(), "left over: {:#?}\n{}", self.survivors(), self.printed());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kin.kill();
    }
}

impl Exit {
    /// Asserts that the program ended by itself with this code.
    ///
    /// # Panics
    /// If it did not; the message holds what it printed.
    pub fn assert_code(&self, code: i32) -> &Self {
        assert_eq!(self.status.code(), Some(code), "{}:\n{}", self.status, self.printed);
        self
    }

    /// Asserts that the program printed a line that contains `part`, and returns it.
    ///
    /// # Panics
    /// If it did not; the message holds what it printed.
    pub fn assert_printed(&self, part: &str) -> &str {
        match self.printed.find(part) {
            Some(line) => line,
            None => panic!("no line with {part:?}:\n{}", self.printed),
        }
    }
}
