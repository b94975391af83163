//! A release of the chart in a namespace.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::{Value, json};
use tokio::time::Instant;
use trace_contract::{Answer, Expectation, Jaeger, Request, Source, Trace, verify};

use super::{Forward, Helm, Namespace, Outcome, Part};
use crate::{traced, wait};

const CHART: &str = "charts/onetrace";
const E2E_VALUES: &str = "k8s/values-e2e.yaml";
const HELLO_ADMIN: u16 = 8091;
/// Requests of one round of warming up.
const WARMING: usize = 20;
/// Less than an attempt of the gateway's may take.
const AT_ONCE: Duration = Duration::from_millis(1500);
/// How long a trace may take into Jaeger on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An installed release, and the way to its gateway and its Jaeger.
pub struct Release {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub namespace: Namespace,
    helm: Helm,
    gateway: Forward,
    jaeger: Forward,
}

impl Namespace {
    /// Installs the chart with its defaults and `values`, and waits until it is ready.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn install(&self, name: &str, values: &Value) -> Result<Release> {
        let helm = self.cluster.helm();
        self.install_by(helm, name, &[], values).await
    }

    /// Installs the chart as the tests under load need it: with `k8s/values-e2e.yaml`,
    /// and the gateway on a port of the nodes.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn install_for_load(&self, name: &str, values: &Value) -> Result<Release> {
        let mut all = json!({"services": {"gateway": {"service": {"type": "NodePort"}}}});
        merge(&mut all, values);
        let helm = self.cluster.helm();
        self.install_by(helm, name, &[E2E_VALUES], &all).await
    }

    /// Installs the chart by a given Helm, with further files of values.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn install_by(
        &self,
        helm: Helm,
        name: &str,
        files: &[&str],
        values: &Value,
    ) -> Result<Release> {
        self.apply(&helm, "install", name, files, values).await?;
        let part = |part| Part {
            release: name,
            name: part,
        };
        Ok(Release {
            name: name.to_owned(),
            namespace: self.clone(),
            helm,
            gateway: Forward::to_part(self, part("gateway"), 8080).await?,
            jaeger: Forward::to_part(self, part("jaeger"), 16686).await?,
        })
    }

    /// Asks Helm to install the chart with values; says what came of it.
    ///
    /// # Errors
    /// When Helm cannot be started.
    pub async fn try_install(&self, name: &str, values: &Value) -> Result<Outcome> {
        let images = self.images()?;
        let arguments = [name, CHART, "--namespace", &self.name, "--values", &images];
        let helm = self.cluster.helm();
        helm.call("install", &arguments, Some(values)).await
    }

    async fn apply(
        &self,
        helm: &Helm,
        command: &str,
        name: &str,
        files: &[&str],
        values: &Value,
    ) -> Result<()> {
        let images = self.images()?;
        let mut arguments = vec![name, CHART, "--namespace", &self.name];
        for file in files.iter().chain([&images.as_str()]) {
            arguments.extend(["--values", file]);
        }
        helm.call_and_wait(command, &arguments, Some(values)).await
    }

    fn images(&self) -> Result<String> {
        let images = self.cluster.images.to_str();
        Ok(images.context("the path of the images' tags")?.to_owned())
    }
}

impl Release {
    /// A part of it.
    pub fn part<'a>(&'a self, name: &'a str) -> Part<'a> {
        Part {
            release: &self.name,
            name,
        }
    }

    /// The name of an object that belongs to a part.
    pub fn object(&self, part: &str) -> String {
        format!("{}-{part}", self.name)
    }

    /// Sends requests, many at once, until all are answered at once: a CNI lets a new
    /// pod through its network policies a moment after it is ready, and until then a
    /// call is tried again, which a contract of one call does not allow.
    ///
    /// # Errors
    /// When it takes too long.
    pub async fn warm_up(&self) -> Result<()> {
        let what = "all requests to be answered at the first attempt";
        wait::until(what, PATIENCE, async || {
            let began = Instant::now();
            let requests: Vec<_> = (0..WARMING).map(|_| self.get("/hello")).collect();
            let sending = requests.iter().map(async |request| match request {
                Ok(request) => self
                    .send(request, 200)
                    .await
                    .map_err(|it| format!("{it:#}")),
                Err(error) => Err(format!("{error:#}")),
            });
            try_join_all(sending).await?;
            match began.elapsed() {
                quick if quick < AT_ONCE => Ok(()),
                slow => Err(format!("answers after {slow:.1?}")),
            }
        })
        .await
    }

    /// A `GET` of the gateway's public API, by port-forward.
    ///
    /// # Errors
    /// When `path` makes no URL.
    pub fn get(&self, path: &str) -> Result<Request> {
        Ok(Request::get(&format!("{}{path}", self.gateway.url()))?)
    }

    /// Its Jaeger, by port-forward.
    ///
    /// # Errors
    /// When the platform cannot give an HTTP client.
    pub fn jaeger(&self) -> Result<Jaeger> {
        Ok(Jaeger::new(&self.jaeger.url())?)
    }

    /// Sends a request and holds its answer to `status`.
    ///
    /// # Errors
    /// When there is no answer, or another one.
    pub async fn send(&self, request: &Request, status: u16) -> Result<Answer> {
        let answer = request.send().await?;
        ensure!(
            answer.status.as_u16() == status,
            "{} must be answered {status}, not {} with {:?}",
            request.shown(),
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer)
    }

