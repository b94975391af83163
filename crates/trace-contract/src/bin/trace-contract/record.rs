//! `trace-contract record`.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use trace_contract::{
    Difference, DifferenceKind, Expectation, SpanId, Trace, defects, record,
    signs_of_incompleteness,
};

use crate::args::RecordArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::print;
use crate::target::Target;

const HEADER: &str = "\
# Recorded from one trace by `trace-contract record`. Review it, and keep what
# matters. `{type: int}` stands for a value that changes from run to run.
";

/// The number of warnings that are shown.
const MAX_LINES: usize = 8;

pub(crate) async fn run(args: RecordArgs) -> Result<(), Failure> {
    let input = Input::open(&args.input).await?;
    let target = Target::find(&args.request, args.trace_id, &input).await?;
    if let Some(exchange) = &target.exchange {
        // The standard output may be the contract.
        eprint!("{}", exchange.line());
        exchange.check_status(args.request.expect_status)?;
    }
    let settled = input.settled_trace(&target, args.input.settle).await?;
    let trace = settled.trace;
    reject_defects(&trace, &args.clocks.apply(target.expectation))?;
    eprintln!("complete: {}", settled.evidence);
    warn_of_missing_spans(&trace, target.expectation.parent);
    let contract = record(&trace).map_err(|error| Failure::Differs(error.to_string()))?;
    let text = format!("{HEADER}{}", contract.to_yaml());
    match &args.output {
        None => print(&text),
        Some(path) => {
            write_new(path, &text)?;
            let spans = trace.spans().len();
            print(&format!("{}: contract of {spans} spans\n", path.display()))
        }
    }
}

/// A contract of a trace that every check rejects would be useless.
fn reject_defects(trace: &Trace, expectation: &Expectation) -> Result<(), Failure> {
    let defects = defects(trace, expectation);
    if defects.is_empty() {
        return Ok(());
    }
    let mut report = "no contract was written, because check rejects this trace:\n".to_owned();
    for defect in defects.iter().take(MAX_LINES) {
        let _ = writeln!(report, "  - {defect}");
    }
    if defects.len() > MAX_LINES {
        let _ = writeln!(report, "  - ... {} more", defects.len() - MAX_LINES);
    }
    let is_clock = |defect: &Difference| defect.kind() == DifferenceKind::Clock;
    if defects.iter().any(is_clock) {
        report.push_str(
            "hint: --clock-skew TIME allows differences between instances, and \
             --same-instance-skew TIME within one; no option allows an end before a start",
        );
    }
    Err(Failure::Differs(report.trim_end().to_owned()))
}

fn warn_of_missing_spans(trace: &Trace, caller: Option<SpanId>) {
    let signs = signs_of_incompleteness(trace, caller);
    for sign in signs.iter().take(MAX_LINES) {
        eprintln!("warning: the trace may be incomplete: {sign}");
    }
    if signs.len() > MAX_LINES {
        eprintln!("warning: ... {} more", signs.len() - MAX_LINES);
    }
    if !signs.is_empty() {
        eprintln!("hint: if spans are missing, record again with a longer --settle");
    }
}

/// Never overwrites a file, which may be a contract that was edited.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Failure::not_checked(format!(
                "cannot write {}: {error}. Use -o with a file that does not exist",
                path.display()
            ))
        })
}
