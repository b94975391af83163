//! The process group of `cargo test`. Killing cargo does not kill the test programs that
//! it has started, so all of them are killed as a group.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tests::watchdog::Watched;
use tokio::process::Child;

/// The process group of a child that leads it. It is killed when this is dropped, and by
/// the watchdog if this process dies.
pub(super) struct Group {
    id: u32,
    running: bool,
    _watched: Watched,
}

impl Group {
    pub(super) fn of(leader: &Child) -> Result<Self> {
        let id = leader.id().context("cargo has exited immediately")?;
        Ok(Self {
            id,
            running: true,
            _watched: Watched::new(id)?,
        })
    }

    /// Marks the group as ended: cargo exits after its test programs.
    pub(super) fn has_exited(mut self) {
        self.running = false;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.running {
            let group = format!("-{}", self.id);
            let mut kill = Command::new("kill");
            kill.args(["-s", "KILL", "--", &group])
                .stderr(Stdio::null());
            // The error of a group that has just exited does not matter.
            let _ = kill.status();
        }
    }
}
