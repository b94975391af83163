//! What a failed test leaves to read: every pod with its reasons, the events, and
//! the last lines of every container.

use std::fmt::Write as _;

use k8s_openapi::api::core::v1::{ContainerState, Event, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, ResourceExt};

use super::Namespace;

/// Lines of each container.
const LOG_LINES: i64 = 30;
/// Characters of each line.
const WIDTH: usize = 400;
/// Events, the last ones.
const EVENTS: usize = 20;

/// All that is known of a namespace now. What cannot be asked for is said in its place.
pub(super) async fn of(namespace: &Namespace) -> String {
    let name = &namespace.name;
    let mut report = format!("in the namespace {name}:\n");
    match namespace.pods().list(&ListParams::default()).await {
        Ok(pods) => {
            for pod in &pods {
                writeln!(report, "  {}", line(pod)).expect("a String takes everything");
            }
            report.push_str(&events(namespace).await);
            for pod in &pods {
                report.push_str(&logs(namespace, pod).await);
            }
        }
        Err(error) => {
            writeln!(report, "  the pods: {error}").expect("a String takes everything");
        }
    }
    report
}

/// `NAME on NODE: Running, ready, restarted 1 time: OOMKilled (137)`.
fn line(pod: &Pod) -> String {
    let spec = pod.spec.as_ref();
    let node = spec.and_then(|spec| spec.node_name.as_deref());
    let mut line = format!("{} on {}", pod.name_any(), node.unwrap_or("no node"));
    let Some(status) = &pod.status else {
        return line;
    };
    let phase = status.phase.as_deref().unwrap_or("no phase");
    write!(line, ": {phase}").expect("a String takes everything");
    if pod.metadata.deletion_timestamp.is_some() {
        line.push_str(", ending");
    }
    for condition in status.conditions.iter().flatten() {
        if condition.status != "True" && condition.type_ != "PodReadyToStartContainers" {
            let message = condition.message.as_deref().unwrap_or_default();
            write!(line, ", not {}: {message}", condition.type_)
                .expect("a String takes everything");
        }
    }
    for container in status.container_statuses.iter().flatten() {
        if container.restart_count > 0 {
            write!(line, ", restarted {} times", container.restart_count)
                .expect("a String takes everything");
        }
        for state in [&container.state, &container.last_state]
            .into_iter()
            .flatten()
        {
            line.push_str(&reason(state));
        }
    }
    line
}

fn reason(state: &ContainerState) -> String {
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.as_deref().unwrap_or("no reason");
        let message = waiting.message.as_deref().unwrap_or_default();
        return format!(", waits: {reason} {message}");
    }
    let Some(ended) = &state.terminated else {
        return String::new();
    };
    let reason = ended.reason.as_deref().unwrap_or("no reason");
    format!(", ended: {reason} ({})", ended.exit_code)
}

async fn events(namespace: &Namespace) -> String {
    let api: Api<Event> = Api::namespaced(namespace.cluster.client(), &namespace.name);
    let mut events = match api.list(&ListParams::default()).await {
        Ok(events) => events.items,
        Err(error) => return format!("  the events: {error}\n"),
    };
    events.retain(|event| event.type_.as_deref() != Some("Normal"));
    events.sort_by_key(|event| event.metadata.creation_timestamp.clone());
    let mut text = String::new();
    for event in events.iter().rev().take(EVENTS).rev() {
        let about = event.involved_object.name.as_deref().unwrap_or_default();
        let reason = event.reason.as_deref().unwrap_or_default();
        let message = event.message.as_deref().unwrap_or_default();
        writeln!(text, "  event: {about}: {reason}: {message}").expect("a String takes everything");
    }
    text
}

async fn logs(namespace: &Namespace, pod: &Pod) -> String {
    let name = pod.name_any();
    let parameters = LogParams {
        tail_lines: Some(LOG_LINES),
        ..LogParams::default()
    };
    match namespace.pods().logs(&name, &parameters).await {
        Ok(log) => {
            let lines = log.lines().map(|line| line.chars().take(WIDTH));
            let lines: Vec<String> = lines.map(Iterator::collect).collect();
            format!("\n{name} wrote last\n{}\n", lines.join("\n"))
        }
        Err(error) => format!("\nthe log of {name}: {error}\n"),
    }
}
