//! How a test says that it cannot run here: it is counted as skipped, with its
//! reason, in the closing summary of `cargo xtask test`, and never in silence.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;
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
/// When [`REQUIRE`] names what it needs: then it has failed. Also where it
/// cannot be noted that it was skipped.
pub fn skipped(needs: &str, why: &str) {
    let required = std::env::var(REQUIRE).unwrap_or_default();
    let file = std::env::var_os(SKIPPED_FILE);
    // The test harness names a test's thread after the test.
    let thread = thread::current();
    skip(
        thread.name().unwrap_or("a test"),
        needs,
        why,
        &required,
        file,
    );
}

fn skip(test: &str, needs: &str, why: &str, required: &str, file: Option<OsString>) {
    assert!(
        !required.split(',').any(|name| name.trim() == needs),
        "{needs} must be there, as {REQUIRE}={required} says, and is not: {why}"
    );
    eprintln!("skipped {test}: {why}");
    if let Some(file) = file {
        let noted = note(Path::new(&file), test, why);
        noted.expect("the file for skipped tests must take a line");
    }
}

fn note(file: &Path, test: &str, why: &str) -> io::Result<()> {
    let line = format!("{test}\t{}\n", why.replace('\n', " "));
    let mut file = OpenOptions::new().create(true).append(true).open(file)?;
    // One write of one line, so that lines of several processes do not mix.
    file.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_skipped_is_noted_with_its_reason() {
        let name = format!("onetrace-skip-test-{}", std::process::id());
        let file = std::env::temp_dir().join(name);
        for why in ["no jaeger:\nnowhere", "still none"] {
            let to = Some(file.clone().into_os_string());
            skip("real", "jaeger", why, "collector", to);
        }
        let noted = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        assert_eq!(noted, "real\tno jaeger: nowhere\nreal\tstill none\n");
    }

    #[test]
    #[should_panic(expected = "jaeger must be there, as ONETRACE_REQUIRE=collector, jaeger says")]
    fn what_is_required_is_not_skipped() {
        skip("real", "jaeger", "no jaeger", "collector, jaeger", None);
    }
}
