//! Tail sampling keeps failed and slow traces, complete, and drops the others.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::cluster::{Release, with_namespace};
use trace_contract::{Request, waterfall};

/// The sampler keeps all traces of trace-contract, so these requests have another user agent.
const USER_AGENT: &str = "user-agent: client";
const NO_FAULTS: &str = "{}";
const FAILING: &str = r#"{"error_rate": 1}"#;
const SLOW: &str = r#"{"delay": "700ms"}"#;
const ORDINARY_REQUESTS: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tail_sampling_keeps_failed_and_slow_traces_complete() -> Result<()> {
    with_namespace("sampling", async |namespace| {
        let values = json!({
            "services": {"hello": {"env": {"FAULTS": true}}},
            "collector": {"replicas": 2, "tailSampling": {
                "enabled": true, "replicas": 2, "decisionWait": "3s", "restPercent": 0,
            }},
        });
        let release = namespace.install("onetrace", &values).await?;
        release.warm_up().await?;
        let ordinary: Result<Vec<_>> = (0..ORDINARY_REQUESTS).map(|_| get(&release)).collect();
        let ordinary = ordinary?;
        for request in &ordinary {
            release.send(request, 200).await?;
        }
        release.set_faults(FAILING).await?;
        let failing = get(&release)?;
        release.check(&failing, 503, "hello-failing").await?;
        release.set_faults(SLOW).await?;
        release.check(&get(&release)?, 200, "hello").await?;
        release.set_faults(NO_FAULTS).await?;
        let of_trace_contract = release.get("/hello")?;
        release.check(&of_trace_contract, 200, "hello").await?;
        // The sampler decides in the order of arrival, so it has also decided on these.
        for request in &ordinary {
            let trace = release
                .jaeger()?
                .trace(request.traceparent().trace_id())
                .await;
            let trace = trace.context("reading an ordinary trace")?;
            ensure!(
                trace.is_none(),
                "ordinary traces must be dropped: {:?}",
                trace.as_ref().map(waterfall)
            );
        }
        Ok(())
    })
    .await
}

fn get(release: &Release) -> Result<Request> {
    Ok(release.get("/hello")?.header(USER_AGENT)?)
}
