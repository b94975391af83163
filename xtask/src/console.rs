//! What recipes say. Results go to standard output, progress to standard error.

use std::io::{IsTerminal, stdout};

use trace_contract::{Trace, Waterfall};

/// Says what is being done.
pub(crate) fn progress(text: impl AsRef<str>) {
    eprintln!("· {}", text.as_ref());
}

/// The waterfall, coloured on a terminal that wants it.
pub(crate) fn waterfall(trace: &Trace) -> String {
    let color = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    Waterfall::new(trace).color(color).to_string()
}

/// Ports as a list for people.
pub(crate) fn list(ports: &[u16]) -> String {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    ports.join(", ")
}
