//! A limit for log lines about a lasting condition.

use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(10);

/// Allows one log line per ten seconds.
#[derive(Default)]
pub(crate) struct LogLimit {
    last: Option<Instant>,
}

impl LogLimit {
    /// Whether the line may be logged now.
    pub(crate) fn allows(&mut self) -> bool {
        let allows = self.last.is_none_or(|last| last.elapsed() >= INTERVAL);
        if allows {
            self.last = Some(Instant::now());
        }
        allows
    }
}
