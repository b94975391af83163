//! `trace-contract check`.

use std::path::{Path, PathBuf};

use trace_contract::{Contract, Expectation, Trace, verify};

use crate::args::CheckArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::print;
use crate::target::Target;

pub(crate) async fn run(args: CheckArgs) -> Result<(), Failure> {
    // An invalid contract is reported before a request is sent.
    let contracts = load(&args.contracts)?;
    let input = Input::open(&args.input).await?;
    let target = Target::find(&args.request, args.trace_id, &input).await?;
    if let Some(exchange) = &target.exchange {
        print(&exchange.line())?;
    }
    let expectation = Expectation {
        parent: args.parent.or(target.expectation.parent),
        clock_skew: args.clock_skew,
        stable_for: input.stable_for(args.settle),
        ..target.expectation
    };
    let trace = verify_all(&contracts, &input, &target, &expectation).await?;
    if let Some(exchange) = &target.exchange {
        exchange.check_status(args.request.expect_status)?;
    }
    for (path, _) in &contracts {
        print(&format!("contract satisfied: {}\n", path.display()))?;
    }
    print(&args.waterfall.draw(&trace))
}

fn load(paths: &[PathBuf]) -> Result<Vec<(&Path, Contract)>, Failure> {
    paths
        .iter()
        .map(|path| match Contract::load(path) {
            Ok(contract) => Ok((path.as_path(), contract)),
            Err(error) => Err(Failure::not_checked(error)),
        })
        .collect()
}

/// Waits until the trace satisfies each contract in turn.
async fn verify_all(
    contracts: &[(&Path, Contract)],
    input: &Input,
    target: &Target,
    expectation: &Expectation,
) -> Result<Trace, Failure> {
    let mut trace = Trace::new(target.trace_id, []);
    for (path, contract) in contracts {
        trace = verify(
            &input.source,
            target.trace_id,
            contract,
            expectation,
            input.timeout,
        )
        .await
        .map_err(|error| match Failure::from(error) {
            Failure::Differs(report) => Failure::Differs(format!("{}: {report}", path.display())),
            not_checked @ Failure::NotChecked(_) => not_checked,
        })?;
    }
    Ok(trace)
}
