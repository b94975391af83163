//! What `helm install` gives: whole traces, from the very pods that answered, and
//! closed doors.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use tests::cluster::{PodState, Release, on_stage};
use trace_contract::{Span, Value};

/// Requests at once, so many that each of two replicas surely answers some: each
/// takes a connection of its own, and a Service deals connections out by chance.
const AT_ONCE: usize = 20;
/// Until all of them are under way.
const DELAY: &str = r#"{"delay": "500ms"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_trace_is_whole_and_of_the_pods_that_answered() -> Result<()> {
    on_stage("install", async |namespace| {
        let values = json!({"services": {"hello": {"env": {"FAULTS": true}}}});
        let release = namespace.install("onetrace", &values).await?;
        release.warm_up().await?;
        contracts(&release).await?;
        resources(&release).await
    })
    .await
}

async fn contracts(release: &Release) -> Result<()> {
    for (path, status, contract) in [
        ("/hello", 200, "hello"),
        ("/hello/Welt", 200, "hello-name"),
        ("/no/such/route", 404, "unknown-route"),
        ("/", 200, "page"),
    ] {
        let request = release.get(path)?;
        release.check(&request, status, contract).await?;
    }
    Ok(())
}

/// Each span's resource is that of a pod that is there, and both replicas of both
/// services have answered.
async fn resources(release: &Release) -> Result<()> {
    let mut pods = BTreeMap::new();
    for service in ["gateway", "hello"] {
        let of_service = release.namespace.ready_pods(release.part(service)).await?;
        ensure!(
            of_service.len() == 2,
            "{service} must have two ready pods: {of_service:?}"
        );
        ensure!(
            of_service[0].node != of_service[1].node,
            "the pods of {service} must be spread over the nodes: {of_service:?}"
        );
        pods.extend(of_service.into_iter().map(|pod| (pod.name.clone(), pod)));
    }
    release.set_faults(DELAY).await?;
    let requests: Vec<_> = (0..AT_ONCE)
        .map(|_| release.get("/hello"))
        .collect::<Result<_>>()?;
    let checks = requests.iter().map(|it| release.check(it, 200, "hello"));
    let mut seen = BTreeSet::new();
    for trace in try_join_all(checks).await? {
        for span in trace.spans() {
            let name = text(span, "k8s.pod.name")?;
            let pod = pods.get(&name);
            let pod = pod.with_context(|| {
                let title = span.title();
                format!("{title} is of the pod {name}, which is not one of {pods:?}")
            })?;
            is_of(span, pod, release)?;
            seen.insert(name);
        }
    }
    ensure!(
        seen.len() == pods.len(),
        "{AT_ONCE} requests at once must reach every pod, and reached {seen:?} of {pods:?}"
    );
    Ok(())
}

fn is_of(span: &Span, pod: &PodState, release: &Release) -> Result<()> {
    let (service, namespace) = (span.service(), &release.namespace.name);
    let deployment = release.object(service);
    let instance = format!("{namespace}.{}.{service}", pod.name);
    for (key, expected) in [
        ("k8s.pod.uid", &pod.uid),
        ("k8s.node.name", &pod.node),
        ("k8s.deployment.name", &deployment),
        ("k8s.namespace.name", namespace),
        ("service.instance.id", &instance),
    ] {
        let found = text(span, key)?;
        ensure!(
            found == *expected,
            "{} must have {key}={expected}, not {found}",
            span.title()
        );
    }
    let version = text(span, "service.version")?;
    ensure!(
        pod.image.ends_with(&format!(":{version}")),
        "service.version={version} must be the tag of the image {}",
        pod.image
    );
    Ok(())
}

fn text(span: &Span, key: &str) -> Result<String> {
    match span.resource.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        other => anyhow::bail!("the resource of {} has {key}: {other:?}", span.title()),
    }
}