    /// Sends a request, and holds the answer to `status` and its trace in Jaeger, as
    /// a continuation of the caller's, to a contract of `tests/contracts`.
    ///
    /// # Errors
    /// When anything is otherwise; with the difference.
    pub async fn check(&self, request: &Request, status: u16, contract: &str) -> Result<Trace> {
        self.send(request, status).await?;
        let contract = traced::load(contract)?;
        let sent = request.sent_as();
        let expectation = Expectation::continues(sent);
        let source = Source::from(self.jaeger()?);
        let id = sent.trace_id();
        match verify(&source, id, &contract, &expectation, PATIENCE).await {
            Ok(trace) => Ok(trace),
            Err(error) => bail!("{}: {error}", request.shown()),
        }
    }

    /// Sets the faults of every pod of hello, which must have `FAULTS`.
    ///
    /// # Errors
    /// When one does not take them.
    pub async fn set_faults(&self, faults: &str) -> Result<()> {
        for pod in self.namespace.ready_pods(self.part("hello")).await? {
            let forward = Forward::to_pod(&self.namespace, &pod.name, HELLO_ADMIN).await?;
            let request = Request::get(&format!("{}/faults", forward.url()))?
                .method("POST")?
                .header("content-type: application/json")?
                .body(faults);
            self.send(&request, 200).await?;
        }
        Ok(())
    }

    /// Upgrades it to other values, and waits until it is ready.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn upgrade(&self, values: &Value) -> Result<()> {
        let (helm, name) = (&self.helm, &self.name);
        self.namespace
            .apply(helm, "upgrade", name, &[], values)
            .await
    }

    /// Upgrades it to other values of the tests under load, and waits until it is ready.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn upgrade_for_load(&self, values: &Value) -> Result<()> {
        let mut all = json!({"services": {"gateway": {"service": {"type": "NodePort"}}}});
        merge(&mut all, values);
        let (helm, name) = (&self.helm, &self.name);
        self.namespace
            .apply(helm, "upgrade", name, &[E2E_VALUES], &all)
            .await
    }

    /// Goes back to the revision before, and waits until it is ready.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn roll_back(&self) -> Result<()> {
        let arguments = [&self.name, "--namespace", &self.namespace.name];
        self.helm.call_and_wait("rollback", &arguments, None).await
    }

    /// Uninstalls it, and waits until its objects are gone.
    ///
    /// # Errors
    /// When Helm fails.
    pub async fn uninstall(self) -> Result<()> {
        let arguments = [&self.name, "--namespace", &self.namespace.name];
        self.helm.call_and_wait("uninstall", &arguments, None).await
    }

    /// `helm test`, and what the test's pods wrote, which Helm 3 does not show.
    ///
    /// # Errors
    /// When Helm cannot be started, or the pods' logs cannot be read.
    pub async fn test(&self) -> Result<Outcome> {
        let namespace = &self.namespace.name;
        let arguments = [&self.name, "--namespace", namespace, "--timeout", "250s"];
        let mut outcome = self.helm.call("test", &arguments, None).await?;
        for pod in self.namespace.pods_of(self.part("test")).await? {
            let pods = self.namespace.pods();
            let log = pods.logs(&pod.name, &LogParams::default()).await?;
            outcome.said.push('\n');
            outcome.said.push_str(&log);
        }
        Ok(outcome)
    }

    /// The image of the trace test.
    pub(super) async fn test_image(&self) -> Result<String> {
        let arguments = ["hooks", &self.name, "--namespace", &self.namespace.name];
        let hooks = self.helm.call("get", &arguments, None).await?.said;
        let mut lines = hooks.lines().map(str::trim);
        let image = lines.find_map(|line| line.strip_prefix("image: "));
        let image = image.with_context(|| format!("no image in the hooks: {hooks}"))?;
        Ok(image.trim_matches('"').to_owned())
    }

    /// A URL of the gateway's public API at a node, which only a release for load has.
    ///
    /// # Errors
    /// When the Service has no such port, or no node an address.
    pub async fn node_url(&self, path: &str) -> Result<String> {
        let client = self.namespace.cluster.client();
        let services: Api<Service> = Api::namespaced(client.clone(), &self.namespace.name);
        let service = services.get(&self.object("gateway")).await?;
        let ports = service.spec.and_then(|spec| spec.ports);
        let port = ports.iter().flatten().find_map(|port| port.node_port);
        let port = port.context("the gateway's Service has no port at the nodes")?;
        // The control plane is never drained.
        let control = ListParams::default().labels("node-role.kubernetes.io/control-plane");
        let nodes = Api::<Node>::all(client).list(&control).await?;
        let addresses = nodes
            .items
            .into_iter()
            .filter_map(|node| node.status?.addresses);
        let address = addresses.flatten().find(|it| it.type_ == "InternalIP");
        let address = address.context("no node of the control plane has an address")?;
        Ok(format!("http://{}:{port}{path}", address.address))
    }
}

/// Puts the values of `over` into `under`; objects are merged, all else is replaced.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_merged_as_helm_does() {
        let mut under = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut under, &json!({"a": {"c": [3]}, "e": {"f": 1}}));
        let expected = json!({"a": {"b": 1, "c": [3]}, "d": 1, "e": {"f": 1}});
        assert_eq!(under, expected);
    }
}
