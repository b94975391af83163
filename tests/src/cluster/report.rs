//! What a failed test reports about its namespace.

use super::namespace::Namespace;

/// Why containers wait, and why they ended before.
const CAUSES: &str = "custom-columns=POD:.metadata.name,\
    WAITS:.status.containerStatuses[*].state.waiting.message,\
    ENDED:.status.containerStatuses[*].lastState.terminated.reason,\
    EXIT_STATUS:.status.containerStatuses[*].lastState.terminated.exitCode";

/// The pods and why they wait or have ended, the warnings, and the last log lines of every
/// container, as kubectl prints them. If kubectl fails, its error is in the report.
pub(super) async fn report(namespace: &Namespace) -> String {
    let pods = &["get", "pods", "--output", "wide"];
    let causes = &["get", "pods", "--output", CAUSES];
    let events = &[
        "get",
        "events",
        "--field-selector=type!=Normal",
        "--sort-by=.metadata.creationTimestamp",
    ];
    let logs = &[
        "logs",
        "--selector=app.kubernetes.io/name",
        "--all-containers",
        "--ignore-errors",
        "--prefix",
        "--tail=30",
        "--max-log-requests=50",
    ];
    let commands: [&[&str]; 4] = [pods, causes, events, logs];
    let mut report = format!("in the namespace {}:\n", namespace.name);
    for arguments in commands {
        let arguments = [&["--namespace", &namespace.name], arguments].concat();
        let output = namespace.cluster.run("kubectl", &arguments, "").await;
        let text = output.map_or_else(|error| format!("{error:#}"), |output| output.text);
        report.push_str(&text);
        report.push('\n');
    }
    report
}
