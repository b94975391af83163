//! Two Flask services with the SDK's defaults, which export every 5 seconds, each at its own
//! time: `record`, then `check`, must always see the complete trace.

#![cfg(feature = "cli")]

#[path = "../../../../tests/src/skip.rs"]
#[allow(dead_code, unreachable_pub)]
mod skip;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How often `record` and `check` are repeated; each takes about 10 seconds.
const REPEAT: &str = "TRACE_CONTRACT_REPEAT";
const DEFAULT_REPEAT: usize = 2;
const INSTALL_TIMEOUT: Duration = Duration::from_mins(3);
const START_TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_trace_of_a_service_with_sdk_defaults_is_always_complete() {
    let python = match install().await {
        Ok(python) => python,
        Err(why) => return skip::skipped("python", &why),
    };
    let repeat = std::env::var(REPEAT).map_or(DEFAULT_REPEAT, |text| {
        text.parse().expect("a number of repetitions")
    });
    let [front_port, back_port, otlp_port] = free_ports();
    let endpoint = format!("http://127.0.0.1:{otlp_port}");
    let front = start(&python, "front", front_port, back_port, &endpoint);
    let back = start(&python, "back", back_port, back_port, &endpoint);
    for port in [front_port, back_port] {
        wait_for(port).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let arguments =
        format!("--listen 127.0.0.1:{otlp_port} --url http://127.0.0.1:{front_port}/orders");
    for number in 1..=repeat {
        let contract = folder.path().join(format!("{number}.yaml"));
        let path = contract.to_str().expect("UTF-8");
        let recorded = run(&format!("record {arguments} -o {path}")).await;
        assert!(recorded.contains("nothing arrived for 6."), "{recorded}");
        assert!(recorded.contains("contract of 7 spans"), "{recorded}");
        assert!(!recorded.contains("warning"), "{recorded}");
        let checked = run(&format!("check {arguments} {path}")).await;
        assert!(checked.contains("contract satisfied"), "{checked}");
        eprintln!("{number} of {repeat}: recorded and satisfied");
    }
    drop((front, back));
}

/// Installs the packages once, and returns the interpreter.
async fn install() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
    let python = folder.join("bin/python");
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/requirements.txt");
    let installed = folder.join("installed.txt");
    let wanted = std::fs::read(&requirements).expect("the requirements");
    if std::fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let venv = [Path::new("-m"), Path::new("venv"), &folder];
    command(Path::new("python3"), &venv).await?;
    let pip = [
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-r",
    ]
    .map(Path::new);
    command(&python, &[&pip[..], &[&requirements]].concat()).await?;
    std::fs::write(&installed, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

async fn command(program: &Path, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(INSTALL_TIMEOUT, output)
        .await
        .map_err(|_| format!("{} took more than {INSTALL_TIMEOUT:?}", program.display()))?
        .map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let last = error.trim().lines().last().unwrap_or_default();
    Err(format!("{} failed: {last}", program.display()))
}

/// Ports that were free a moment ago: the services and the command must know each other's.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|it| it.local_addr().expect("an address").port())
}

fn start(python: &Path, role: &str, port: u16, back_port: u16, endpoint: &str) -> Child {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/service.py");
    Command::new(python)
        .arg(script)
        .args([role, &port.to_string(), &back_port.to_string()])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the interpreter starts")
}

async fn wait_for(port: u16) {
    let started_at = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        let waited = started_at.elapsed();
        assert!(
            waited < START_TIMEOUT,
            "waited {waited:.1?} for a service to listen"
        );
        sleep(Duration::from_millis(50)).await;
    }
}

/// Runs the command, which must succeed, and returns its complete output.
async fn run(arguments: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_trace-contract"))
        .args(arguments.split_whitespace())
        .env_remove("JAEGER_URL")
        .env_remove("TRACE_CONTRACT_SETTLE")
        .env_remove("TRACE_CONTRACT_TIMEOUT")
        .env_remove("TRACE_CONTRACT_URL")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the command runs");
    let text = [output.stderr, output.stdout].map(|it| String::from_utf8_lossy(&it).into_owned());
    let text = text.concat();
    assert!(output.status.success(), "{arguments}: {text}");
    text
}
