//! `trace-contract show`.

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::print;
use crate::target::Target;

pub(crate) async fn run(args: ShowArgs) -> Result<(), Failure> {
    let input = Input::open(&args.input).await?;
    let target = Target::find(&args.request, args.trace_id, &input).await?;
    if let Some(exchange) = &target.exchange {
        print(&exchange.line())?;
        exchange.check_status(args.request.expect_status)?;
    }
    let settled = input.settled_trace(&target, args.input.settle).await?;
    print(&args.waterfall.draw(&settled.trace))?;
    print(&format!("complete: {}\n", settled.evidence))
}
