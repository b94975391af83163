//! A panic is logged like everything else: the default hook would write to
//! standard error, and a stalled reader of that would stop the thread.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic;

/// Replaces the panic hook by one that logs the message, the place and, with
/// `RUST_BACKTRACE`, the backtrace.
pub(crate) fn install() {
    panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        let thread = std::thread::current();
        let backtrace = Backtrace::capture();
        let backtrace =
            (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string());
        tracing::error!(
            "exception.message" = message(panic.payload()),
            "exception.stacktrace" = backtrace,
            location,
            thread = thread.name(),
            "panic"
        );
    }));
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
