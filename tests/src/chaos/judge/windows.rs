//! Whether the tumbling windows of a shard tile it: each record that succeeded is in the state of exactly one window, once.
//!
//! The state and the position are kept in one write. So the state of any batch is the run of records right before it, back to
//! where the window before ended; whatever was repeated after a crash.

use super::super::books::{End, Life, ShardContent, Window};
use super::super::verdict::Wrong;

/// The windows of one shard.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// Where the open window begins; `None` before the first batch.
    begun_at: Option<usize>,
    /// The window that ended last, until the next batch begins: that it ended may not have been kept.
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Ended {
    begun_at: usize,
    life: usize,
}

impl Windows {
    pub(super) fn begun_at(&self) -> Option<usize> {
        self.begun_at
    }

    /// What is wrong with the window of a batch that begins `at` this place in this life.
    pub(super) fn begin(
        &mut self,
        window: &Window,
        at: usize,
        content: &ShardContent,
        life: usize,
        lives: &[Life],
    ) -> Option<Wrong> {
        if window.is_passed {
            return Some(Wrong::AfterWindow);
        }
        let other_state = Wrong::OtherState { at, records: window.state.len() };
        let Some(start) = at.checked_sub(window.state.len()) else { return Some(other_state) };
        let before = content.records[start..at].iter().map(|record| &record.sequence_number);
        if !before.eq(&window.state) {
            return Some(other_state);
        }
        let end = self.begun_at.unwrap_or(0);
        let unkept = self.ended.take();
        let unkept = unkept.filter(|ended| ended.life != life && lives[ended.life].end == End::Killed);
        let allowed: Vec<usize> = unkept.map(|ended| ended.begun_at).into_iter().chain([end]).collect();
        self.begun_at = Some(start);
        let is_elsewhere = !allowed.contains(&start);
        is_elsewhere.then_some(Wrong::WindowElsewhere { window: start..at, allowed })
    }

    /// The function is done with the last batch of the window, which ends at this place.
    pub(super) fn end(&mut self, at: usize, life: usize) {
        let begun_at = self.begun_at.replace(at).unwrap_or(0);
        self.ended = Some(Ended { begun_at, life });
    }
}

#[cfg(test)]
mod tests;
