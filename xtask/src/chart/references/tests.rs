//! One small manifest, and changes that break it.

use super::*;

const MANIFEST: &str = "
kind: Deployment
metadata: {name: a}
spec:
  replicas: 2
  template:
    metadata: {labels: {app: a, more: b}}
    spec:
      serviceAccountName: a
      containers: [{ports: [{name: http}]}]
---
kind: ServiceAccount
metadata: {name: a}
---
kind: Service
metadata: {name: a, labels: {app: a}}
spec: {selector: {app: a}, ports: [{name: http, port: 80, targetPort: http}]}
---
kind: ServiceMonitor
metadata: {name: a}
spec: {selector: {matchLabels: {app: a}}, endpoints: [{port: http}]}
---
kind: HTTPRoute
metadata: {name: a}
spec: {rules: [{backendRefs: [{name: a, port: 80}]}]}
---
kind: Ingress
metadata: {name: a}
spec: {rules: [{http: {paths: [{backend: {service: {name: a, port: {name: http}}}}]}}]}
---
kind: PodDisruptionBudget
metadata: {name: a}
spec: {selector: {matchLabels: {app: a}}}
";

#[test]
fn a_consistent_manifest_has_no_problem() {
    assert_eq!(problems(MANIFEST).unwrap(), Vec::<String>::new());
}

#[test]
fn a_broken_reference_is_reported_with_the_object_that_has_it() {
    for (right, wrong, expected) in [
        (
            "  replicas: 2\n",
            "",
            "Deployment a has neither replicas nor",
        ),
        (
            "kind: ServiceAccount",
            "kind: Secret",
            "names the ServiceAccount a",
        ),
        (
            "targetPort: http",
            "targetPort: web",
            "Service a has the target port",
        ),
        ("selector: {app: a}", "selector: {app: b}", "of 0 workloads"),
        (
            "endpoints: [{port: http}]",
            "endpoints: [{port: x}]",
            "selects 0 Services",
        ),
        (
            "name: a, port: 80}]}]",
            "name: a, port: 81}]}]",
            "HTTPRoute a routes to a",
        ),
        (
            "port: {name: http}}}}]",
            "port: {name: x}}}}]",
            "Ingress a routes to a",
        ),
        (
            "matchLabels: {app: a}}}\n",
            "matchLabels: {app: c}}}\n",
            "Budget a selects no",
        ),
    ] {
        assert!(MANIFEST.contains(right), "{right}");
        let problems = problems(&MANIFEST.replacen(right, wrong, 1)).unwrap();
        assert!(
            problems.iter().any(|it| it.contains(expected)),
            "{wrong:?} must be reported as {expected:?}, not {problems:?}"
        );
    }
}

#[test]
fn two_autoscalers_of_one_workload_are_reported() {
    let autoscaler = "---\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n\
                      spec: {scaleTargetRef: {kind: Deployment, name: a}}\n";
    let problems = problems(&format!("{MANIFEST}{autoscaler}{autoscaler}")).unwrap();
    assert_eq!(
        problems,
        [
            "HorizontalPodAutoscaler a exists twice",
            "Deployment a has replicas, which its autoscaler sets",
        ]
    );
}
