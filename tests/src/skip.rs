//! Skips a test that cannot run on this machine. The closing summary of `cargo xtask test`
//! counts it as skipped, with the reason.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;

/// The variable with which `cargo xtask test` passes the file that collects skipped tests.
pub const SKIPPED_FILE: &str = "ONETRACE_SKIPPED_FILE";
/// The variable that lists what must be available, such as `collector,jaeger`. A test that
/// needs it then fails instead of being skipped. CI sets it.
pub const REQUIRE: &str = "ONETRACE_REQUIRE";

/// Marks the running test as skipped, because what it `needs` is not available. The test must
/// return then.
///
/// # Panics
/// If [`REQUIRE`] lists what it needs, or if [`SKIPPED_FILE`] cannot be written.
pub fn skipped(needs: &str, why: &str) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    let file = std::env::var_os(SKIPPED_FILE);
    // The test harness names a test's thread after the test.
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    skip(test, needs, why, &required, file);
}

fn skip(test: &str, needs: &str, why: &str, required: &str, file: Option<OsString>) {
    assert!(
        !required.split(',').any(|name| name.trim() == needs),
        "{REQUIRE}={required} requires {needs}, which is not available: {why}"
    );
    eprintln!("skipped {test}: {why}");
    if let Some(file) = file {
        let written = append(Path::new(&file), test, why);
        written.expect("the file of skipped tests must be writable");
    }
}

fn append(file: &Path, test: &str, why: &str) -> io::Result<()> {
    let line = format!("{test}\t{}\n", why.replace('\n', " "));
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    // In one write, so that the lines of concurrent processes do not mix.
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skipped_test_is_written_to_the_file_with_its_reason() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("skipped");
        for why in ["no jaeger:\nnowhere", "still missing"] {
            let file = Some(file.clone().into_os_string());
            skip("real", "jaeger", why, "collector", file);
        }
        let written = std::fs::read_to_string(&file).unwrap();
        assert_eq!(written, "real\tno jaeger: nowhere\nreal\tstill missing\n");
    }

    #[test]
    #[should_panic(expected = "ONETRACE_REQUIRE=collector, jaeger requires jaeger")]
    fn what_is_required_is_not_skipped() {
        skip("real", "jaeger", "no jaeger", "collector, jaeger", None);
    }
}
