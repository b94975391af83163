//! Tail sampling keeps what failed and what was slow, whole, and not the rest.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::cluster::{Release, on_stage};
use trace_contract::Request;

/// The sampler keeps whatever trace-contract asks for, so these must not be its.
const CALLER: &str = "user-agent: somebody";
const AT_REST: &str = "{}";
const FAILING: &str = r#"{"error_rate": 1}"#;
const SLOW: &str = r#"{"delay": "700ms"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_and_what_was_slow_is_kept_whole() -> Result<()> {
    on_stage("sampling", async |namespace| {
        let values = json!({
            "services": {"hello": {"env": {"FAULTS": true}}},
            "collector": {"replicas": 2, "tailSampling": {
                "enabled": true, "replicas": 2, "decisionWait": "3s", "restPercent": 0,
            }},
        });
        let release = namespace.install("onetrace", &values).await?;
        release.warm_up().await?;
        let ordinary: Vec<_> = (0..10)
            .map(|_| of_somebody(&release))
            .collect::<Result<_>>()?;
        for request in &ordinary {
            release.send(request, 200).await?;
        }
        release.set_faults(FAILING).await?;
        release
            .check(&of_somebody(&release)?, 503, "hello-failing")
            .await?;
        release.set_faults(SLOW).await?;
        release.check(&of_somebody(&release)?, 200, "hello").await?;
        release.set_faults(AT_REST).await?;
        release.check(&release.get("/hello")?, 200, "hello").await?;
        // The later ones have been decided on, and so have these.
        for request in &ordinary {
            let trace = release.jaeger()?.trace(request.sent_as().trace_id()).await;
            let trace = trace.context("asking for what must not be kept")?;
            ensure!(
                trace.is_none(),
                "of the rest nothing must be kept, and {:?} was",
                trace.map(|trace| trace_contract::waterfall(&trace))
            );
        }
        Ok(())
    })
    .await
}

fn of_somebody(release: &Release) -> Result<Request> {
    Ok(release.get("/hello")?.header(CALLER)?)
}
