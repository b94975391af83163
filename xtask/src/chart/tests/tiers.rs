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

/// A sampler refuses spans for want of memory, which their senders keep, before it has so
/// many traces that it drops the oldest. A trace needs about 2 KiB at least.
#[tokio::test]
async fn a_sampler_has_room_for_as_many_traces_as_its_memory_can_hold() {
    for (tail, expected) in [
        ("", 1_048_576),
        ("resources: {limits: {memory: 512Mi}}", 524_288),
        ("resources: {limits: {memory: 2Gi}}", 2_097_152),
        ("resources: {limits: {memory: 1024000000}}", 1_000_000),
        ("resources: {limits: {memory: null}}", 1_000_000),
        ("tracesInMemory: 7", 7),
    ] {
        let comma = if tail.is_empty() { "" } else { ", " };
        let values = format!("collector: {{tailSampling: {{enabled: true{comma}{tail}}}}}");
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let name = "SAMPLING_TRACES_IN_MEMORY";
        let actual = rendered.variable("Deployment", "onetrace-sampler", name);
        assert_eq!(actual, expected.to_string(), "with {values}");
    }
}

#[tokio::test]
async fn a_sampler_that_stops_first_decides_about_the_traces_that_it_has() {
    for (wait, seconds) in [
        ("10s", 10),
        ("500ms", 1),
        ("1m30s", 90),
        ("1.5s", 2),
        ("1h", 3600),
    ] {
        let values =
            format!("collector: {{tailSampling: {{enabled: true, decisionWait: {wait}}}}}");
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let pod = &rendered.get("Deployment", "onetrace-sampler")["spec"]["template"]["spec"];
        let sleep = &pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"];
        assert_eq!(sleep.as_u64(), Some(seconds + 10), "decisionWait: {wait}");
        let grace = pod["terminationGracePeriodSeconds"].as_u64();
        assert_eq!(
            grace,
            Some(seconds + 50),
            "and then it exports for 40 seconds"
        );
    }
}

#[tokio::test]
async fn the_batches_to_jaeger_fit_its_store() {
    let cassandra = "jaeger: {storage: {type: external, external: {backend: \
                     {cassandra: {connection: {servers: [a]}}}}}}";
    for (values, spans, timeout) in [
        (String::new(), "1000", "10s"),
        (cassandra.to_owned(), "200", "30s"),
        (
            "collector: {batch: {maxSpans: 50, timeout: 1m}}".to_owned(),
            "50",
            "1m",
        ),
        (
            format!("{cassandra}\ncollector: {{batch: {{maxSpans: 50, timeout: 5s}}}}"),
            "50",
            "5s",
        ),
    ] {
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let actual = ["BATCH_MAX_SPANS", "EXPORT_TIMEOUT"]
            .map(|name| rendered.variable("Deployment", "onetrace-collector", name));
        assert_eq!(actual, [spans, timeout], "with {values:?}");
    }
}
