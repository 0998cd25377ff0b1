//! Notices that files have become other ones, by looking at them.
//!
//! A watch of the system is lost with the folder that it is on, and builds put folders in each other's place. A look at a
//! few files now and then sees whatever comes to stand under their names.

use crate::clock::Clock;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// From one look to the next.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Looks at some files.
#[derive(Debug)]
pub struct LookOut {
    files: Vec<PathBuf>,
    seen: Vec<Option<Stamp>>,
    clock: Clock,
}

/// What tells a file from the one that had its name before: also when only its mode has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    changed: (i64, i64),
}

impl LookOut {
    /// Keeps in mind what the files are now. They need not exist.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = PathBuf>, clock: Clock) -> Self {
        let files: Vec<PathBuf> = files.into_iter().collect();
        Self { seen: stamps(&files), files, clock }
    }

    /// Waits until a file is another one than at the last time, and none of them changes any more from one look to the
    /// next: whoever writes one is done with it. Cancelling is safe.
    pub async fn changed(&mut self) {
        let mut last = self.seen.clone();
        loop {
            self.clock.sleep(LOOK_INTERVAL).await;
            let now = stamps(&self.files);
            let is_settled = now == last;
            if is_settled && now != self.seen {
                self.seen = now;
                return;
            }
            last = now;
        }
    }
}

impl Stamp {
    /// `None` for a file that is not there, or cannot be looked at.
    #[must_use]
    pub fn of(file: &Path) -> Option<Self> {
        let file = std::fs::metadata(file).ok()?;
        let changed = (file.ctime(), file.ctime_nsec());
        Some(Self { device: file.dev(), inode: file.ino(), len: file.len(), changed })
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| Stamp::of(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::time::timeout;

    /// Time is paused: an idle runtime jumps to the end of the hour.
    async fn sees_a_change(look_out: &mut LookOut) -> bool {
        timeout(Duration::from_secs(3600), look_out.changed()).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_comes_changes_is_replaced_or_goes_is_noticed_once() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("bootstrap"), folder.path().join("new"));
        let mut look_out = LookOut::new([file.clone()], Clock::start());
        assert!(!sees_a_change(&mut look_out).await);
        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(&file, "one").unwrap(),
            &|| fs::write(&file, "longer").unwrap(),
            &|| fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap(),
            &|| {
                fs::copy(&file, &other).unwrap();
                fs::rename(&other, &file).unwrap();
            },
            &|| fs::remove_file(&file).unwrap(),
        ];
        for change in changes {
            change();
            assert!(sees_a_change(&mut look_out).await);
            assert!(!sees_a_change(&mut look_out).await, "once");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_still_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bootstrap");
        let mut look_out = LookOut::new([file.clone()], Clock::start());
        let mut changed = std::pin::pin!(look_out.changed());
        for len in 1..20 {
            fs::write(&file, vec![b'x'; len]).unwrap();
            timeout(LOOK_INTERVAL, &mut changed).await.unwrap_err();
        }
        timeout(2 * LOOK_INTERVAL, changed).await.unwrap();
    }
}
