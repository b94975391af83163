//! Adds up the results of all test programs.

use std::fmt::Write as _;

/// A test that did not run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    test: String,
    why: String,
}

impl Skipped {
    /// Reads a line of the file of skipped tests.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (test, why) = line.split_once('\t')?;
        Some(Self {
            test: test.to_owned(),
            why: why.to_owned(),
        })
    }
}

/// The sum over all test programs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    passed: usize,
    failed: usize,
    failures: Vec<String>,
    skipped: Vec<Skipped>,
}

impl Tally {
    /// Reads a line of the output of `cargo test`.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
        } else if let Some((test, result)) = result(line) {
            match result {
                "FAILED" => self.failures.push(test.to_owned()),
                ignored if ignored.starts_with("ignored") => self.skipped.push(Skipped {
                    test: test.to_owned(),
                    why: ignored
                        .strip_prefix("ignored, ")
                        .unwrap_or("marked as ignored without a reason")
                        .to_owned(),
                }),
                _ => {}
            }
        }
    }

    /// Counts tests that skipped themselves as skipped; the test harness counted them as
    /// passed.
    pub(crate) fn skip(&mut self, skipped: Vec<Skipped>) {
        self.passed = self.passed.saturating_sub(skipped.len());
        self.skipped.extend(skipped);
    }

    pub(crate) fn failed(&self) -> usize {
        self.failed
    }

    /// Whether no test was run or skipped.
    pub(crate) fn is_empty(&self) -> bool {
        self.passed + self.failed + self.skipped.len() == 0
    }

    /// The skipped and the failed tests by name, then the line with the counts.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        for skipped in &self.skipped {
            writeln!(report, "skipped {}: {}", skipped.test, skipped.why)
                .expect("writing to a String cannot fail");
        }
        for test in &self.failures {
            writeln!(report, "failed {test}").expect("writing to a String cannot fail");
        }
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped.len());
        writeln!(
            report,
            "{passed} passed, {failed} failed, {skipped} skipped"
        )
        .expect("writing to a String cannot fail");
        report
    }
}

/// Parses `test NAME ... RESULT`.
fn result(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("test ")?.rsplit_once(" ... ")
}

/// The number before a word in `ok. 3 passed; 0 failed`.
fn count(counts: &str, word: &str) -> usize {
    let mut words = counts.split_whitespace();
    let mut number = 0;
    for it in words.by_ref() {
        if it.trim_end_matches(';') == word {
            return number;
        }
        number = it.parse().unwrap_or(0);
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
running 4 tests
test routes::hello ... ok
test routes::page ... FAILED
test routes::slow ... ignored, takes an hour
test routes::real ... ok
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.02s

running 1 test
test src/lib.rs - (line 6) - compile ... ok
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s";

    #[test]
    fn the_results_of_all_test_programs_are_added_up() {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| tally.read(line));
        tally.skip(vec![
            Skipped::parse("routes::real\tno jaeger: not on PATH").unwrap(),
        ]);
        assert_eq!(
            tally.report(),
            "skipped routes::slow: takes an hour\n\
             skipped routes::real: no jaeger: not on PATH\n\
             failed routes::page\n\
             2 passed, 1 failed, 2 skipped\n"
        );
    }

    #[test]
    fn the_output_of_a_test_is_not_counted() {
        let mut tally = Tally::default();
        tally.read("the test result: ok. 7 passed; 0 failed");
        tally.read("    test nested ... FAILED");
        assert_eq!(tally.report(), "0 passed, 0 failed, 0 skipped\n");
    }
}
