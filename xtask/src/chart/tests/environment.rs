//! The order of environment variables. Kubernetes expands `$(NAME)` only if NAME is an
//! earlier entry.

use super::rendered::{Rendered, render_or_skip};

const NODE_IP: &str = "{name: NODE_IP, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}";

#[tokio::test]
async fn a_variable_comes_after_those_that_it_refers_to() {
    let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    for values in [
        // An entry of extraEnv that overrides one of the chart.
        format!(
            "workloadDefaults: {{extraEnv: [{NODE_IP}, \
             {{name: {endpoint}, value: 'http://$(NODE_IP):4318'}}]}}"
        ),
        // In the wrong order.
        format!(
            "workloadDefaults: {{extraEnv: [{{name: {endpoint}, value: 'http://$(NODE_IP):4318'}}, \
             {NODE_IP}]}}"
        ),
        // Settings of the chart that refer to an entry of extraEnv.
        format!(
            "workloadDefaults: {{extraEnv: [{NODE_IP}]}}\n\
             otel: {{{endpoint}: 'http://$(NODE_IP):4318'}}"
        ),
        format!(
            "serviceDefaults: {{extraEnv: [{NODE_IP}], \
             env: {{{endpoint}: 'http://$(NODE_IP):4318'}}}}"
        ),
        // A chain, which is in no order of names.
        format!(
            "serviceDefaults: {{extraEnv: [{{name: B, value: $(NODE_IP)}}, {NODE_IP}], \
             env: {{A: 'x$(B)y$(C)', C: '$(POD_NAME)'}}}}"
        ),
        // A cycle: neither can be expanded, but the chart must render.
        "serviceDefaults: {env: {A: $(B), B: $(A)}}".to_owned(),
        format!(
            "collector: {{extraEnv: [{{name: JAEGER_ENDPOINT, value: '$(NODE_IP):4317'}}, {NODE_IP}]}}"
        ),
        format!("jaeger: {{extraEnv: [{{name: A, value: $(NODE_IP)}}, {NODE_IP}]}}"),
    ] {
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        for workload in ["gateway", "hello", "collector", "jaeger"] {
            assert_ordered(&rendered, &format!("onetrace-{workload}"), &values);
        }
    }
}

#[tokio::test]
async fn the_order_of_extra_variables_is_kept_if_it_is_right() {
    let values = "services: {gateway: {extraEnv: [{name: Z, value: a}, {name: A, value: $(Z)}, \
                  {name: B, value: c}]}}";
    let Some(rendered) = render_or_skip(values).await else {
        return;
    };
    let environment = rendered.environment("Deployment", "onetrace-gateway");
    let names: Vec<_> = environment.iter().map(|(name, _)| *name).collect();
    assert_eq!(names[names.len() - 3..], ["Z", "A", "B"], "{names:?}");
}

fn assert_ordered(rendered: &Rendered, workload: &str, values: &str) {
    let environment = rendered.environment("Deployment", workload);
    let position = |name: &str| environment.iter().position(|(other, _)| *other == name);
    for (index, (name, entry)) in environment.iter().enumerate() {
        assert_eq!(position(name), Some(index), "{name} is in {workload} twice");
        let value = entry["value"].as_str().unwrap_or_default();
        let references = value
            .split("$(")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for reference in references.filter(|_| !values.contains("B: $(A)")) {
            let before = position(reference).is_some_and(|position| position < index);
            assert!(
                before,
                "{workload}: {name}={value} must come after {reference}, with the values {values}"
            );
        }
    }
}
