//! Adds up what the test programs say.

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
    /// Takes in a line of `cargo test`.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
        } else if let Some((test, outcome)) = result(line) {
            match outcome {
                "FAILED" => self.failures.push(test.to_owned()),
                ignored if ignored.starts_with("ignored") => self.skipped.push(Skipped {
                    test: test.to_owned(),
                    why: ignored
                        .strip_prefix("ignored, ")
                        .unwrap_or("it is marked as ignored, without a reason")
                        .to_owned(),
                }),
                _ => {}
            }
        }
    }

    /// Counts as skipped the tests that said so themselves; for their harness
    /// they have passed.
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

    /// What was skipped and what failed, by name, then the closing line.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        for skipped in &self.skipped {
            writeln!(report, "skipped {}: {}", skipped.test, skipped.why)
                .expect("a String takes everything");
        }
        for test in &self.failures {
            writeln!(report, "failed {test}").expect("a String takes everything");
        }
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped.len());
        writeln!(
            report,
            "{passed} passed, {failed} failed, {skipped} skipped"
        )
        .expect("a String takes everything");
        report
    }
}

/// `test NAME ... OUTCOME`.
fn result(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("test ")?.rsplit_once(" ... ")
}

/// The number before a word, as in `ok. 3 passed; 0 failed`.
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
    fn all_test_programs_are_added_up() {
        let mut tally = Tally::default();
        OUTPUT.lines().for_each(|line| tally.read(line));
        tally.skip(vec![
            Skipped::parse("routes::real\tno jaeger: nowhere").unwrap(),
        ]);
        assert_eq!(
            tally.report(),
            "skipped routes::slow: takes an hour\n\
             skipped routes::real: no jaeger: nowhere\n\
             failed routes::page\n\
             2 passed, 1 failed, 2 skipped\n"
        );
    }

    #[test]
    fn what_a_test_prints_is_not_counted() {
        let mut tally = Tally::default();
        tally.read("the test result: ok. 7 passed; 0 failed");
        tally.read("    test nested ... FAILED");
        assert_eq!(tally.report(), "0 passed, 0 failed, 0 skipped\n");
    }
}
