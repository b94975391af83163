//! A panic is one log line on standard output, and standard error stays empty.

use std::env;
use std::process::Command;

use telemetry::{Config, ServiceInfo};

const IN_CHILD: &str = "PANIC_LOG_CHILD";

/// What the child process does: the main thread and another one panic.
fn panic_twice() {
    let service = ServiceInfo {
        name: "app",
        version: "1.0.0",
    };
    let none = |name: &str| (name == "OTEL_TRACES_EXPORTER").then(|| "none".into());
    let config = Config::from_vars(service, none).expect("the configuration is valid");
    let _telemetry = telemetry::init(&config).expect("it is the first call");
    let thread = std::thread::Builder::new().name("worker".to_owned());
    let thread = thread.spawn(|| panic!("first\n{}", "x".repeat(5000)));
    let _ = thread.expect("a thread can be started").join();
    panic!("last");
}

#[test]
fn a_panic_is_a_log_line_and_nothing_is_written_to_standard_error() {
    if env::var_os(IN_CHILD).is_some() {
        return panic_twice();
    }
    let this = env::current_exe().unwrap();
    let output = Command::new(this)
        .args(["--exact", "--nocapture"])
        .arg("a_panic_is_a_log_line_and_nothing_is_written_to_standard_error")
        .env(IN_CHILD, "1")
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        errors, "",
        "panics are logged; standard output has:\n{text}"
    );
    // The harness does not end its line before the test writes.
    let lines = text.lines().filter_map(|line| line.get(line.find('{')?..));
    let panics: Vec<serde_json::Value> = lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &serde_json::Value| line["message"] == "panic")
        .collect();
    let [first, last] = panics.as_slice() else {
        panic!("two panics are two lines:\n{text}");
    };
    let message = first["exception.message"].as_str().unwrap();
    assert!(message.starts_with("first\nxxx") && message.ends_with("…[truncated]"));
    assert_eq!(first["thread"], "worker");
    assert_eq!(first["level"], "ERROR");
    assert_eq!(last["exception.message"], "last");
    let location = last["location"].as_str().unwrap();
    assert!(location.contains("panic_log.rs:"), "{location}");
}
