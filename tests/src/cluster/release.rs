//! A release of the chart in a namespace.

use anyhow::{Context, Result, ensure};
use kube::api::LogParams;
use serde_json::{Value, json};

use super::{Forward, Helm, Namespace, Outcome, Part};

const CHART: &str = "charts/onetrace";
const E2E_VALUES: &str = "k8s/values-e2e.yaml";

/// An installed release, and the way to its gateway and its Jaeger.
pub struct Release {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub namespace: Namespace,
    helm: Helm,
    pub(super) gateway: Forward,
    pub(super) jaeger: Forward,
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

    /// What Helm makes of templates of the chart with these values.
    ///
    /// # Errors
    /// When Helm fails.
    pub(super) async fn template(&self, options: &[&str], values: &Value) -> Result<String> {
        let of = [&self.name, CHART, "--namespace", &self.namespace.name];
        let arguments = [&of[..], options].concat();
        let outcome = self.helm.call("template", &arguments, Some(values)).await?;
        ensure!(outcome.success, "helm template failed: {}", outcome.said);
        Ok(outcome.said)
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
