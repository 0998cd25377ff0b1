//! How much memory a process took.

use rustix::process::Pid;

const KIB_PER_MIB: u64 = 1024;

/// The most memory that the process ever had resident, in MB, rounded up; `None` if it is gone.
pub(super) fn peak_mb(pid: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    parse_peak_mb(&status)
}

fn parse_peak_mb(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(KIB_PER_MIB))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_high_water_mark_in_whole_megabytes() {
        assert_eq!(parse_peak_mb("Name:\tx\nVmHWM:\t    1025 kB\nVmRSS:\t 7 kB\n"), Some(2));
        assert_eq!(parse_peak_mb("Name:\ta zombie\n"), None);
    }
}
