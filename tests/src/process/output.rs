//! What a process has written, line by line.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// Lines that are kept; the oldest go first. A run under load logs a line a request.
const KEPT: usize = 200_000;
/// Lines in a report.
const REPORTED: usize = 40;

/// Which of a process's two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output: the services' logs.
    Stdout,
    /// Standard error: what is wrong with the settings, panics.
    Stderr,
}

/// One line, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it was written.
    pub stream: Stream,
    /// The text; bytes that are no UTF-8 are replaced.
    pub text: String,
}

/// The captured output of a process. Clones share it.
#[derive(Clone, Debug)]
pub struct Output {
    content: Arc<Mutex<Content>>,
    /// The number of open streams and of lines that have come.
    progress: watch::Sender<(usize, u64)>,
}

#[derive(Debug, Default)]
struct Content {
    lines: VecDeque<Line>,
    forgotten: u64,
}

impl Output {
    pub(super) fn of(stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> Self {
        let open = usize::from(stdout.is_some()) + usize::from(stderr.is_some());
        let output = Self {
            content: Arc::default(),
            progress: watch::Sender::new((open, 0)),
        };
        if let Some(stdout) = stdout {
            tokio::spawn(output.clone().read(stdout, Stream::Stdout));
        }
        if let Some(stderr) = stderr {
            tokio::spawn(output.clone().read(stderr, Stream::Stderr));
        }
        output
    }

    /// All lines that are kept (the last 200,000), in the order in which they came.
    pub fn lines(&self) -> Vec<Line> {
        self.content().lines.iter().cloned().collect()
    }

    /// The lines of one stream.
    pub fn texts(&self, stream: Stream) -> Vec<String> {
        let content = self.content();
        let lines = content.lines.iter().filter(|line| line.stream == stream);
        lines.map(|line| line.text.clone()).collect()
    }

    /// All lines in one text.
    pub fn text(&self) -> String {
        let content = self.content();
        let mut text = String::new();
        for line in &content.lines {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// How many lines there were that are no longer kept.
    pub fn forgotten(&self) -> u64 {
        self.content().forgotten
    }

    /// The last lines, indented, for an error's text.
    pub fn report(&self) -> String {
        let content = self.content();
        if content.lines.is_empty() {
            return "  (it has written nothing)".to_owned();
        }
        let skipped = content.lines.len().saturating_sub(REPORTED);
        let mut report = String::new();
        if skipped > 0 {
            writeln!(
                report,
                "  ({} lines before)",
                content.forgotten + skipped as u64
            )
            .expect("a String takes everything");
        }
        for line in content.lines.iter().skip(skipped) {
            writeln!(report, "  | {}", line.text).expect("a String takes everything");
        }
        report.truncate(report.trim_end().len());
        report
    }

    /// The first value that `pick` gives for a line, of those that are there and
    /// those to come.
    ///
    /// # Errors
    /// When none came within `bound`, or none can come since the process has ended.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        bound: Duration,
        mut pick: impl FnMut(&str) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + bound;
        let mut progress = self.progress.subscribe();
        let mut looked_at = 0;
        loop {
            let (open, _) = *progress.borrow_and_update();
            let found = {
                let content = self.content();
                let first = usize::try_from(content.forgotten).unwrap_or(usize::MAX);
                let new = content.lines.iter().skip(looked_at - first.min(looked_at));
                let found = new.map(|line| pick(&line.text)).find_map(|it| it);
                looked_at = first + content.lines.len();
                found
            };
            if let Some(found) = found {
                return Ok(found);
            }
            if open == 0 {
                bail!("the output ended without {what}\n{}", self.report());
            }
            if timeout_at(deadline, progress.changed()).await.is_err() {
                bail!("waited {bound:?} for {what}; last saw\n{}", self.report());
            }
        }
    }

    /// Waits for a line that `is_it`.
    ///
    /// # Errors
    /// As [`Output::wait_for`].
    pub async fn wait_for_line(
        &self,
        what: &str,
        bound: Duration,
        is_it: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let pick = |line: &str| is_it(line).then(|| line.to_owned());
        self.wait_for(what, bound, pick).await
    }

    /// Waits for the end of both streams, when the process has ended.
    pub(super) async fn complete(&self) {
        /// A grandchild may hold a stream open for longer than its parent lives.
        const BOUND: Duration = Duration::from_secs(1);
        let mut progress = self.progress.subscribe();
        let ended = progress.wait_for(|(open, _)| *open == 0);
        // Later lines are still captured; the process's own are there.
        let _ = timeout(BOUND, ended).await;
    }

    async fn read(self, source: impl AsyncRead + Unpin, stream: Stream) {
        let mut source = BufReader::new(source);
        let mut line = Vec::new();
        // A stream that cannot be read is one that has ended.
        while let Ok(1..) = source.read_until(b'\n', &mut line).await {
            let text = String::from_utf8_lossy(&line);
            self.add(Line {
                stream,
                text: text.trim_end_matches(['\r', '\n']).to_owned(),
            });
            line.clear();
        }
        self.progress.send_modify(|(open, _)| *open -= 1);
    }

    fn add(&self, line: Line) {
        {
            let mut content = self.content();
            content.lines.push_back(line);
            if content.lines.len() > KEPT {
                content.lines.pop_front();
                content.forgotten += 1;
            }
        }
        self.progress.send_modify(|(_, lines)| *lines += 1);
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        // Nothing is left half done when a thread panics with the lock.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
