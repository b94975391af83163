//! `trace-contract check`.

use std::path::{Path, PathBuf};

use trace_contract::{Contract, Expectation, Settled, verify};

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
        settle: args.input.settle,
        ..args.clocks.apply(target.expectation)
    };
    let settled = verify_all(&contracts, &input, &target, &expectation).await?;
    if let Some(exchange) = &target.exchange {
        exchange.check_status(args.request.expect_status)?;
    }
    for (path, _) in &contracts {
        print(&format!("contract satisfied: {}\n", path.display()))?;
    }
    print(&format!("complete: {}\n", settled.evidence))?;
    print(&args.waterfall.draw(&settled.trace))
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

/// Waits until the trace satisfies all contracts. It settles once, for the first of them.
async fn verify_all(
    contracts: &[(&Path, Contract)],
    input: &Input,
    target: &Target,
    expectation: &Expectation,
) -> Result<Settled, Failure> {
    let mut settled: Option<Settled> = None;
    for (path, contract) in contracts {
        if let Some(settled) = &settled
            && contract.check(&settled.trace, expectation).is_ok()
        {
            continue;
        }
        let verified = verify(
            &input.source,
            target.trace_id,
            contract,
            expectation,
            input.timeout,
        );
        settled = Some(verified.await.map_err(|error| match Failure::from(error) {
            Failure::Differs(report) => Failure::Differs(format!("{}: {report}", path.display())),
            not_checked @ Failure::NotChecked(_) => not_checked,
        })?);
    }
    settled.ok_or_else(|| Failure::not_checked("no contract"))
}
