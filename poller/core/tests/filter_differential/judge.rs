//! AWS's engine, in a process of its own that answers line by line.

use crate::generator::Pair;
use serde_json::json;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// What an engine says of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    Match,
    NoMatch,
    NoPattern,
    NoEvent,
    /// The Java at hand is known to be wrong about one of the numbers.
    Unsure,
}

/// What AWS's engine says of a pair.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) judgement: Judgement,
    /// Whether one machine for all operators says otherwise.
    pub(crate) is_contradicted: bool,
}

/// A running process.
pub(crate) struct Judge {
    process: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Judge {
    /// # Panics
    ///
    /// If it was not made ready.
    pub(crate) fn start() -> Self {
        let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/event-ruler-2.1.0");
        let classes: PathBuf = home.join("classes");
        assert!(
            classes.join("Judge.class").exists(),
            "AWS's engine is not there: tests/event-ruler makes it ready"
        );
        let classpath = format!("{}:{}/*", classes.display(), home.join("lib").display());
        let mut process = Command::new("java")
            .args(["-XX:+UseSerialGC", "-Xss64m", "-classpath", &classpath, "Judge"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("java starts");
        let questions = process.stdin.take().map(BufWriter::new);
        let answers = BufReader::new(process.stdout.take().expect("its output is a pipe"));
        Self { process, questions, answers }
    }

    /// What it says of each pair.
    pub(crate) fn judge<'a>(&mut self, pairs: impl Iterator<Item = &'a Pair>) -> Vec<Answer> {
        let questions = self.questions.as_mut().expect("it runs until it is dropped");
        let mut asked = 0;
        for pair in pairs {
            let question = json!({"pattern": pair.pattern, "event": pair.event});
            writeln!(questions, "{question}").expect("it reads");
            asked += 1;
        }
        questions.flush().expect("it reads");
        (0..asked).map(|_| self.answer()).collect()
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers in UTF-8");
        let (alone, together) = line.trim_end().split_once(", together ").unwrap_or((line.trim_end(), ""));
        let judgement = match alone {
            "match" => Judgement::Match,
            "no match" => Judgement::NoMatch,
            "no pattern" => Judgement::NoPattern,
            "no event" => Judgement::NoEvent,
            "unsure" => Judgement::Unsure,
            other => panic!("it ended, or says what it never says: {other}"),
        };
        Answer { judgement, is_contradicted: !together.is_empty() }
    }
}

impl Drop for Judge {
    /// It ends once nobody can ask any more.
    fn drop(&mut self) {
        self.questions = None;
        let ended = self.process.wait();
        assert!(ended.is_ok() || std::thread::panicking(), "it ended: {ended:?}");
    }
}
