//! The chart, rendered for a test.

use std::time::Duration;

use ::tests::skip;
use serde::Deserialize;
use serde_norway::{Deserializer, Value};

use super::super::helm::{Release, template};
use crate::program;

/// Rendering takes less than a second. A machine under load must not fail a test, but a
/// rendering that does not end must.
const TIMEOUT: Duration = Duration::from_mins(2);

/// The objects that the chart renders.
pub(super) struct Rendered(Vec<Value>);

/// Renders the chart with these values; `None` if the test is skipped and must return.
pub(super) async fn render_or_skip(values: &str) -> Option<Rendered> {
    render_release_or_skip(&Release::default(), values).await
}

/// The same for a release with another name, namespace or chart.
pub(super) async fn render_release_or_skip(
    release: &Release<'_>,
    values: &str,
) -> Option<Rendered> {
    match template_or_skip(release, values).await? {
        Ok(manifest) => Some(Rendered::parse(&manifest)),
        Err(error) => panic!("the chart must accept these values:\n{values}\n{error}"),
    }
}

async fn template_or_skip(release: &Release<'_>, values: &str) -> Option<Result<String, String>> {
    if !program::is_installed("helm") {
        skip::skipped("helm", "helm is not on PATH");
        return None;
    }
    let rendering = tokio::time::timeout(TIMEOUT, template("helm", release, values)).await;
    let rendering = rendering.unwrap_or_else(|_| panic!("rendering took longer than {TIMEOUT:?}"));
    Some(rendering.expect("helm must run"))
}

impl Rendered {
    fn parse(manifest: &str) -> Self {
        let documents = Deserializer::from_str(manifest).map(Value::deserialize);
        let objects = documents.collect::<Result<Vec<_>, _>>();
        let mut objects = objects.unwrap_or_else(|error| panic!("{error}:\n{manifest}"));
        objects.retain(|object| !object.is_null());
        Self(objects)
    }

    /// All objects.
    pub(super) fn objects(&self) -> &[Value] {
        &self.0
    }

    /// The object of this kind and name.
    pub(super) fn get(&self, kind: &str, name: &str) -> &Value {
        let is_it = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
        let found = self.0.iter().find(is_it);
        found.unwrap_or_else(|| panic!("no {kind} {name} was rendered"))
    }

    /// The environment of the first container of a workload, in its order: names and entries.
    pub(super) fn environment(&self, kind: &str, name: &str) -> Vec<(&str, &Value)> {
        let pod = &self.get(kind, name)["spec"]["template"]["spec"];
        let entries = pod["containers"][0]["env"].as_sequence();
        let entries = entries.unwrap_or_else(|| panic!("{kind} {name} has no environment"));
        let named = |entry| (text(entry, "name"), entry);
        entries.iter().map(named).collect()
    }

    /// The value of a variable of a workload.
    pub(super) fn variable(&self, kind: &str, workload: &str, name: &str) -> &str {
        let environment = self.environment(kind, workload);
        let entry = environment.iter().find(|(other, _)| *other == name);
        let (_, entry) = entry.unwrap_or_else(|| panic!("{kind} {workload} has no {name}"));
        text(entry, "value")
    }
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    let text = value[key].as_str();
    text.unwrap_or_else(|| panic!("{key} must be text in {value:?}"))
}
