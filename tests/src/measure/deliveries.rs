//! What handlers got and when, told through files: one of each handler process, in a folder that all share.
//!
//! In: invocations. Out: how many records came from when to when, or when each record was put and when it came. Costs
//! the handler one write for each invocation.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The variable of a handler's environment that names the folder.
pub const FOLDER_VARIABLE: &str = "BENCH_DELIVERIES";

/// The variable of a handler's environment that says how long it sleeps in each invocation, in milliseconds.
pub const SLEEP_VARIABLE: &str = "BENCH_SLEEP_MS";

/// The variable of a handler's environment that, if set, makes it keep the times of each record.
pub const TIMES_VARIABLE: &str = "BENCH_TIMES";

const TALLY: &str = "tally";
const TIMES: &str = "times";
const TALLY_BYTES: usize = 32;

/// How many records came, and from when to when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// When the first invocation began.
    pub first_ns: u64,
    /// When the last one began.
    pub last_ns: u64,
    /// Records of all of them.
    pub records: u64,
    /// Their number.
    pub invocations: u64,
}

/// One handler process's tally.
#[derive(Debug)]
pub struct TallyFile {
    file: File,
    tally: Tally,
}

/// When one handler process got each record.
#[derive(Debug)]
pub struct TimesFile(File);

/// When a record was put, and when its invocation began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Before PutRecord was called.
    pub put_ns: u64,
    /// At the entry of the handler.
    pub entry_ns: u64,
}

impl TallyFile {
    /// The file of this process in `folder`.
    pub fn create(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: own_file(folder, TALLY)?, tally: Tally::default() })
    }

    /// Records came at `now_ns`.
    pub fn add(&mut self, now_ns: u64, records: u64) -> io::Result<()> {
        let tally = &mut self.tally;
        if tally.invocations == 0 {
            tally.first_ns = now_ns;
        }
        tally.last_ns = now_ns;
        tally.records += records;
        tally.invocations += 1;
        self.file.write_all_at(&tally.to_bytes(), 0)
    }
}

impl Tally {
    /// What all handlers of `folder` tell together.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        files(folder, TALLY)
            .filter_map(|content| Some(Self::from_bytes(content.as_slice().try_into().ok()?)))
            .reduce(Self::with)
            .unwrap_or_default()
    }

    /// Records each second from the first invocation to the last.
    #[must_use]
    pub fn records_per_s(&self) -> f64 {
        self.records as f64 * 1e9 / (self.last_ns - self.first_ns) as f64
    }

    fn with(self, other: Self) -> Self {
        Self {
            first_ns: self.first_ns.min(other.first_ns),
            last_ns: self.last_ns.max(other.last_ns),
            records: self.records + other.records,
            invocations: self.invocations + other.invocations,
        }
    }

    fn to_bytes(self) -> [u8; TALLY_BYTES] {
        let mut bytes = [0; TALLY_BYTES];
        let fields = [self.first_ns, self.last_ns, self.records, self.invocations];
        for (place, field) in bytes.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: [u8; TALLY_BYTES]) -> Self {
        let field = |index: usize| {
            let bytes = &bytes[8 * index..8 * (index + 1)];
            u64::from_le_bytes(bytes.try_into().expect("eight bytes"))
        };
        Self { first_ns: field(0), last_ns: field(1), records: field(2), invocations: field(3) }
    }
}

impl TimesFile {
    /// The file of this process in `folder`.
    pub fn create(folder: &Path) -> io::Result<Self> {
        own_file(folder, TIMES).map(Self)
    }

    /// A record came.
    pub fn add(&mut self, times: Times) -> io::Result<()> {
        let line = format!("{} {}\n", times.put_ns, times.entry_ns);
        self.0.write_all(line.as_bytes())
    }
}

impl Times {
    /// What all handlers of `folder` tell together, each record once or more.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn of(folder: &Path) -> Vec<Self> {
        let content: Vec<String> =
            files(folder, TIMES).map(|content| String::from_utf8_lossy(&content).into_owned()).collect();
        content.iter().flat_map(|content| content.split_inclusive('\n')).filter_map(Self::parse).collect()
    }

    /// A line that is complete.
    fn parse(line: &str) -> Option<Self> {
        let (put_ns, entry_ns) = line.strip_suffix('\n')?.split_once(' ')?;
        Some(Self { put_ns: put_ns.parse().ok()?, entry_ns: entry_ns.parse().ok()? })
    }
}

fn own_file(folder: &Path, kind: &str) -> io::Result<File> {
    let path = folder.join(format!("{}.{kind}", std::process::id()));
    OpenOptions::new().create(true).truncate(true).write(true).open(path)
}

fn files(folder: &Path, kind: &'static str) -> impl Iterator<Item = Vec<u8>> {
    let entries = fs::read_dir(folder).expect("the folder of deliveries is there");
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(move |path| path.extension().is_some_and(|extension| extension == kind))
        .filter_map(|path| fs::read(path).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_counts_records_from_the_first_invocation_to_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = TallyFile::create(folder.path()).unwrap();
        file.add(1_000_000_000, 100).unwrap();
        file.add(3_000_000_000, 50).unwrap();
        let tally = Tally::of(folder.path());
        let expected =
            Tally { first_ns: 1_000_000_000, last_ns: 3_000_000_000, records: 150, invocations: 2 };
        assert_eq!(tally, expected);
        assert_eq!(tally.records_per_s(), 75.0);
    }

    #[test]
    fn tallies_of_several_handlers_add_up() {
        let one = Tally { first_ns: 5, last_ns: 9, records: 3, invocations: 2 };
        let other = Tally { first_ns: 4, last_ns: 7, records: 1, invocations: 1 };
        assert_eq!(one.with(other), Tally { first_ns: 4, last_ns: 9, records: 4, invocations: 3 });
    }

    #[test]
    fn times_are_read_as_they_were_kept_and_a_line_that_is_being_written_is_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = TimesFile::create(folder.path()).unwrap();
        let times = Times { put_ns: 5, entry_ns: 70 };
        file.add(times).unwrap();
        file.0.write_all(b"6 8").unwrap();
        assert_eq!(Times::of(folder.path()), [times]);
    }
}
