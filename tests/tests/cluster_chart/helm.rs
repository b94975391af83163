//! Helm operations: test, upgrade, rollback, uninstall, invalid values, two releases, and
//! Helm 3.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::cluster::with_namespace;
use tests::skip;

/// `helm test` proves one trace. When hello does not propagate context, it fails and reports
/// the missing edge. Each test starts immediately after the installation or upgrade, while
/// network policies do not allow all connections of the new pods yet and old pods drain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_test_proves_a_trace_and_reports_a_missing_edge() -> Result<()> {
    with_namespace("test", async |namespace| {
        let release = namespace.install("onetrace", &json!({})).await?;
        let output = release.test().await?.into_text()?;
        ensure!(
            output.contains("contract satisfied"),
            "helm test must report the satisfied contract: {output}"
        );
        let broken = json!({
            "services": {"hello": {"otel": {"OTEL_PROPAGATORS": "none"}}},
            "test": {"timeout": "15s"},
        });
        release.upgrade(&broken).await?;
        let output = release.test().await?;
        ensure!(!output.success, "helm test must fail: {}", output.text);
        let missing = "gateway → hello: no hello SERVER span";
        ensure!(
            output.text.contains(missing),
            "helm test must report {missing:?}: {}",
            output.text
        );
        let pods = release.pods("test").await?;
        ensure!(
            pods.len() == 1,
            "a trace that differs must not be checked again: {pods:?}"
        );
        release.upgrade(&json!({})).await?;
        release.test().await?.into_text()?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_with_an_invalid_value_fails_and_names_the_value() -> Result<()> {
    with_namespace("values", async |namespace| {
        let call = json!({"service": "unknown", "port": "http"});
        for (values, name) in [
            (
                json!({"services": {"hello": {"replicas": "two"}}}),
                "services/hello/replicas",
            ),
            (
                json!({"services": {"hello": {"calls": {"X_URL": call}}}}),
                "services.hello.calls.X_URL.service=unknown",
            ),
        ] {
            let output = namespace.try_install("onetrace", &values).await?;
            ensure!(!output.success, "an installation with {values} must fail");
            ensure!(
                output.text.contains(name),
                "the error for {values} must name {name}: {}",
                output.text
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_and_a_rollback_lose_nothing() -> Result<()> {
    with_namespace("upgrade", async |namespace| {
        let release = namespace.install_for_load("onetrace", &json!({})).await?;
        let upgrade_and_roll_back = async || {
            release.upgrade(&json!({"environment": "upgraded"})).await?;
            release.roll_back().await
        };
        let result = release.run_without_loss(upgrade_and_roll_back).await?;
        let pods = result.accounting.pods;
        ensure!(
            pods.len() == 12,
            "three revisions of two services must have had two pods each: {pods:?}"
        );
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_releases_in_one_namespace_are_independent() -> Result<()> {
    with_namespace("two", async |namespace| {
        let values = json!({"serviceDefaults": {"replicas": 1}});
        let blue = namespace.install("blue", &values).await?;
        let green = namespace.install("green", &values).await?;
        for (release, other) in [(&blue, &green), (&green, &blue)] {
            release.warm_up().await?;
            let request = release.get("/hello")?;
            let trace = release.check(&request, 200, "hello").await?;
            for span in trace.spans() {
                let deployment = span.resource.get("k8s.deployment.name");
                let expected = release.object_name(span.service());
                ensure!(
                    deployment == Some(&expected.as_str().into()),
                    "{} must be from {expected}, not from {deployment:?}",
                    span.title()
                );
            }
            let elsewhere = other.jaeger()?.trace(trace.id()).await?;
            ensure!(
                elsewhere.is_none(),
                "a trace of {} must not be in the Jaeger of {}",
                release.name,
                other.name
            );
        }
        // Objects of one release must not depend on those of the other.
        blue.uninstall().await?;
        let request = green.get("/hello")?;
        green.check(&request, 200, "hello").await?;
        Ok(())
    })
    .await
}

/// The upgrade changes how `helm test` finds a trace: the gateway starts a new trace with a
/// link to the caller's, and resources have no attributes of Kubernetes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_3_installs_tests_and_uninstalls_the_chart() -> Result<()> {
    with_namespace("helm3", async |namespace| {
        let version = namespace.cluster.run("helm3", &["version"], "").await;
        if !version.is_ok_and(|output| output.success) {
            skip::skipped("helm3", "helm3 is not on PATH");
            return Ok(());
        }
        let release = namespace
            .install_by("helm3", "onetrace", &json!({}))
            .await?;
        release.warm_up().await?;
        let request = release.get("/hello")?;
        release.check(&request, 200, "hello").await?;
        let new_trace = json!({
            "services": {"gateway": {"env": {"EDGE_TRACE": "link"}}},
            "collector": {"kubernetesAttributes": {"enabled": false}},
        });
        release.upgrade(&new_trace).await?;
        release.test().await?.into_text()?;
        release.uninstall().await
    })
    .await
}
