//! A handler process together with everything that it started and that stayed in its process group.
//!
//! Whoever holds it can kill it; dropping it does. The group is always killed before its leader is reaped: until
//! then the number of the group can belong to nobody else.

use super::reaper::Reaper;
use pelton_core::exchange::Exit;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Child;
use std::sync::Arc;

/// The leader of a group that [`std::os::unix::process::CommandExt::process_group`] made.
#[derive(Debug)]
pub(super) struct ProcessGroup {
    leader: Child,
    reaper: Arc<Reaper>,
    is_reaped: bool,
}

impl ProcessGroup {
    /// Takes charge of a process that was just started.
    pub(super) fn new(leader: Child, reaper: Arc<Reaper>) -> Self {
        let group = Self { leader, reaper, is_reaped: false };
        group.reaper.watch(group.pid());
        group
    }

    /// The number of the leader, and of the group.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// A descriptor that becomes readable when the leader has ended. It does not reap it.
    pub(super) fn exit_signal(&self) -> io::Result<OwnedFd> {
        Ok(pidfd_open(self.pid(), PidfdFlags::NONBLOCK)?)
    }

    /// Kills every process of the group at once.
    pub(super) fn kill(&self) {
        if !self.is_reaped {
            // Fails only if nobody of the group is left.
            let _was_alive = kill_process_group(self.pid(), Signal::KILL).is_ok();
        }
    }

    /// Kills whatever is left of the group, and reaps the leader. Takes no time if the leader has ended.
    pub(super) fn end(&mut self) -> io::Result<Exit> {
        self.kill();
        self.reaper.forget(self.pid());
        self.is_reaped = true;
        let status = self.leader.wait()?;
        Ok(status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or_default()), Exit::Code))
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if !self.is_reaped
            && let Err(error) = self.end()
        {
            tracing::warn!(%error, "a handler process cannot be waited for");
        }
    }
}
