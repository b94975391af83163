//! What the kernel says a process has used.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of times in `/proc/PID/stat`. It is a part of the kernel's interface
/// and is 100 on everything that Rust runs on.
const TICKS_A_SECOND: u64 = 100;

/// The CPU time of all threads of a process, those that have ended too.
pub(super) fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).context("the process has ended")?;
    parse_cpu(&text).with_context(|| format!("{path} is not as proc(5) says: {text}"))
}

/// The most memory that a process has had in use, in bytes.
pub(super) fn peak_memory(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).context("the process has ended")?;
    parse_peak(&text).with_context(|| format!("{path} has no VmHWM: {text}"))
}

fn parse_cpu(stat: &str) -> Option<Duration> {
    // The name before it may hold spaces and parentheses. `utime` and `stime`
    // are the 14th and 15th field; the first after the name is the third.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1000 / TICKS_A_SECOND,
    ))
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_is_user_and_system_time() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 2 0 0 0 150 25 7 7 20 0 4 0 100";
        assert_eq!(parse_cpu(stat), Some(Duration::from_millis(1750)));
    }

    #[test]
    fn peak_memory_is_in_bytes() {
        let status = "Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t   12 kB\nVmRSS:\t 10 kB\n";
        assert_eq!(parse_peak(status), Some(12 * 1024));
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = std::process::id();
        assert!(
            peak_memory(pid).unwrap() > 100_000,
            "a process has some memory"
        );
        cpu(pid).unwrap();
    }
}
