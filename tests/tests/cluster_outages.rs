//! Outages that are longer than the queues hold: spans are lost, no request fails, and
//! each span that is not in Jaeger is in one figure that somebody can read, and in one
//! only: `created = stored + dropped by services + given up by Collectors`, exactly.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::cluster::{Collectors, Release, on_stage, spans_of};
use tests::wait;

/// How long a Collector may take to give up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Queues of services that are full within seconds of the load.
fn short_queues(export_timeout: u64) -> Value {
    json!({
        "OTEL_BSP_MAX_QUEUE_SIZE": 256,
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 128,
        "OTEL_BSP_EXPORT_TIMEOUT": export_timeout,
    })
}

/// The Collectors' queues fill up, then the services'. Collectors lose nothing: what
/// they refuse stays with its sender.
///
/// The sum is exact although a sender which gives up waiting for an answer cannot know
/// what has become of its batch (OTLP delivers at least once): the batch is sent until
/// it is accepted, since `OTEL_BSP_EXPORT_TIMEOUT` is longer than this test, and Jaeger
/// has a span that came twice once. So what is dropped was never sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_outage_of_jaeger_costs_is_in_the_services_books() -> Result<()> {
    on_stage("no-jaeger", async |namespace| {
        let queue = json!({"queue_size": 262_144});
        let values = json!({
            "otel": short_queues(600_000),
            "collector": {"config": {"exporters": {"otlp_grpc/jaeger": {"sending_queue": queue}}}},
        });
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            release.wait_for_losses(&["queue_full"]).await?;
            wait_for(&release, "to refuse spans", |spans| spans.refused > 0).await?;
            release.scale("jaeger", 1).await
        };
        let shown = release.load(outage).await?;
        let account = shown.account;
        account.hold_warned(&release).await?;
        ensure!(
            account.lost() == account.lost_by("queue_full"),
            "only what found the queue full may be lost: {account:?}"
        );
        let collectors = Collectors::settled(&release).await?;
        println!("{account:?}\n{collectors}");
        ensure!(
            collectors.send_failed == 0,
            "a Collector must give up nothing: {collectors}"
        );
        let stored = account.sampled() - account.lost();
        spans_of(&release.jaeger()?, &shown.report.traces, stored).await
    })
    .await
}

/// Here a batch is given up, too, after `OTEL_BSP_EXPORT_TIMEOUT`. None of them has
/// been sent, for nobody listens: the sum is exact.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_outage_of_the_collectors_costs_is_in_the_services_books() -> Result<()> {
    on_stage("no-collector", async |namespace| {
        let values = json!({"otel": short_queues(3000)});
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("collector", 0).await?;
            let reasons = ["queue_full", "export_timeout"];
            release.wait_for_losses(&reasons).await?;
            release.scale("collector", 2).await
        };
        let shown = release.load(outage).await?;
        let account = shown.account;
        println!("{account:?}");
        account.hold_warned(&release).await?;
        let stored = account.sampled() - account.lost();
        spans_of(&release.jaeger()?, &shown.report.traces, stored).await
    })
    .await
}

/// A Collector that is told to give up loses what it had accepted, and says so in
/// `otelcol_exporter_send_failed_spans`. The chart's alerts name metrics that there are.
///
/// The sum is exact, since Jaeger answers what it has taken before it ends: no batch is
/// given up that was stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_collectors_give_up_is_in_their_books() -> Result<()> {
    on_stage("giving-up", async |namespace| {
        let retry = json!({"max_interval": "1s", "max_elapsed_time": "3s"});
        let values = json!({
            "collector": {"config": {"exporters": {"otlp_grpc/jaeger": {"retry_on_failure": retry}}}},
        });
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            wait_for(&release, "to give up spans", |spans| spans.send_failed > 0).await?;
            release.scale("jaeger", 1).await
        };
        let shown = release.load(outage).await?;
        let account = shown.account;
        account.hold_no_loss()?;
        let collectors = Collectors::settled(&release).await?;
        println!("{account:?}\n{collectors}");
        ensure!(
            collectors.accepted == account.exported(),
            "what services have exported must be what Collectors have accepted: {collectors}, {account:?}"
        );
        let stored = account.sampled() - collectors.send_failed;
        spans_of(&release.jaeger()?, &shown.report.traces, stored).await?;
        alerts_name_metrics_that_there_are(&release).await
    })
    .await
}

async fn wait_for(
    release: &Release,
    what: &str,
    has_come: impl Fn(&Collectors) -> bool,
) -> Result<()> {
    let what = format!("the Collectors {what}");
    wait::until(&what, PATIENCE, async || {
        let figures = Collectors::of(release).await;
        let figures = figures.map_err(|error| format!("{error:#}"))?;
        if has_come(&figures) {
            Ok(())
        } else {
            Err(figures.to_string())
        }
    })
    .await
}

async fn alerts_name_metrics_that_there_are(release: &Release) -> Result<()> {
    let alerts = release.alerts().await?;
    let words = alerts.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let named: BTreeSet<_> = words.filter(|word| word.starts_with("otel")).collect();
    for metric in [
        "otel_sdk_exporter_span_exported_total",
        "otelcol_exporter_send_failed_spans",
    ] {
        ensure!(
            named.contains(metric),
            "an alert must be about {metric}: {named:?}"
        );
    }
    let mut texts = Vec::new();
    for part in ["gateway", "hello", "collector"] {
        texts.extend(release.metrics(part).await?);
    }
    let there = |metric: &str| {
        let mut lines = texts.iter().flat_map(|text| text.lines());
        lines.any(|line| {
            line.strip_prefix(metric)
                .is_some_and(|rest| rest.starts_with('{'))
        })
    };
    let missing: Vec<_> = named.iter().filter(|metric| !there(metric)).collect();
    ensure!(
        missing.is_empty(),
        "alerts are about metrics that nobody has: {missing:?}"
    );
    Ok(())
}
