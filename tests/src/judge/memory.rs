//! How much memory a process has.

use anyhow::{Context, Result};

/// The resident memory of a process, in bytes: `VmRSS` of Linux.
///
/// # Errors
/// When there is no such process, or this is no Linux.
pub fn resident(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kilobytes: u64 = kilobytes
        .with_context(|| format!("{path} has no VmRSS"))?
        .trim()
        .parse()?;
    Ok(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_is_seen() {
        const MORE: usize = 64 * 1024 * 1024;
        let before = resident(std::process::id()).unwrap();
        let held = std::hint::black_box(vec![1_u8; MORE]);
        let after = resident(std::process::id()).unwrap();
        assert!(
            after >= before + MORE as u64 / 2,
            "{before} and {} more were seen as {after}",
            held.len()
        );
    }
}
