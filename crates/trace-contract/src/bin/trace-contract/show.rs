//! `trace-contract show`.

use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::origin::Origin;
use crate::print;
use crate::request::Meant;

pub(crate) async fn run(args: ShowArgs) -> Result<(), Failure> {
    let origin = Origin::open(&args.origin).await?;
    let meant = Meant::find(&args.request, args.trace_id, &origin).await?;
    if let Some(sent) = &meant.sent {
        print(&sent.line())?;
        sent.check_status(args.request.expect_status)?;
    }
    let trace = origin
        .source
        .settled(meant.trace_id, origin.timeout)
        .await?;
    print(&args.picture.draw(&trace))
}
