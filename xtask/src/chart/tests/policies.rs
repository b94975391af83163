//! `NetworkPolicies`: connections are allowed to where the values send them, and nowhere else.

use serde_norway::Value;

use super::rendered::{Rendered, render_or_skip};

/// A peer that the values name.
const PEER: &str = "[{ipBlock: {cidr: 192.0.2.1/32}}]";

#[tokio::test]
async fn a_service_may_connect_to_its_otlp_endpoint_wherever_that_is_set() {
    let endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let url = "'http://otlp.example.com:4000'";
    for (values, port) in [
        (format!("otel: {{{endpoint}: {url}}}"), 4000),
        (
            "otel: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://otlp.example.com'}".to_owned(),
            80,
        ),
        (
            "otel: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[fd00::1]:4001'}".to_owned(),
            4001,
        ),
        (
            "otel: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://[fd00::1]'}".to_owned(),
            80,
        ),
        (
            "otel: {OTEL_EXPORTER_OTLP_ENDPOINT: 'http://$(NODE_IP):4318/a'}".to_owned(),
            4318,
        ),
        (
            format!("serviceDefaults: {{otel: {{{endpoint}: {url}}}}}"),
            4000,
        ),
        (
            format!("serviceDefaults: {{env: {{{endpoint}: {url}}}}}"),
            4000,
        ),
        (
            format!("serviceDefaults: {{env: {{{traces}: {url}}}}}"),
            4000,
        ),
        (
            format!("workloadDefaults: {{extraEnv: [{{name: {endpoint}, value: {url}}}]}}"),
            4000,
        ),
        (
            format!("serviceDefaults: {{extraEnv: [{{name: {traces}, value: {url}}}]}}"),
            4000,
        ),
        (
            format!(
                "otel: {{{endpoint}: 'http://other:1'}}\n\
                 serviceDefaults: {{env: {{{endpoint}: 'http://other:2', {traces}: 'http://other:3'}}, \
                 extraEnv: [{{name: {traces}, value: {url}}}]}}"
            ),
            4000,
        ),
        (
            "serviceDefaults: {extraEnv: [{name: PORT, value: '4002'}, \
             {name: OTEL_EXPORTER_OTLP_ENDPOINT, value: 'https://user@otlp.example.com:$(PORT)'}]}"
                .to_owned(),
            4002,
        ),
        (
            format!(
                "workloadDefaults: {{extraEnv: [{{name: {endpoint}, value: 'https://otlp.example.com'}}]}}"
            ),
            443,
        ),
    ] {
        for (peers, to) in [("[]", Value::Null), (PEER, parsed(PEER))] {
            let values = format!("{values}\nnetworkPolicy: {{otlpTo: {peers}}}");
            let Some(rendered) = render_or_skip(&values).await else {
                return;
            };
            let rules = egress(&rendered, "onetrace-hello");
            assert!(rules.contains(&(vec![port], to)), "{values}: {rules:?}");
            assert!(
                !rules.iter().any(|(ports, _)| ports.contains(&1)),
                "{rules:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_collector_of_the_release_is_the_only_peer_if_spans_are_sent_to_it() {
    for host in [
        "onetrace-collector",
        "onetrace-collector.onetrace",
        "onetrace-collector.onetrace.svc",
        "onetrace-collector.onetrace.svc.cluster.local",
    ] {
        let values = format!("otel: {{OTEL_EXPORTER_OTLP_ENDPOINT: 'http://{host}:4318'}}");
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let rules = egress(&rendered, "onetrace-hello");
        let (_, to) = rules.iter().find(|(ports, _)| *ports == [4318]).unwrap();
        let labels = &to[0]["podSelector"]["matchLabels"];
        assert_eq!(
            labels["app.kubernetes.io/name"], "collector",
            "{host}: {to:?}"
        );
    }
}

#[tokio::test]
async fn the_collector_may_connect_to_every_backend_that_the_values_add() {
    let exporters = "{exporters: {otlp_http/a: {endpoint: 'https://a.example.com'}, \
                     otlp_grpc/b: {endpoint: 'b.example.com:4001'}, \
                     otlp_http/c: {traces_endpoint: 'http://[fd00::1]:4002/v1/traces'}, \
                     otlp_grpc/d: {endpoint: 'dns:///d.example.com:4003'}, debug: {}, debug/null: null}}";
    for (workload, values) in [
        (
            "onetrace-collector",
            format!("collector: {{config: {exporters}}}"),
        ),
        (
            "onetrace-sampler",
            format!("collector: {{tailSampling: {{enabled: true, config: {exporters}}}}}"),
        ),
    ] {
        let values = format!("{values}\nnetworkPolicy: {{otlpTo: {PEER}}}");
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let rules = egress(&rendered, workload);
        let expected = (vec![443, 4001, 4002, 4003], parsed(PEER));
        assert!(rules.contains(&expected), "{workload}: {rules:?}");
    }
    let values = "jaeger: {enabled: false, existing: {endpoint: '[fd00::1]:4004', queryUrl: 'http://[fd00::1]'}}";
    let Some(rendered) = render_or_skip(values).await else {
        return;
    };
    let rules = egress(&rendered, "onetrace-collector");
    assert!(rules.contains(&(vec![4004], Value::Null)), "{rules:?}");
    let rules = egress(&rendered, "onetrace-test");
    assert!(rules.contains(&(vec![80], Value::Null)), "{rules:?}");
}

#[tokio::test]
async fn jaeger_may_connect_to_every_address_of_its_store() {
    for (external, ports) in [
        (
            "backend: {opensearch: {server_urls: ['https://a:9200', 'https://b:9201']}}",
            vec![9200, 9201],
        ),
        (
            "backend: {elasticsearch: {server_urls: ['https://a.example.com']}}",
            vec![443],
        ),
        (
            "backend: {elasticsearch: {server_urls: ['http://user:word@[fd00::1]:9202/']}}",
            vec![9202],
        ),
        (
            "backend: {cassandra: {connection: {servers: [a, b]}}}",
            vec![9042],
        ),
        (
            "backend: {cassandra: {connection: {servers: [a], port: 9043}}}",
            vec![9043],
        ),
        (
            "backend: {clickhouse: {addresses: ['a:9000', 'b:9000']}}",
            vec![9000],
        ),
        ("backend: {grpc: {endpoint: 'a:17271'}}", vec![17271]),
        (
            "port: 1234, backend: {opensearch: {server_urls: ['${env:URL}']}}",
            vec![1234],
        ),
    ] {
        let values = format!(
            "jaeger: {{storage: {{type: external, external: {{to: {PEER}, {external}}}}}}}"
        );
        let Some(rendered) = render_or_skip(&values).await else {
            return;
        };
        let rules = egress(&rendered, "onetrace-jaeger");
        assert!(
            rules.contains(&(ports.clone(), parsed(PEER))),
            "{external}: {rules:?}"
        );
    }
}

#[tokio::test]
async fn dns_may_be_on_other_ports_and_addresses() {
    let values = format!("networkPolicy: {{dnsPorts: [53, 5353], dnsTo: {PEER}}}");
    let Some(rendered) = render_or_skip(&values).await else {
        return;
    };
    for workload in ["gateway", "hello", "collector", "jaeger", "test"] {
        let rules = egress(&rendered, &format!("onetrace-{workload}"));
        let expected = (vec![53, 53, 5353, 5353], parsed(PEER));
        assert!(rules.contains(&expected), "{workload}: {rules:?}");
    }
}

#[tokio::test]
async fn the_callers_of_jaeger_can_differ_from_those_of_the_gateway() {
    let values = format!(
        "networkPolicy: {{publicFrom: [{{podSelector: {{}}}}]}}\n\
         jaeger: {{networkPolicy: {{publicFrom: {PEER}}}, ingress: {{enabled: true, hosts: \
         [{{host: a, paths: [{{path: /}}]}}]}}}}"
    );
    let Some(rendered) = render_or_skip(&values).await else {
        return;
    };
    let callers = |name: &str, port: u64| {
        let policy = rendered.get("NetworkPolicy", name);
        let rules = policy["spec"]["ingress"].as_sequence().unwrap().clone();
        let rule = rules.iter().find(|rule| rule["ports"][0]["port"] == port);
        rule.unwrap()["from"][0].clone()
    };
    assert_eq!(callers("onetrace-jaeger", 16686), parsed(PEER)[0]);
    assert_eq!(
        callers("onetrace-gateway", 8080),
        parsed("{podSelector: {}}")
    );
}

/// The egress rules of a policy: the ports of each and its peers.
fn egress(rendered: &Rendered, name: &str) -> Vec<(Vec<u64>, Value)> {
    let rules = &rendered.get("NetworkPolicy", name)["spec"]["egress"];
    let rule = |rule: &Value| {
        let ports = rule["ports"].as_sequence().unwrap();
        let ports = ports.iter().map(|port| port["port"].as_u64().unwrap());
        let mut ports: Vec<_> = ports.collect();
        ports.sort_unstable();
        (ports, rule["to"].clone())
    };
    rules.as_sequence().unwrap().iter().map(rule).collect()
}

fn parsed(yaml: &str) -> Value {
    serde_norway::from_str(yaml).unwrap()
}
