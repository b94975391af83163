//! How a test says that it cannot run here: it is counted as skipped, with its
//! reason, in the closing summary of `cargo xtask test`, and never in silence.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;

/// Where `cargo xtask test` collects what was skipped: a file.
pub const SKIPPED_FILE: &str = "ONETRACE_SKIPPED_FILE";
/// What must not be skipped: names with commas between them, such as
/// `collector,jaeger`. CI sets it.
pub const REQUIRE: &str = "ONETRACE_REQUIRE";

/// Says that the running test is skipped because it `needs` something that is
/// not at hand, and why. The test must return then.
///
/// # Panics
/// When [`REQUIRE`] names what it needs: then it has failed.
pub fn skipped(needs: &str, why: &str) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    assert!(
        !required.split(',').any(|name| name.trim() == needs),
        "{needs} must be there, as {REQUIRE}={required} says, and is not: {why}"
    );
    // The test harness names a test's thread after the test.
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    eprintln!("skipped {test}: {why}");
    let Some(file) = std::env::var_os(SKIPPED_FILE) else {
        return;
    };
    let line = format!("{test}\t{}\n", why.replace('\n', " "));
    // One write of one line, so that lines of several processes do not mix.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    assert!(
        written.is_ok(),
        "it could not be noted that {test} was skipped: {written:?}"
    );
}
