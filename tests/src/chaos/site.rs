//! What the poller runs on: a folder with a template, two functions that keep journals, and what it printed in each life.

use super::books::{End, Life, StreamContent};
use super::journal::Journal;
use crate::{Program, Running, Signal, binary, install_handler, pelton, wait};
use pelton::clock::Clock;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Exit code of a start that is refused.
const REFUSED: i32 = 2;

/// What is said when it is refused because the stream cannot be reached.
const CANNOT_READ: &str = "cannot read its stream";

/// A function, the stream that it is mapped to, and what it was handed.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) stream: String,
    pub(super) batch_size: u32,
    pub(super) journal: Journal,
    pub(super) lives: Vec<Life>,
}

/// The folder.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) folder: TempDir,
    pub(super) functions: Vec<Function>,
    endpoint: String,
    lives_count: usize,
}

/// How a life is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// `kill -9`.
    Kill,
    /// SIGTERM, and `kill -9` after this long.
    KillWhileStopping(Duration),
    /// SIGTERM.
    Stop,
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    Killed,
    Stopped,
    /// It did not start: the stream could not be reached.
    RefusedToStart,
}

impl Site {
    /// A folder that stays after a failure. The poller reads from `endpoint`; `functions` are name, stream and batch size.
    pub(super) fn new(endpoint: &str, functions: &[(&'static str, &str, u32)]) -> Self {
        let mut folder = tempfile::tempdir().expect("a temporary folder can be made");
        folder.disable_cleanup(true);
        let function = |&(name, stream, batch_size): &(&'static str, &str, u32)| {
            let code = folder.path().join(name);
            install_handler(&binary("misbehaving_handler"), &code);
            let journal = Journal::at(code.join("journal"));
            Function { name, stream: stream.to_owned(), batch_size, journal, lives: Vec::new() }
        };
        let functions: Vec<Function> = functions.iter().map(function).collect();
        let resources: String = functions.iter().map(resource).collect();
        let template = format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}");
        fs::write(folder.path().join("template.yaml"), template).expect("the folder is writable");
        Self { folder, functions, endpoint: endpoint.to_owned(), lives_count: 0 }
    }

    /// Says what a function does from now on.
    pub(super) fn behave(&self, function: usize, behavior: &str) {
        let file = self.folder.path().join(self.functions[function].name).join("behavior");
        let unfinished = file.with_added_extension("new");
        fs::write(&unfinished, behavior).expect("the folder is writable");
        fs::rename(unfinished, file).expect("the folder is writable");
    }

    /// Starts the poller.
    pub(super) fn start(&self) -> Running {
        self.program().start(&self.folder)
    }

    fn program(&self) -> Program {
        let arguments = ["run", "--quiet", "--listen", "127.0.0.1:0", "--poll-interval", "0.1"];
        pelton(arguments).args(["--endpoint-url", &self.endpoint])
    }

    /// Ends a life as planned, and sees that nothing of it is left.
    ///
    /// # Errors
    /// What is not as it should be: it ended otherwise, or left something behind.
    pub(super) async fn end(&mut self, mut running: Running, plan: Plan) -> Result<Ended, String> {
        let ended_before = running.has_ended();
        if !ended_before {
            self.carry_out(&running, plan).await;
        }
        let status = running.wait_for_exit().await.status;
        let left = wait::within(wait::PATIENCE, async || running.survivors().is_empty().then_some(())).await;
        self.keep_output(&running);
        let ended = match (status.code(), status.signal()) {
            (Some(0), _) if !ended_before => Ended::Stopped,
            (None, Some(_)) if !ended_before => Ended::Killed,
            (Some(REFUSED), _) if running.printed().find(CANNOT_READ).is_some() => Ended::RefusedToStart,
            (Some(_) | None, _) => return Err(format!("life {} ended with {status}", self.lives_count)),
        };
        if left.is_none() {
            return Err(format!("life {} left behind: {:#?}", self.lives_count, running.survivors()));
        }
        self.close_life(ended);
        Ok(ended)
    }

    async fn carry_out(&self, running: &Running, plan: Plan) {
        match plan {
            Plan::Kill => running.signal(Signal::KILL),
            Plan::Stop => running.signal(Signal::TERM),
            Plan::KillWhileStopping(after) => {
                running.signal(Signal::TERM);
                Clock::start().sleep(after).await;
                running.signal(Signal::KILL);
            }
        }
    }

    fn close_life(&mut self, ended: Ended) {
        let end = if ended == Ended::Stopped { End::Stopped } else { End::Killed };
        for function in &mut self.functions {
            let life = Life { end, ..function.life_so_far() };
            function.lives.push(life);
        }
        self.lives_count += 1;
    }

    fn keep_output(&self, running: &Running) {
        let folder = self.folder.path().join("lives");
        let file = folder.join(format!("{:04}.log", self.lives_count));
        let written =
            fs::create_dir_all(folder).and_then(|()| fs::write(file, running.printed().to_string()));
        written.expect("the folder is writable");
    }

    /// Writes down what the judge went by: which entries of the journals belong to which life, and what stands in the streams.
    pub(super) fn keep_evidence(&self, contents: &[StreamContent]) {
        for (function, content) in self.functions.iter().zip(contents) {
            let lives = function.lives.iter().enumerate();
            let lives: String = lives
                .map(|(number, life)| format!("{number:04} entries {:?} {:?}\n", life.entries, life.end))
                .collect();
            let records = content.shards.iter().flat_map(|(id, shard)| {
                shard
                    .records
                    .iter()
                    .map(move |record| format!("{id} {} {}\n", record.sequence_number, record.data))
            });
            let written =
                fs::write(self.path().join(format!("{}.lives", function.name)), lives).and_then(|()| {
                    fs::write(
                        self.path().join(format!("{}.stream", function.name)),
                        records.collect::<String>(),
                    )
                });
            written.expect("the folder is writable");
        }
    }

    /// Where evidence lies.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Nothing of it is needed any more.
    pub(super) fn clean_up(mut self) {
        self.folder.disable_cleanup(false);
    }
}

impl Function {
    /// The life that has not ended yet, up to now.
    pub(super) fn life_so_far(&mut self) -> Life {
        self.journal.catch_up();
        let begun = self.lives.last().map_or(0, |life| life.entries.end);
        Life { entries: begun..self.journal.entries().len(), end: End::Killed }
    }
}

fn resource(function: &Function) -> String {
    let Function { name, stream, batch_size, .. } = function;
    format!(
        "  {name}:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: provided.al2023
      Handler: bootstrap
      CodeUri: {name}
      Timeout: 60
      Events:
        Records:
          Type: Kinesis
          Properties:
            Stream: arn:aws:kinesis:us-east-1:000000000000:stream/{stream}
            StartingPosition: TRIM_HORIZON
            BatchSize: {batch_size}
"
    )
}
