//! A large enough stack for trees that are processed recursively.

use std::thread;

/// Deeper contracts and traces are rejected.
pub(crate) const MAX_DEPTH: usize = 100_000;

/// Trees up to this depth need no other stack.
const SHALLOW: usize = 64;
/// More than one level of recursion takes, also without optimisation. The system provides
/// the memory of a stack when it is used.
const BYTES_PER_LEVEL: usize = 32 * 1024;
const BYTES: usize = 4 * 1024 * 1024;

/// Runs `work`, which recurses to `depth`.
pub(crate) fn with_stack_for<T: Send>(depth: usize, work: impl FnOnce() -> T + Send) -> T {
    if depth <= SHALLOW {
        return work();
    }
    let stack = BYTES + depth.min(MAX_DEPTH) * BYTES_PER_LEVEL;
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .stack_size(stack)
            .spawn_scoped(scope, work)
            .expect("the operating system provides a thread");
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
