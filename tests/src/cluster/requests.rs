//! Requests to a release, and their traces in its Jaeger.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::Api;
use kube::api::ListParams;
use tokio::time::Instant;
use trace_contract::{Answer, Expectation, Jaeger, Request, Source, Trace, verify};

use super::{Forward, Release};
use crate::{traced, wait};

const HELLO_ADMIN: u16 = 8091;
/// Requests of one round of warming up.
const WARMING: usize = 20;
/// Less than an attempt of the gateway's may take.
const AT_ONCE: Duration = Duration::from_millis(1500);
/// How long a trace may take into Jaeger on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

impl Release {
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
