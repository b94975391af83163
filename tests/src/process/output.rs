//! The lines that a process has written to its standard output and standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::wait;

/// How many lines are kept; older ones are dropped. Under load, a service logs one line per
/// request.
const MAX_LINES: usize = 200_000;
/// How many lines a report has.
const REPORTED: usize = 40;

/// The captured output of a process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Output {
    lines: Arc<Mutex<VecDeque<String>>>,
    reading: watch::Sender<Reading>,
}

/// How fast the output of a process is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// As soon as it is written.
    #[default]
    Immediately,
    /// With a pause after each line.
    Slowly(Duration),
    /// Not at all: the process finds its pipes full.
    Stalled,
}

impl Output {
    /// The last 200,000 lines of both streams, in the order in which they were read.
    pub fn lines(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// The same lines as one text.
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// The last lines, indented, for an error message.
    pub fn report(&self) -> String {
        let lines = self.lock();
        if lines.is_empty() {
            return "  (no output)".to_owned();
        }
        let skipped = lines.len().saturating_sub(REPORTED);
        let mut report = Vec::new();
        if skipped > 0 {
            report.push(format!("  ({skipped} earlier lines)"));
        }
        report.extend(lines.iter().skip(skipped).map(|line| format!("  | {line}")));
        report.join("\n")
    }

    /// Waits until there is a line for which `matches` returns true; `what` names it.
    ///
    /// # Errors
    /// If no such line is written within `timeout`; the error contains the last lines.
    pub async fn wait_for_line(
        &self,
        what: &str,
        timeout: Duration,
        matches: impl Fn(&str) -> bool,
    ) -> Result<()> {
        wait::until(what, timeout, async || {
            let found = self.lock().iter().any(|line| matches(line));
            if found { Ok(()) } else { Err(self.report()) }
        })
        .await
    }

    /// Changes how fast both streams are read.
    pub fn set_reading(&self, reading: Reading) {
        self.reading.send_replace(reading);
    }

    /// Adds the lines of `source` until it ends.
    pub(super) async fn read(self, source: impl AsyncRead + Unpin) {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        let mut reading = self.reading.subscribe();
        // A read error ends the stream, too.
        while let Ok(1..) = source.read_until(b'\n', &mut line).await {
            self.add(&line);
            line.clear();
            let pace = *reading.borrow_and_update();
            if let Reading::Slowly(pause) = pace {
                sleep(pause).await;
            }
            // Cannot fail: `self` keeps the sender open.
            let _ = reading.wait_for(|it| *it != Reading::Stalled).await;
        }
    }

    fn add(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let mut lines = self.lock();
        lines.push_back(text.trim_end_matches(['\r', '\n']).to_owned());
        if lines.len() > MAX_LINES {
            lines.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<String>> {
        // A thread that panics with the lock leaves valid lines.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
