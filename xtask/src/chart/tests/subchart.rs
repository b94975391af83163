//! The chart as a dependency of another chart.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use ::tests::workspace;
use serde_norway::Value;

use super::super::helm::{CHART, Release};
use super::rendered::{Rendered, render_release_or_skip};

/// A chart that depends on this one, twice: as `onetrace` and as `second`.
struct Parent(PathBuf);

impl Parent {
    fn new(test: &str) -> Self {
        let directory = workspace().join(format!("target/chart-{test}-{}", std::process::id()));
        let charts = directory.join("charts");
        fs::create_dir_all(&charts).unwrap();
        symlink(workspace().join(CHART), charts.join("onetrace")).unwrap();
        let dependency = "name: onetrace, version: '*', repository: ''";
        let chart = format!(
            "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n\
             - {{{dependency}, condition: onetrace.enabled}}\n\
             - {{{dependency}, alias: second, condition: second.enabled}}\n"
        );
        fs::write(directory.join("Chart.yaml"), chart).unwrap();
        Self(directory)
    }

    async fn render_or_skip(&self, values: &str) -> Option<Rendered> {
        let release = Release {
            chart: self.0.to_str().unwrap(),
            ..Release::default()
        };
        render_release_or_skip(&release, values).await
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        // A directory that stays in target does no harm.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_condition_of_the_parent_chart_installs_it_or_not() {
    let parent = Parent::new("condition");
    for (values, expected) in [
        ("onetrace: {enabled: true}\nsecond: {enabled: false}", 1),
        ("onetrace: {enabled: false}\nsecond: {enabled: true}", 1),
        ("onetrace: {enabled: false}\nsecond: {enabled: false}", 0),
        ("global: {team: a}", 2),
    ] {
        let Some(rendered) = parent.render_or_skip(values).await else {
            return;
        };
        let is_gateway = |object: &&Value| {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            object["kind"] == "Deployment" && name.ends_with("-gateway")
        };
        let gateways = rendered.objects().iter().filter(is_gateway).count();
        assert_eq!(gateways, expected, "with {values}");
    }
}

#[tokio::test]
async fn two_aliases_in_one_release_share_no_object_and_no_pod() {
    let parent = Parent::new("aliases");
    let values = "onetrace: {collector: {kubernetesAttributes: {clusterWide: true}}}\n\
                  second: {collector: {kubernetesAttributes: {clusterWide: true}}}";
    let Some(rendered) = parent.render_or_skip(values).await else {
        return;
    };
    let mut names = BTreeSet::new();
    for object in rendered.objects() {
        let name = format!("{:?} {:?}", object["kind"], object["metadata"]["name"]);
        assert!(names.insert(name.clone()), "{name} is rendered twice");
    }
    let pods = |object: &Value| object["spec"]["template"]["metadata"]["labels"].clone();
    let pods: Vec<_> = rendered.objects().iter().map(pods).collect();
    let mut selectors = 0;
    for object in rendered.objects() {
        let spec = &object["spec"];
        let name = &object["metadata"]["name"];
        if name
            .as_str()
            .is_some_and(|name| name.ends_with("-default-deny"))
        {
            continue;
        }
        for selector in [
            &spec["selector"],
            &spec["selector"]["matchLabels"],
            &spec["podSelector"]["matchLabels"],
        ] {
            let Some(selector) = selector
                .as_mapping()
                .filter(|it| !it.contains_key("matchLabels"))
            else {
                continue;
            };
            let selects = |labels: &&Value| {
                selector
                    .iter()
                    .all(|(key, value)| labels.get(key) == Some(value))
            };
            selectors += 1;
            assert_eq!(
                pods.iter().filter(selects).count(),
                1,
                "{:?} {name:?} must select the pods of one workload",
                object["kind"]
            );
        }
    }
    assert!(selectors > 20, "{selectors} selectors were checked");
}
