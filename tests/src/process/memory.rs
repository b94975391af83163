//! The memory of a process.

use anyhow::{Context, Result};

/// The resident memory of a process in bytes: `VmRSS` of Linux.
///
/// # Errors
/// If there is no such process, or this is not Linux.
pub fn resident_memory(pid: u32) -> Result<u64> {
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
    fn allocated_memory_is_counted() {
        const MORE: usize = 64 * 1024 * 1024;
        let before = resident_memory(std::process::id()).unwrap();
        let held = std::hint::black_box(vec![1_u8; MORE]);
        let after = resident_memory(std::process::id()).unwrap();
        assert!(
            after >= before + MORE as u64 / 2,
            "{before} bytes, then {after} with {} more",
            held.len()
        );
    }
}
