//! `trace-contract check`.

use std::path::{Path, PathBuf};

use trace_contract::{Contract, Expectation, Trace, verify};

use crate::args::CheckArgs;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::print;
use crate::request::Meant;

pub(crate) async fn run(args: CheckArgs) -> Result<(), Failure> {
    let contracts = load(&args.contracts)?;
    let origin = Origin::open(&args.origin).await?;
    let meant = Meant::find(&args.request, args.trace_id, &origin).await?;
    let expectation = Expectation {
        parent: args.parent.or(meant.expectation.parent),
        clock_skew: args.clock_skew,
        settle: origin.settle(args.settle),
        ..meant.expectation
    };
    let meant = Meant {
        expectation,
        ..meant
    };
    if let Some(sent) = &meant.sent {
        print(&sent.line())?;
    }
    let trace = satisfied(&contracts, &origin, &meant).await?;
    if let Some(sent) = &meant.sent {
        sent.check_status(args.request.expect_status)?;
    }
    for (path, _) in &contracts {
        print(&format!("contract satisfied: {}\n", path.display()))?;
    }
    print(&args.picture.draw(&trace))
}

/// All contracts are read before anything is sent.
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
async fn satisfied(
    contracts: &[(&Path, Contract)],
    origin: &Origin,
    meant: &Meant,
) -> Result<Trace, Failure> {
    let mut trace = Trace::new(meant.trace_id, []);
    for (path, contract) in contracts {
        trace = verify(
            &origin.source,
            meant.trace_id,
            contract,
            &meant.expectation,
            origin.timeout,
        )
        .await
        .map_err(|error| match Failure::from(error) {
            Failure::Differs(report) => Failure::Differs(format!("{}: {report}", path.display())),
            not_checked @ Failure::NotChecked(_) => not_checked,
        })?;
    }
    Ok(trace)
}
