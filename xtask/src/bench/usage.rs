//! CPU time and memory of a process, from `/proc` (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// The unit of times in `/proc/PID/stat`: `USER_HZ`, which is 100 on all of Rust's
/// Linux targets.
const TICKS_PER_SECOND: u64 = 100;

/// The CPU time of all threads of a process, including those that have ended.
pub(super) fn cpu(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).context("the process has ended")?;
    parse_cpu(&text).with_context(|| format!("{path} is not in the format of proc(5): {text}"))
}

/// The peak resident memory of a process, in bytes.
pub(super) fn peak_memory(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&path).context("the process has ended")?;
    parse_peak(&text).with_context(|| format!("{path} has no VmHWM: {text}"))
}

fn parse_cpu(stat: &str) -> Option<Duration> {
    // The second field is the program's name in parentheses, which may itself contain
    // spaces and parentheses. `utime` and `stime` are the 14th and 15th field.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(14 - 3);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis(
        (user + system) * 1000 / TICKS_PER_SECOND,
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
            "a process uses some memory"
        );
        cpu(pid).unwrap();
    }
}
