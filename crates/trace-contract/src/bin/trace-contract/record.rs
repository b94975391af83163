//! `trace-contract record`.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use trace_contract::record;

use crate::args::RecordArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::print;
use crate::target::Target;

const HEADER: &str = "\
# Recorded from one trace by `trace-contract record`. Review it, and keep what
# matters. `{type: int}` stands for a value that changes from run to run.
";

pub(crate) async fn run(args: RecordArgs) -> Result<(), Failure> {
    let input = Input::open(&args.input).await?;
    let target = Target::find(&args.request, args.trace_id, &input).await?;
    if let Some(exchange) = &target.exchange {
        // The standard output may be the contract.
        eprint!("{}", exchange.line());
        exchange.check_status(args.request.expect_status)?;
    }
    let trace = input
        .source
        .stable_trace(target.trace_id, input.timeout)
        .await?;
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
