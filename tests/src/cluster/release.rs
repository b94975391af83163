//! A release of the chart in a namespace.

use anyhow::{Context, Result, bail};
use kube::api::{ListParams, LogParams};
use serde_json::Value;

use super::forward::Forward;
use super::helm::Helm;
use super::namespace::Namespace;
use super::pods::PodState;
use super::program::ProgramOutput;

/// What tests under load add to the chart's defaults.
const LOAD_VALUES: &str = "k8s/values-e2e.yaml";
pub(super) const SERVICES: [&str; 2] = ["gateway", "hello"];

/// An installed release, with port-forwards to its gateway and its Jaeger.
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Namespace,
    helm: Helm,
    pub(super) gateway: Forward,
    pub(super) jaeger: Forward,
}

impl Namespace {
    /// Installs the chart with its defaults and `values`, and waits until it is ready.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn install(&self, name: &str, values: &Value) -> Result<Release> {
        self.install_by("helm", name, values).await
    }

    /// Like [`Namespace::install`], with another Helm program such as `helm3`.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn install_by(&self, helm: &str, name: &str, values: &Value) -> Result<Release> {
        Release::install(Helm::new(self, helm, None), self, name, values).await
    }

    /// Like [`Namespace::install`], with `k8s/values-e2e.yaml`, as
    /// [`Release::run_under_load`] requires.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn install_for_load(&self, name: &str, values: &Value) -> Result<Release> {
        let helm = Helm::new(self, "helm", Some(LOAD_VALUES));
        Release::install(helm, self, name, values).await
    }

    /// Like [`Namespace::install`], and returns Helm's output, also when Helm fails.
    ///
    /// # Errors
    /// If Helm cannot be started.
    pub async fn try_install(&self, name: &str, values: &Value) -> Result<ProgramOutput> {
        let helm = Helm::new(self, "helm", None);
        helm.apply("install", name, values).await
    }
}

impl Release {
    async fn install(
        helm: Helm,
        namespace: &Namespace,
        name: &str,
        values: &Value,
    ) -> Result<Self> {
        helm.apply("install", name, values).await?.into_text()?;
        Ok(Self {
            name: name.to_owned(),
            namespace: namespace.clone(),
            helm,
            gateway: Forward::open(namespace, selection(name, "gateway"), 8080).await?,
            jaeger: Forward::open(namespace, selection(name, "jaeger"), 16686).await?,
        })
    }

    /// Upgrades the release to other values, and waits until it is ready.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn upgrade(&self, values: &Value) -> Result<()> {
        let upgraded = self.helm.apply("upgrade", &self.name, values).await?;
        upgraded.into_text().map(drop)
    }

    /// Rolls back to the previous revision, and waits until it is ready.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn roll_back(&self) -> Result<()> {
        self.helm.run_and_wait("rollback", &self.name).await
    }

    /// Uninstalls the release, and waits until its objects are deleted.
    ///
    /// # Errors
    /// If Helm fails.
    pub async fn uninstall(self) -> Result<()> {
        self.helm.run_and_wait("uninstall", &self.name).await
    }

    /// Runs `helm test`. The output includes the logs of the test's pods, which Helm 3 does
    /// not print.
    ///
    /// # Errors
    /// If Helm cannot be started, or the logs cannot be read.
    pub async fn test(&self) -> Result<ProgramOutput> {
        let arguments = ["test", &self.name, "--timeout", "250s"];
        let mut output = self.helm.run(&arguments, "").await?;
        for pod in self.pods("test").await? {
            let pods = self.namespace.pod_api();
            let log = pods.logs(&pod.name, &LogParams::default()).await?;
            output.text.push('\n');
            output.text.push_str(&log);
        }
        Ok(output)
    }

    /// The chart's alerts, as YAML.
    ///
    /// # Errors
    /// If Helm cannot render them.
    pub async fn alerts(&self) -> Result<String> {
        let template = "templates/prometheus-rule.yaml";
        let enabled = "prometheusRule.enabled=true";
        self.helm.template(&self.name, template, enabled).await
    }

    /// The image of `helm test`.
    pub(super) async fn test_image(&self) -> Result<String> {
        let hooks = self.helm.run(&["get", "hooks", &self.name], "").await?;
        let hooks = hooks.into_text()?;
        let mut lines = hooks.lines().map(str::trim);
        let image = lines.find_map(|line| line.strip_prefix("image: "));
        let image = image.with_context(|| format!("no image in the hooks: {hooks}"))?;
        Ok(image.trim_matches('"').to_owned())
    }

    /// The name of a component's Deployment and Service.
    pub fn object_name(&self, component: &str) -> String {
        format!("{}-{component}", self.name)
    }

    /// The pods of a component, including those that are terminating.
    ///
    /// # Errors
    /// If the API returns an error.
    pub async fn pods(&self, component: &str) -> Result<Vec<PodState>> {
        let selection = selection(&self.name, component);
        self.namespace.pods(&selection).await
    }

    /// The ready pods of a component.
    ///
    /// # Errors
    /// If no pod is ready.
    pub async fn ready_pods(&self, component: &str) -> Result<Vec<PodState>> {
        let selection = selection(&self.name, component);
        self.namespace.ready_pods(&selection).await
    }

    /// A port-forward to the port of a pod that serves `/metrics`.
    pub(super) async fn forward_admin(&self, component: &str, pod: &PodState) -> Result<Forward> {
        let port = match component {
            "gateway" => 8081,
            "hello" => 8091,
            "collector" => 8888,
            _ => bail!("the metrics port of {component} is not known"),
        };
        Forward::to_pod(&self.namespace, &pod.name, port).await
    }
}

fn selection(release: &str, component: &str) -> ListParams {
    ListParams::default().labels(&format!(
        "app.kubernetes.io/name={component},app.kubernetes.io/instance={release}"
    ))
}
