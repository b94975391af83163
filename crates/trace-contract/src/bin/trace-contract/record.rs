//! `trace-contract record`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use trace_contract::record;

use crate::args::RecordArgs;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::print;
use crate::request::Meant;

const HEADER: &str = "\
# Recorded from one trace by `trace-contract record`: read it through, and keep
# what matters. `{type: int}` stands for a value that changes from run to run.
";

pub(crate) async fn run(args: RecordArgs) -> Result<(), Failure> {
    let origin = Origin::open(&args.origin).await?;
    let meant = Meant::find(&args.request, args.trace_id, &origin).await?;
    if let Some(sent) = &meant.sent {
        eprint!("{}", sent.line());
        sent.check_status(args.request.expect_status)?;
    }
    let trace = origin
        .source
        .settled(meant.trace_id, origin.timeout)
        .await?;
    let contract = record(&trace).map_err(|error| Failure::Differs(error.to_string()))?;
    let text = format!("{HEADER}{}", contract.to_yaml());
    match &args.output {
        None => print(&text),
        Some(path) => {
            write_new(path, &text)?;
            print(&format!(
                "{}: the contract of {} spans\n",
                path.display(),
                trace.spans().len()
            ))
        }
    }
}

/// A contract that somebody has worked on is not written over.
fn write_new(path: &Path, text: &str) -> Result<(), Failure> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| {
            Failure::not_checked(format!(
                "cannot write {}: {error}. Give -o a file that does not exist",
                path.display()
            ))
        })
}
