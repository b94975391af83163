//! The programs of the tests, which cargo starts and does not take with it when it
//! is ended.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use tests::watchdog::Watched;
use tokio::process::Child;

/// The process group of a child that leads it: ended when this is dropped, and when
/// this process ends without dropping anything.
pub(super) struct Group {
    id: u32,
    runs: bool,
    _watched: Watched,
}

impl Group {
    pub(super) fn of(leader: &Child) -> Result<Self> {
        let id = leader.id().context("cargo has ended at once")?;
        Ok(Self {
            id,
            runs: true,
            _watched: Watched::new(id)?,
        })
    }

    /// Its leader has ended by itself, after all others.
    pub(super) fn has_ended(mut self) {
        self.runs = false;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.runs {
            let group = format!("-{}", self.id);
            let mut kill = Command::new("kill");
            kill.args(["-s", "KILL", "--", &group])
                .stderr(Stdio::null());
            // One that has just ended is as good as killed.
            let _ = kill.status();
        }
    }
}
