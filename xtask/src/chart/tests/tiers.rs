//! The Collector's tiers and Jaeger: which configuration reaches which, and their probes.

use super::rendered::render_or_skip;

const CONFIG: &str = "{receivers: {otlp: {protocols: {grpc: {max_concurrent_streams: 10}}}}}";

#[tokio::test]
async fn a_configuration_of_the_values_reaches_the_tier_that_it_is_for() {
    let tail = "tailSampling: {enabled: true";
    let (receiver, sampler) = (
        ("Deployment", "onetrace-collector"),
        ("Deployment", "onetrace-sampler"),
    );
    for (values, reached, others) in [
        (format!("config: {CONFIG}"), vec![receiver], vec![]),
        (
            format!("config: {CONFIG}, {tail}}}"),
            vec![receiver],
            vec![sampler],
        ),
        (
            format!("{tail}, config: {CONFIG}}}"),
            vec![sampler],
            vec![receiver],
        ),
        (
            format!("config: {CONFIG}, {tail}, config: {CONFIG}}}"),
            vec![receiver, sampler],
            vec![],
        ),
    ] {
        let values = format!("collector: {{{values}}}");
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let has_it = |(kind, name): (&str, &str)| {
            let container = &rendered.get(kind, name)["spec"]["template"]["spec"]["containers"][0];
            let arguments = container["args"].as_sequence().unwrap();
            let file = &rendered.get("ConfigMap", name)["data"]["values.yaml"];
            let is_merged = arguments.last().unwrap() == "--config=/etc/otelcol/values.yaml";
            assert_eq!(is_merged, file.is_string(), "{name} with {values}");
            is_merged
        };
        for tier in reached {
            assert!(
                has_it(tier),
                "{tier:?} must have the configuration of {values}"
            );
        }
        for tier in others {
            assert!(
                !has_it(tier),
                "{tier:?} must not have the configuration of {values}"
            );
        }
    }
}

/// A component that cannot work at the moment is not ready. A restart would not help, and
/// would lose what a Collector has in memory.
#[tokio::test]
async fn a_component_that_is_not_ready_is_not_restarted() {
    let values = "collector: {tailSampling: {enabled: true}}";
    let Some(rendered) = render_or_skip(values).await else {
        return;
    };
    for name in ["collector", "sampler", "jaeger", "gateway", "hello"] {
        let name = format!("onetrace-{name}");
        let pod = &rendered.get("Deployment", &name)["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let [ready, live] = ["readinessProbe", "livenessProbe"].map(|it| &container[it]["httpGet"]);
        assert!(
            ready.is_mapping() && live.is_mapping(),
            "{name} has both probes"
        );
        assert_ne!(ready, live, "the probes of {name}");
    }
}
