//! What the poller runs on: a folder with a template, functions that keep journals, and what it printed in each life.

use super::books::{End, Entry, GivenUp, Life, StreamContent};
use super::journal::Lines;
use super::mappings::{GIVEN_UP, Mapping, Order};
use super::source::{Service, Source};
use super::verdict::Verdict;
use super::{judge, side_by_side};
use crate::{Program, Running, Signal, binary, install_handler, pelton, wait};
use pelton::clock::Clock;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// Exit code of a start that is refused.
const REFUSED: i32 = 2;

/// What is said when it is refused because the stream cannot be reached, or, by two lies in a row, the table seems to have none.
const CANNOT_READ: [&str; 2] = ["cannot read its stream", "cannot read the stream of the table"];

/// A function, the stream that it is mapped to, what it was handed, and what was given up.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) mapping: &'static Mapping,
    pub(super) stream: String,
    pub(super) arn: String,
    pub(super) lives: Vec<Life>,
    journal: Lines<Entry>,
    destination: Lines<GivenUp>,
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
    /// A folder that stays after a failure. The poller reads from `endpoint`; the names of the streams end with `mark`.
    pub(super) async fn new(
        endpoint: &str,
        (source, service): (Source, &Service),
        mappings: &'static [Mapping],
        mark: &str,
    ) -> Self {
        let mut folder = tempfile::tempdir().expect("a temporary folder can be made");
        folder.disable_cleanup(true);
        let mut functions: Vec<Function> = Vec::new();
        for mapping in mappings {
            let code = folder.path().join(mapping.name);
            install_handler(&binary("misbehaving_handler"), &code);
            let stream = format!("{}-{mark}", mapping.name);
            let arn = service.create(&stream).await;
            let journal = Lines::of_journal(code.join("journal"), service.names_shards(&arn));
            let destination = Lines::of_destination(code.join(GIVEN_UP), source);
            functions.push(Function { mapping, stream, arn, lives: Vec::new(), journal, destination });
        }
        let resource =
            |function: &Function| function.mapping.resource(source, &function.stream, &function.arn);
        let resources = functions.iter().map(resource);
        let resources: String = resources.collect();
        let template = format!("Transform: AWS::Serverless-2016-10-31\nResources:\n{resources}");
        fs::write(folder.path().join("template.yaml"), template).expect("the folder is writable");
        Self { folder, functions, endpoint: endpoint.to_owned(), lives_count: 0 }
    }

    /// Says what a function does from now on.
    pub(super) fn behave(&self, function: usize, behavior: &str) {
        let file = self.folder.path().join(self.functions[function].mapping.name).join("behavior");
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
            (Some(REFUSED), _) if CANNOT_READ.iter().any(|said| running.printed().find(said).is_some()) => {
                Ended::RefusedToStart
            }
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
                .map(|(number, Life { entries, given_up, end })| {
                    format!("{number:04} entries {entries:?} given up {given_up:?} {end:?}\n")
                })
                .collect();
            let records = content.shards.iter().flat_map(|(id, shard)| {
                shard
                    .records
                    .iter()
                    .map(move |record| format!("{id} {} {}\n", record.sequence_number, record.data))
            });
            let written = fs::write(self.path().join(format!("{}.lives", function.mapping.name)), lives)
                .and_then(|()| {
                    fs::write(
                        self.path().join(format!("{}.stream", function.mapping.name)),
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
        self.destination.catch_up();
        let (entries, lines) = self.lives.last().map_or((0, 0), |life| (life.entries.end, life.given_up.end));
        Life {
            entries: entries..self.journal.so_far().len(),
            given_up: lines..self.destination.so_far().len(),
            end: End::Killed,
        }
    }

    /// Its journal so far.
    pub(super) fn entries(&self) -> &[Entry] {
        self.journal.so_far()
    }

    /// What the judge of its mapping says of these lives.
    pub(super) fn judge(&self, content: &StreamContent, lives: &[Life]) -> Verdict {
        let entries = self.journal.so_far();
        match self.mapping.order {
            Order::OfShard(tumbling) => judge::judge(content, entries, lives, tumbling),
            Order::OfKey(settings) => {
                side_by_side::judge(content, entries, self.destination.so_far(), lives, settings)
            }
        }
    }
}
