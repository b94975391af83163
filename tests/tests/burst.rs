//! At the default settings no span is lost: not under a steady load, not in a
//! burst that fills the machine, not with a Collector that is far away.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use tests::judge::{self, Alone, HELLO};
use tests::load::{Load, Pace, Until};
use tests::local::SystemSettings;
use tests::traced::Traced;
use trace_contract::Behaviour;

const LASTS: Duration = Duration::from_secs(5);
/// For the last spans to be exported, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Traces that are looked at span by span; of all others, spans are counted.
const KEPT: usize = 1000;

/// Puts the load on a system whose telemetry has no setting but where to export to.
async fn loses_nothing(behaviour: Behaviour, load: impl FnOnce(Load) -> Load) -> Result<()> {
    let alone = Alone::wait().await?;
    let mut traced = Traced::with(judge::patient(SystemSettings::plain())).await?;
    traced.receiver.behave(behaviour);
    let store = traced.receiver.store();
    store.keep(KEPT);

    let load = load(Load::get(&traced.system.url("/hello"))?.until(Until::Elapsed(LASTS)));
    let report = load.run().await;
    drop(alone);
    println!("{report}");
    assert!(
        report.failed() == 0 && report.answered() > 0,
        "every request must be answered: {report}\n{}",
        traced.system.report()
    );
    traced.system.wait_until_exported(PATIENCE).await?;
    let answered = report.answered();
    let hello = &traced.system.hello;
    for (service, each) in [(&traced.system.gateway, 5), (hello, 3)] {
        let spans = service.spans().await?;
        assert_eq!(spans.created(), answered * each, "{report}: {spans}");
        assert_eq!(spans.exported, spans.created(), "none is lost: {spans}");
        assert_eq!(spans.queue_capacity, 16_384, "the default queue: {spans}");
    }
    assert_eq!(
        (store.span_count(), store.duplicates()),
        (answered * 8, 0),
        "all 8 spans of {answered} requests must arrive, each once"
    );
    let kept = store.trace_ids();
    judge::whole(&store, &kept, HELLO)?;
    for spans in judge::end(&mut traced.system).await? {
        assert_eq!(spans.exported, spans.created(), "the last line: {spans}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_load_loses_no_span() -> Result<()> {
    let steady = |load: Load| load.connections(16).pace(Pace::PerSecond(300.0));
    loses_nothing(Behaviour::Accept, steady).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_that_fills_every_core_loses_no_span() -> Result<()> {
    let cores = thread::available_parallelism()?.get();
    let burst = |load: Load| load.connections(16 * cores).pace(Pace::Closed);
    loses_nothing(Behaviour::Accept, burst).await
}

/// 1,250 spans a second from the gateway, and each export takes 200 ms.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_far_away_loses_no_span() -> Result<()> {
    let steady = |load: Load| load.connections(16).pace(Pace::PerSecond(250.0));
    loses_nothing(Behaviour::Delay(Duration::from_millis(200)), steady).await
}
