//! `error.type` of a span whose work ends without a result.

/// The caller disconnected, or a timeout outside dropped the work.
pub(crate) const CANCELLED: &str = "cancelled";

/// A panic unwound through the work.
pub(crate) const PANIC: &str = "panic";

/// Why work is dropped now. Only meaningful in [`Drop::drop`].
///
/// To be exact, a span must be dropped by the unwinding itself: a future that
/// holds one moves it to the stack while it polls. A layer that catches panics
/// outside drops the future only later, when the thread no longer panics.
pub(crate) fn error_type() -> &'static str {
    if std::thread::panicking() {
        PANIC
    } else {
        CANCELLED
    }
}
