//! References between the objects of a manifest, which no schema can check: a Service
//! must select pods, a monitor or route must name a Service, and every workload must
//! have a number of replicas.

use anyhow::Result;
use serde::Deserialize;
use serde_norway::{Deserializer, Mapping, Value};

/// Returns every reference to something that does not exist, with the referring object.
pub(super) fn problems(manifest: &str) -> Result<Vec<String>> {
    let objects = Objects::parse(manifest)?;
    let mut problems = objects.duplicates();
    for object in &objects.0 {
        let found = match kind(object) {
            "Deployment" | "StatefulSet" => objects.workload(object),
            "HorizontalPodAutoscaler" => objects.autoscaler(object),
            "Service" => objects.service(object),
            "PodDisruptionBudget" => objects.selects_pods(&object["spec"]["selector"]),
            "ServiceMonitor" => objects.monitor(object),
            "Ingress" => objects.ingress(object),
            "HTTPRoute" => objects.route(object),
            _ => Vec::new(),
        };
        let named = |problem| format!("{} {} {problem}", kind(object), name(object));
        problems.extend(found.into_iter().map(named));
    }
    Ok(problems)
}

struct Objects(Vec<Value>);

impl Objects {
    fn parse(manifest: &str) -> Result<Self> {
        let documents = Deserializer::from_str(manifest).map(Value::deserialize);
        let mut objects = documents.collect::<Result<Vec<_>, _>>()?;
        objects.retain(|object| !object.is_null());
        Ok(Self(objects))
    }

    fn of_kind(&self, wanted: &'static str) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(move |object| kind(object) == wanted)
    }

    fn find(&self, kind: &str, wanted: &str) -> Option<&Value> {
        let is_it = |object: &&Value| self::kind(object) == kind && name(object) == wanted;
        self.0.iter().find(is_it)
    }

    fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.of_kind("Deployment")
            .chain(self.of_kind("StatefulSet"))
    }

    fn duplicates(&self) -> Vec<String> {
        let is_first = |index: usize, object: &Value| {
            let same = |other: &Value| kind(other) == kind(object) && name(other) == name(object);
            !self.0[..index].iter().any(same)
        };
        let duplicates = self.0.iter().enumerate();
        let duplicates = duplicates.filter(|(index, object)| !is_first(*index, object));
        duplicates
            .map(|(_, object)| format!("{} {} exists twice", kind(object), name(object)))
            .collect()
    }

    fn workload(&self, object: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        let is_scaled = |autoscaler: &Value| {
            let target = &autoscaler["spec"]["scaleTargetRef"];
            target["kind"] == object["kind"] && target["name"] == object["metadata"]["name"]
        };
        match (
            object["spec"]["replicas"].is_u64(),
            self.of_kind("HorizontalPodAutoscaler").any(is_scaled),
        ) {
            (true, true) => problems.push("has replicas, which its autoscaler sets".to_owned()),
            (false, false) => problems.push("has neither replicas nor an autoscaler".to_owned()),
            _ => {}
        }
        let pod = &object["spec"]["template"]["spec"];
        for (reference, kind) in [
            (&pod["serviceAccountName"], "ServiceAccount"),
            (&object["spec"]["serviceName"], "Service"),
        ] {
            // Every namespace has a ServiceAccount with this name.
            let reference = reference.as_str().filter(|name| *name != "default");
            problems.extend(reference.and_then(|it| self.missing(kind, it)));
        }
        for volume in list(&pod["volumes"]) {
            let map = volume["configMap"]["name"].as_str();
            problems.extend(map.and_then(|it| self.missing("ConfigMap", it)));
        }
        problems
    }

    fn autoscaler(&self, object: &Value) -> Vec<String> {
        let target = &object["spec"]["scaleTargetRef"];
        let kind = target["kind"].as_str().unwrap_or_default();
        let name = target["name"].as_str().unwrap_or_default();
        self.missing(kind, name).into_iter().collect()
    }

    fn service(&self, object: &Value) -> Vec<String> {
        let selector = &object["spec"]["selector"];
        let selected: Vec<_> = self
            .workloads()
            .filter(|it| has_pods(it, selector))
            .collect();
        let [workload] = selected[..] else {
            return vec![format!("selects the pods of {} workloads", selected.len())];
        };
        let ports: Vec<_> = list(&workload["spec"]["template"]["spec"]["containers"])
            .flat_map(|container| list(&container["ports"]))
            .collect();
        let exists = |target: &Value| ports.iter().any(|port| port["name"] == *target);
        let targets = list(&object["spec"]["ports"]).map(|port| &port["targetPort"]);
        targets
            .filter(|target| !exists(target))
            .map(|target| format!("has the target port {target:?}, which its pods do not have"))
            .collect()
    }

    fn selects_pods(&self, selector: &Value) -> Vec<String> {
        let selector = &selector["matchLabels"];
        let selects = self.workloads().any(|it| has_pods(it, selector));
        (!selects)
            .then(|| "selects no pods".to_owned())
            .into_iter()
            .collect()
    }

    fn monitor(&self, object: &Value) -> Vec<String> {
        let selector = &object["spec"]["selector"]["matchLabels"];
        let scraped = |port: &Value| {
            let services = self.of_kind("Service");
            let services = services.filter(|it| has(&it["metadata"]["labels"], selector));
            services.filter(|it| has_port(it, "name", port)).count()
        };
        let ports = list(&object["spec"]["endpoints"]).map(|endpoint| &endpoint["port"]);
        ports
            .map(|port| (port, scraped(port)))
            .filter(|(_, services)| *services != 1)
            .map(|(port, services)| format!("selects {services} Services with the port {port:?}"))
            .collect()
    }

    fn ingress(&self, object: &Value) -> Vec<String> {
        let rules = list(&object["spec"]["rules"]);
        let paths = rules.flat_map(|rule| list(&rule["http"]["paths"]));
        let backends = paths.map(|path| &path["backend"]["service"]);
        backends
            .filter_map(|it| self.missing_backend(&it["name"], "name", &it["port"]["name"]))
            .collect()
    }

    fn route(&self, object: &Value) -> Vec<String> {
        let rules = list(&object["spec"]["rules"]);
        let backends = rules.flat_map(|rule| list(&rule["backendRefs"]));
        backends
            .filter_map(|it| self.missing_backend(&it["name"], "port", &it["port"]))
            .collect()
    }

    fn missing_backend(&self, service: &Value, key: &str, port: &Value) -> Option<String> {
        let service = service.as_str().unwrap_or_default();
        let found = self.find("Service", service);
        let exists = found.is_some_and(|found| has_port(found, key, port));
        (!exists).then(|| format!("routes to {service}, port {port:?}, which does not exist"))
    }

    fn missing(&self, kind: &str, name: &str) -> Option<String> {
        let exists = self.find(kind, name).is_some();
        (!exists).then(|| format!("names the {kind} {name}, which does not exist"))
    }
}

fn kind(object: &Value) -> &str {
    object["kind"].as_str().unwrap_or_default()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn has_pods(workload: &Value, selector: &Value) -> bool {
    has(
        &workload["spec"]["template"]["metadata"]["labels"],
        selector,
    )
}

fn has(labels: &Value, selector: &Value) -> bool {
    let nothing = Mapping::new();
    let selector = selector.as_mapping().unwrap_or(&nothing);
    !selector.is_empty()
        && selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
}

fn has_port(service: &Value, key: &str, port: &Value) -> bool {
    list(&service["spec"]["ports"]).any(|it| it[key] == *port)
}

#[cfg(test)]
mod tests;
