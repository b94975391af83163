//! Names of every kind: of namespaces and releases, and in the values.

use serde_norway::Value;

use super::super::helm::Release;
use super::rendered::{render_or_skip, render_release_or_skip};

/// Valid names of a namespace or another object that YAML reads as a number, a boolean, a
/// date or nothing if they are not quoted.
const ODD: [&str; 10] = [
    "12345",
    "010",
    "0x1f",
    "1e5",
    "3240286e-210077",
    "true",
    "no",
    "null",
    "2026-01-01",
    "0b1",
];

/// A name that is text in any case, and is nowhere else in the chart.
const PLAIN: &str = "plain-word";

/// Values with a name at every place that accepts one.
const VALUES: &str = "
workloadDefaults:
  serviceAccount: {name: WORD}
  priorityClassName: WORD
image: {pullSecrets: [WORD]}
services:
  gateway:
    env: {NO: WORD}
    ingress: {enabled: true, className: WORD, hosts: [{host: WORD, paths: [{path: /WORD}]}]}
  hello:
    calls: {Y: {service: gateway, port: admin}}
collector:
  kubernetesAttributes: {clusterWide: true}
  queue: {persistence: {enabled: true, storageClassName: WORD}}
  tailSampling: {enabled: true}
jaeger:
  storage: {type: badger, badger: {persistence: {existingClaim: WORD}}}
prometheusRule: {enabled: true}
serviceMonitor: {enabled: true}
networkPolicy: {metricsFrom: [{podSelector: {}}]}
";

#[tokio::test]
async fn a_name_that_looks_like_a_number_or_boolean_stays_text() {
    let values = |word: &str| VALUES.replace("WORD", &format!("{word:?}"));
    let values = |word: &str| values(word).replace(&format!("/{word:?}"), &format!("/{word}"));
    let release = |namespace| Release {
        namespace,
        ..Release::default()
    };
    let Some(plain) = render_release_or_skip(&release(PLAIN), &values(PLAIN)).await else {
        return;
    };
    for word in ODD {
        let odd = render_release_or_skip(&release(word), &values(word)).await;
        let odd = odd.expect("helm is installed");
        for (plain, odd) in plain.objects().iter().zip(odd.objects()) {
            let expected = replaced(plain, word);
            assert_eq!(odd, &expected, "an object in the namespace {word}");
        }
    }
}

#[tokio::test]
async fn two_releases_with_long_names_have_different_objects() {
    let base = "a-long-name-of-a-release-of-53-characters-of-which-";
    let mut names = Vec::new();
    for end in ["1", "2"] {
        let name = format!("{base}{end}");
        let release = Release {
            name: &name,
            ..Release::default()
        };
        let Some(rendered) = render_release_or_skip(&release, "").await else {
            return;
        };
        for object in rendered.objects() {
            let name = object["metadata"]["name"].as_str().unwrap();
            assert!(
                name.len() <= 63,
                "{name} is longer than a name of a Service"
            );
            names.push((object["kind"].clone(), name.to_owned()));
        }
    }
    let all = names.len();
    names.sort_by_key(|(kind, name)| (kind.as_str().map(str::to_owned), name.clone()));
    names.dedup();
    assert_eq!(names.len(), all, "objects of both releases: {names:?}");
}

/// An upgrade of the chart changes its labels, and a restart of a Collector or Jaeger for
/// that would be needless.
#[tokio::test]
async fn a_pod_is_replaced_for_its_configuration_and_not_for_the_labels_of_the_configuration() {
    let checksum = async |values: &str| {
        let rendered = render_or_skip(values).await?;
        let checksums = ["onetrace-collector", "onetrace-jaeger"].map(|name| {
            let pod = &rendered.get("Deployment", name)["spec"]["template"]["metadata"];
            pod["annotations"]["checksum/config"].clone()
        });
        Some(checksums)
    };
    let Some(default) = checksum("").await else {
        return;
    };
    let labelled = checksum("nameOverride: other").await.unwrap();
    assert_eq!(labelled, default, "the label app.kubernetes.io/part-of");
    let configured = "collector: {config: {receivers: {}}}\njaeger: {config: {receivers: {}}}";
    let configured = checksum(configured).await.unwrap();
    assert!(
        configured[0] != default[0] && configured[1] != default[1],
        "{configured:?}"
    );
}

/// The same value, with a word in place of the plain one.
fn replaced(value: &Value, word: &str) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace(PLAIN, word)),
        Value::Sequence(all) => all.iter().map(|it| replaced(it, word)).collect(),
        Value::Mapping(all) => {
            let entries = all.iter();
            let entries = entries.map(|(key, value)| (replaced(key, word), replaced(value, word)));
            Value::Mapping(entries.collect())
        }
        other => other.clone(),
    }
}
