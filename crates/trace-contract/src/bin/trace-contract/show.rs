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
    let trace = input
        .source
        .stable_trace(target.trace_id, input.timeout)
        .await?;
    print(&args.waterfall.draw(&trace))
}
