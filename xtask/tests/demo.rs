//! The recipes on a machine with a proxy.

use std::process::Command;

/// Port 9 is closed: a call that uses the proxy fails.
#[test]
fn the_demo_passes_whatever_proxy_the_environment_names() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xtask"));
    demo.arg("demo")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy");
    for scheme in ["HTTP", "HTTPS", "ALL"] {
        for variable in [
            format!("{scheme}_PROXY"),
            format!("{scheme}_PROXY").to_lowercase(),
        ] {
            demo.env(variable, "http://127.0.0.1:9");
        }
    }
    let output = demo.output().expect("xtask can be started");
    assert!(
        output.status.success(),
        "the demo must pass: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
