//! Output of the commands. Results go to standard output, progress to standard error.

use std::io::{IsTerminal, stdout};

use trace_contract::{Trace, Waterfall};

/// Prints what the command does now.
pub(crate) fn progress(text: impl AsRef<str>) {
    eprintln!("· {}", text.as_ref());
}

/// The trace as a waterfall, in color on a terminal unless `NO_COLOR` is set.
pub(crate) fn waterfall(trace: &Trace) -> String {
    let color = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Waterfall::new(trace).color(color).to_string()
}

/// Formats ports as `8080, 8081`.
pub(crate) fn list(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}
