//! An installation with the chart's defaults: complete traces whose resources describe the
//! pods that served the request.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use serde_json::json;
use tests::cluster::{PodState, Release, with_namespace};
use trace_contract::{Span, Value};

/// Enough concurrent requests to reach both replicas of each service: each request opens a
/// connection, and a Service distributes connections at random.
const REQUESTS: usize = 20;
/// Keeps all these requests active at the same time.
const DELAY: &str = r#"{"delay": "500ms"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_are_complete_and_identify_the_pods_that_responded() -> Result<()> {
    with_namespace("install", async |namespace| {
        let values = json!({"services": {"hello": {"env": {"FAULTS": true}}}});
        let release = namespace.install("onetrace", &values).await?;
        release.warm_up().await?;
        check_contracts(&release).await?;
        check_resources(&release).await
    })
    .await
}

async fn check_contracts(release: &Release) -> Result<()> {
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

/// Each span's resource must be that of an existing pod, and all pods must have responded.
async fn check_resources(release: &Release) -> Result<()> {
    let mut pods = BTreeMap::new();
    for service in ["gateway", "hello"] {
        let of_service = release.ready_pods(service).await?;
        ensure!(
            of_service.len() == 2 && of_service[0].node != of_service[1].node,
            "{service} must have two ready pods on two nodes: {of_service:?}"
        );
        pods.extend(of_service.into_iter().map(|pod| (pod.name.clone(), pod)));
    }
    release.set_faults(DELAY).await?;
    let requests: Result<Vec<_>> = (0..REQUESTS).map(|_| release.get("/hello")).collect();
    let requests = requests?;
    let checks = requests.iter().map(|it| release.check(it, 200, "hello"));
    let mut responded = BTreeSet::new();
    for trace in try_join_all(checks).await? {
        for span in trace.spans() {
            let name = resource_text(span, "k8s.pod.name")?;
            let pod = pods.get(&name).with_context(|| {
                let title = span.title();
                format!("{title} must be from one of {pods:?}, not from {name}")
            })?;
            check_resource(span, pod, release)?;
            responded.insert(name);
        }
    }
    ensure!(
        responded.len() == pods.len(),
        "{REQUESTS} concurrent requests must reach every pod, not only {responded:?} of {pods:?}"
    );
    Ok(())
}

fn check_resource(span: &Span, pod: &PodState, release: &Release) -> Result<()> {
    let (service, namespace) = (span.service(), &release.namespace.name);
    let deployment = release.object_name(service);
    let instance = format!("{namespace}.{}.{service}", pod.name);
    for (key, expected) in [
        ("k8s.pod.uid", &pod.uid),
        ("k8s.node.name", &pod.node),
        ("k8s.deployment.name", &deployment),
        ("k8s.namespace.name", namespace),
        ("service.instance.id", &instance),
    ] {
        let actual = resource_text(span, key)?;
        ensure!(
            actual == *expected,
            "{} must have {key}={expected}, not {actual}",
            span.title()
        );
    }
    let version = resource_text(span, "service.version")?;
    ensure!(
        pod.image.ends_with(&format!(":{version}")),
        "service.version={version} must be the tag of the image {}",
        pod.image
    );
    Ok(())
}

fn resource_text(span: &Span, key: &str) -> Result<String> {
    match span.resource.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        other => bail!("{key} of the resource of {} is {other:?}", span.title()),
    }
}
