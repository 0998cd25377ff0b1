//! What a process costs: its own processor time and memory, not those of its children.

use rustix::param::clock_ticks_per_second;
use std::fs;
use std::time::Duration;

/// What the kernel says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Processor time so far, user and system.
    pub cpu: Duration,
    /// Resident memory now, in bytes.
    pub rss_bytes: u64,
    /// Most resident memory so far, in bytes.
    pub peak_rss_bytes: u64,
}

impl Cost {
    /// What the process costs so far.
    ///
    /// # Panics
    /// If it does not run.
    #[must_use]
    pub fn of(pid: u32) -> Self {
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the measured process runs")
        };
        let status = read("status");
        Self {
            cpu: cpu(&read("stat")),
            rss_bytes: kilobytes(&status, "VmRSS:") * 1024,
            peak_rss_bytes: kilobytes(&status, "VmHWM:") * 1024,
        }
    }
}

/// Fields 14 and 15 of /proc/PID/stat, counted from behind the name, which may hold spaces.
fn cpu(stat: &str) -> Duration {
    let (_, fields) = stat.rsplit_once(") ").expect("a name stands in parentheses");
    let ticks: u64 = fields.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second())
}

fn kilobytes(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells memory");
    line.trim().trim_end_matches(" kB").parse().expect("memory is told in kB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_stand_behind_a_name_that_may_hold_anything() {
        let stat = "7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 150 50 900 900 20 0 1 0 5";
        assert_eq!(cpu(stat), Duration::from_millis(200 * 1000 / clock_ticks_per_second()));
    }

    #[test]
    fn this_process_has_memory() {
        let cost = Cost::of(std::process::id());
        assert!(cost.rss_bytes > 0 && cost.peak_rss_bytes >= cost.rss_bytes);
    }
}
