//! What people do with the chart: test it, change it, go back, have two of it,
//! give it values that are wrong.

use anyhow::{Result, ensure};
use serde_json::json;
use tests::cluster::{Edge, on_stage};
use tests::skip;

/// One request is proved by `helm test`; without propagation in hello it fails, and
/// says which edge is missing. Each time at once, as whoever types one command after the
/// other: new pods are still let through network policies then, and old ones drain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_test_proves_a_trace_and_names_a_missing_edge() -> Result<()> {
    on_stage("test", async |namespace| {
        let release = namespace.install("onetrace", &json!({})).await?;
        let tested = release.test().await?;
        ensure!(tested.success, "helm test must pass: {}", tested.said);
        ensure!(
            tested.said.contains("contract satisfied"),
            "helm test must say what it has proved: {}",
            tested.said
        );
        let broken = json!({
            "services": {"hello": {"otel": {"OTEL_PROPAGATORS": "none"}}},
            "test": {"timeout": "15s"},
        });
        release.upgrade(&broken).await?;
        let tested = release.test().await?;
        ensure!(!tested.success, "helm test must fail: {}", tested.said);
        let missing = "gateway → hello: no hello SERVER span";
        ensure!(
            tested.said.contains(missing),
            "helm test must say {missing:?}: {}",
            tested.said
        );
        let pods = namespace.pods_of(release.part("test")).await?;
        ensure!(pods.len() == 1, "what differs must be final: {pods:?}");
        release.upgrade(&json!({})).await?;
        let tested = release.test().await?;
        ensure!(tested.success, "helm test must pass again: {}", tested.said);
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_value_fails_the_installation_which_names_it() -> Result<()> {
    on_stage("values", async |namespace| {
        for (values, named) in [
            (
                json!({"services": {"hello": {"replicas": "two"}}}),
                "services/hello/replicas",
            ),
            (
                json!({"services": {"hello": {"calls": {"X_URL": {"service": "nobody", "port": "http"}}}}}),
                "services.hello.calls.X_URL.service=nobody",
            ),
        ] {
            let outcome = namespace.try_install("onetrace", &values).await?;
            ensure!(!outcome.success, "{values} must be refused");
            ensure!(
                outcome.said.contains(named),
                "the refusal of {values} must name {named}: {}",
                outcome.said
            );
        }
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upgrade_and_the_way_back_lose_nothing() -> Result<()> {
    on_stage("upgrade", async |namespace| {
        let release = namespace.install_for_load("onetrace", &json!({})).await?;
        let there_and_back = async || {
            let values = json!({"environment": "upgraded"});
            release.upgrade_for_load(&values).await?;
            release.roll_back().await
        };
        let shown = release.under_load(there_and_back).await?;
        let pods = shown.account.pods.len();
        ensure!(pods == 12, "two services of two pods, three times: {pods}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_releases_in_a_namespace_keep_apart() -> Result<()> {
    on_stage("two", async |namespace| {
        let values = json!({"serviceDefaults": {"replicas": 1}});
        let blue = namespace.install("blue", &values).await?;
        let green = namespace.install("green", &values).await?;
        for (release, other) in [(&blue, &green), (&green, &blue)] {
            release.warm_up().await?;
            let request = release.get("/hello")?;
            let trace = release.check(&request, 200, "hello").await?;
            for span in trace.spans() {
                let deployment = span.resource.get("k8s.deployment.name");
                let expected = release.object(span.service());
                ensure!(
                    deployment == Some(&expected.as_str().into()),
                    "{} must be of {expected}, not of {deployment:?}",
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
        // What one leaves behind when it goes must not be the other's.
        blue.uninstall().await?;
        let request = green.get("/hello")?;
        green.check(&request, 200, "hello").await?;
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_edge_of_the_system_is_closed() -> Result<()> {
    on_stage("edges", async |namespace| {
        let release = namespace.install("onetrace", &json!({})).await?;
        release.warm_up().await?;
        let edge = |to, port, open| Edge { to, port, open };
        let stranger = [
            edge("gateway", 8080, true),
            edge("gateway-admin", 8081, false),
            edge("hello", 8090, false),
            edge("hello-admin", 8091, false),
            edge("collector", 4318, false),
            edge("jaeger", 16686, false),
        ];
        let gateway = [
            edge("hello", 8090, true),
            edge("collector", 4318, true),
            edge("hello-admin", 8091, false),
            edge("jaeger", 16686, false),
        ];
        let hello = [
            edge("gateway-admin", 8081, true),
            edge("gateway", 8080, false),
            edge("jaeger", 4318, false),
        ];
        tokio::try_join!(
            release.hold_edges(None, &stranger),
            release.hold_edges(Some("gateway"), &gateway),
            release.hold_edges(Some("hello"), &hello),
        )?;
        Ok(())
    })
    .await
}

/// Also with what changes a trace: one of its own at the edge, which `helm test` finds
/// by its link, and nothing of Kubernetes in its resources.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn helm_3_installs_tests_and_uninstalls_it_too() -> Result<()> {
    on_stage("helm3", async |namespace| {
        let helm = namespace.cluster.helm_called("helm3");
        if !helm.is_there().await {
            skip::skipped("helm3", "there is no helm3 on PATH");
            return Ok(());
        }
        let release = namespace
            .install_by(helm, "onetrace", &[], &json!({}))
            .await?;
        release.warm_up().await?;
        let request = release.get("/hello")?;
        release.check(&request, 200, "hello").await?;
        let another_trace = json!({
            "services": {"gateway": {"env": {"EDGE_TRACE": "link"}}},
            "collector": {"kubernetesAttributes": {"enabled": false}},
        });
        release.upgrade(&another_trace).await?;
        let tested = release.test().await?;
        ensure!(tested.success, "helm test must pass: {}", tested.said);
        release.uninstall().await
    })
    .await
}
