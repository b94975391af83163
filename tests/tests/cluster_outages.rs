//! Outages that last longer than the queues can hold spans. Spans are lost, but no request
//! fails, and exactly one counter accounts for each span that is not in Jaeger:
//! `created = stored + dropped by services + dropped by Collectors`.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tests::cluster::{CollectorCounts, Release, wait_for_span_count, with_namespace};

/// The Collectors' queues fill up, then the services' queues. The Collectors drop nothing:
/// the sender keeps what they refuse.
///
/// The sum is exact although OTLP delivers at least once, so that a sender whose export has
/// timed out cannot know what became of the batch. Here no export times out, because
/// `OTEL_BSP_EXPORT_TIMEOUT` is longer than this test, and Jaeger stores a span that it
/// receives twice only once. So no dropped span was ever sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_count_the_spans_lost_in_an_outage_of_jaeger() -> Result<()> {
    with_namespace("no-jaeger", async |namespace| {
        let queue = json!({"sending_queue": {"queue_size": 262_144}});
        let values = json!({
            "otel": short_queues(600_000),
            "collector": {"config": {"exporters": {"otlp_grpc/jaeger": queue}}},
        });
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            release.wait_for_losses(&["queue_full"]).await?;
            let what = "the Collectors to refuse spans";
            CollectorCounts::wait_for(&release, what, |counts| counts.refused > 0).await?;
            release.scale("jaeger", 1).await
        };
        let result = release.run_under_load(outage).await?;
        let accounting = result.accounting;
        accounting.ensure_losses_are_logged(&release).await?;
        ensure!(
            accounting.lost() == accounting.lost_by("queue_full"),
            "spans may be lost only because the queue was full: {accounting:?}"
        );
        let collectors = CollectorCounts::wait_until_complete(&release).await?;
        println!("{accounting:?}\n{collectors:?}");
        ensure!(
            collectors.send_failed == 0,
            "the Collectors must not drop spans: {collectors:?}"
        );
        let stored = accounting.sampled() - accounting.lost();
        wait_for_span_count(&release.jaeger()?, &result.requests.traces, stored).await
    })
    .await
}

/// Batches are also dropped after `OTEL_BSP_EXPORT_TIMEOUT`. The sum is exact because none
/// of these batches was sent: no Collector accepts connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_count_the_spans_lost_in_an_outage_of_the_collectors() -> Result<()> {
    with_namespace("no-collector", async |namespace| {
        let values = json!({"otel": short_queues(3000)});
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("collector", 0).await?;
            let reasons = ["queue_full", "export_timeout"];
            release.wait_for_losses(&reasons).await?;
            release.scale("collector", 2).await
        };
        let result = release.run_under_load(outage).await?;
        let accounting = result.accounting;
        println!("{accounting:?}");
        accounting.ensure_losses_are_logged(&release).await?;
        let stored = accounting.sampled() - accounting.lost();
        wait_for_span_count(&release.jaeger()?, &result.requests.traces, stored).await
    })
    .await
}

/// A Collector with a short `max_elapsed_time` drops spans that it has accepted, and counts
/// them in `otelcol_exporter_send_failed_spans`. All metrics in the chart's alerts exist.
///
/// The sum is exact because Jaeger acknowledges what it has received before it ends, so no
/// dropped batch was stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_count_the_spans_that_they_drop() -> Result<()> {
    with_namespace("dropping", async |namespace| {
        let retry = json!({"max_interval": "1s", "max_elapsed_time": "3s"});
        let retry = json!({"retry_on_failure": retry});
        let values = json!({
            "collector": {"config": {"exporters": {"otlp_grpc/jaeger": retry}}},
        });
        let release = namespace.install_for_load("onetrace", &values).await?;
        let outage = async || {
            release.scale("jaeger", 0).await?;
            let what = "the Collectors to drop spans";
            CollectorCounts::wait_for(&release, what, |counts| counts.send_failed > 0).await?;
            release.scale("jaeger", 1).await
        };
        let result = release.run_under_load(outage).await?;
        let accounting = result.accounting;
        accounting.ensure_no_loss()?;
        let collectors = CollectorCounts::wait_until_complete(&release).await?;
        println!("{accounting:?}\n{collectors:?}");
        ensure!(
            collectors.accepted == accounting.exported(),
            "the Collectors must have accepted what the services have exported: \
             {collectors:?}, {accounting:?}"
        );
        let stored = accounting.sampled() - collectors.send_failed;
        wait_for_span_count(&release.jaeger()?, &result.requests.traces, stored).await?;
        ensure_metrics_in_alerts_exist(&release).await
    })
    .await
}

/// Short queues of the services, which are full after a few seconds of load.
fn short_queues(export_timeout_ms: u64) -> Value {
    json!({
        "OTEL_BSP_MAX_QUEUE_SIZE": 256,
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 128,
        "OTEL_BSP_EXPORT_TIMEOUT": export_timeout_ms,
    })
}

async fn ensure_metrics_in_alerts_exist(release: &Release) -> Result<()> {
    let alerts = release.alerts().await?;
    let words = alerts.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let in_alerts: BTreeSet<_> = words.filter(|word| word.starts_with("otel")).collect();
    for metric in [
        "otel_sdk_exporter_span_exported_total",
        "otelcol_exporter_send_failed_spans",
    ] {
        ensure!(
            in_alerts.contains(metric),
            "an alert must use {metric}: {in_alerts:?}"
        );
    }
    let mut texts = Vec::new();
    for component in ["gateway", "hello", "collector"] {
        texts.extend(release.metrics(component).await?);
    }
    let lines = texts.iter().flat_map(|text| text.lines());
    let existing: BTreeSet<_> = lines
        .filter_map(|line| Some(line.split_once('{')?.0))
        .collect();
    let missing: Vec<_> = in_alerts
        .difference(&existing)
        // Only a Collector with tail sampling has them, and this release has none.
        .filter(|metric| !metric.starts_with("otelcol_processor_tail_sampling_"))
        .collect();
    ensure!(
        missing.is_empty(),
        "alerts use metrics that do not exist: {missing:?}"
    );
    Ok(())
}
