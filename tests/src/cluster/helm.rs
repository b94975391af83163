//! Helm, for the releases of one namespace.

use anyhow::Result;
use serde_json::Value;

use super::namespace::Namespace;
use super::program::ProgramOutput;

const CHART: &str = "charts/onetrace";
/// How long Helm may wait until what it has changed is ready; includes pulling images.
const WAIT: [&str; 3] = ["--wait", "--timeout", "180s"];

/// A Helm program and the values files that it installs the chart with.
#[derive(Clone)]
pub(super) struct Helm {
    namespace: Namespace,
    program: String,
    values_files: Vec<String>,
}

impl Helm {
    pub(super) fn new(namespace: &Namespace, program: &str, values_file: Option<&str>) -> Self {
        let images = namespace.cluster.images();
        let files = values_file.into_iter().chain([images]);
        Self {
            namespace: namespace.clone(),
            program: program.to_owned(),
            values_files: files.map(str::to_owned).collect(),
        }
    }

    /// `helm install` or `helm upgrade` with the values files and `values`. Waits until the
    /// release is ready.
    pub(super) async fn apply(
        &self,
        command: &str,
        release: &str,
        values: &Value,
    ) -> Result<ProgramOutput> {
        let mut arguments = vec![command, release, CHART];
        for file in self.values_files.iter().map(String::as_str).chain(["-"]) {
            arguments.extend(["--values", file]);
        }
        arguments.extend(WAIT);
        self.run(&arguments, &values.to_string()).await
    }

    /// A command for a release, such as `uninstall`. Waits until it is complete.
    pub(super) async fn run_and_wait(&self, command: &str, release: &str) -> Result<()> {
        let arguments = [&[command, release], &WAIT[..]].concat();
        self.run(&arguments, "").await?.into_text().map(drop)
    }

    /// Renders one template of the chart with one further value, `key=value`.
    pub(super) async fn template(
        &self,
        release: &str,
        template: &str,
        value: &str,
    ) -> Result<String> {
        let options = ["--show-only", template, "--set", value];
        let arguments = [&["template", release, CHART], &options[..]].concat();
        self.run(&arguments, "").await?.into_text()
    }

    /// Any command, in the namespace.
    pub(super) async fn run(&self, arguments: &[&str], input: &str) -> Result<ProgramOutput> {
        let arguments = [arguments, &["--namespace", &self.namespace.name]].concat();
        let cluster = &self.namespace.cluster;
        cluster.run(&self.program, &arguments, input).await
    }
}
