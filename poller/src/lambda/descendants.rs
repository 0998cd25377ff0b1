//! The children of a process, as the kernel lists them.

use rustix::process::Pid;
use std::io;

/// Every process whose parent is `parent` now, those included that have ended and were not waited for.
///
/// `/proc/PID/task/TID/children` would say it at once, but many kernels are built without it.
pub(super) fn children_of(parent: Pid) -> io::Result<Vec<Pid>> {
    let mut children = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Some(pid) =
            entry?.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)
        else {
            continue;
        };
        // One that cannot be read ended while we looked.
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        if parent_in(&stat) == Some(parent) {
            children.push(pid);
        }
    }
    Ok(children)
}

/// `PID (NAME) STATE PARENT …`, where the name may hold anything.
fn parent_in(stat: &str) -> Option<Pid> {
    let (_, fields) = stat.rsplit_once(") ")?;
    Pid::from_raw(fields.split(' ').nth(1)?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_is_the_second_field_after_the_name() {
        assert_eq!(parent_in("12 (a ) b) S 7 12 12 0"), Pid::from_raw(7));
        assert_eq!(parent_in(""), None);
    }
}
