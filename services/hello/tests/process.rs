//! The binary as an operator runs it: flags, invalid configuration, and signals
//! under load.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(20);

fn hello() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hello"));
    command
        .env_clear()
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("HTTP_ADDR", "127.0.0.1:0")
        .env("ADMIN_ADDR", "127.0.0.1:0")
        .env("DRAIN_DELAY", "0s");
    command
}

struct Running {
    child: Child,
    public: SocketAddr,
    log: thread::JoinHandle<String>,
}

impl Running {
    /// Starts the binary, and reads its address from its log.
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        log.read_line(&mut line).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).expect("a log line is JSON");
        assert_eq!(line["message"], "serving", "the first line of the log");
        let public = line["http"].as_str().unwrap().parse().unwrap();
        let log = thread::spawn(move || {
            let mut rest = String::new();
            log.read_to_string(&mut rest).unwrap();
            rest
        });
        Self { child, public, log }
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success(), "kill {signal} {pid}");
    }

    /// Waits for the process to exit; returns its log, too.
    fn exited(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.log.join().unwrap());
            }
            if start.elapsed() > TIMEOUT {
                self.child.kill().unwrap();
                panic!("waited {TIMEOUT:?} for the process to exit after its signal");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

#[test]
fn help_lists_flags_variables_and_telemetry() {
    let output = hello().arg("--help").output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "--http-addr",
        "GATEWAY_URL",
        "DRAIN_TIMEOUT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "RUST_LOG",
    ] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
}

#[test]
fn version_is_the_version_of_the_package() {
    let output = hello().arg("--version").output().unwrap();
    let expected = format!("hello {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn all_configuration_errors_are_reported_and_nothing_starts() {
    let output = hello()
        .env("TELEMETRY_STRICT", "true")
        .env("GATEWAY_URL", "ftp://gateway")
        .env("OTEL_TRACES_SAMPLER", "sometimes")
        .env("OTEL_PROPAGATORS", "pigeon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "a usage error");
    let text = String::from_utf8(output.stderr).unwrap();
    for expected in [
        "the URL's scheme is not http or https",
        "OTEL_TRACES_SAMPLER",
        "OTEL_PROPAGATORS",
    ] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
}

#[test]
fn a_port_in_use_is_reported_with_its_variable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = hello().env("HTTP_ADDR", &address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = format!("HTTP_ADDR={address}");
    assert!(text.contains(&expected), "{expected} is missing in: {text}");
}

#[test]
fn sigterm_and_sigint_under_load_fail_no_request() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(hello().env("RUST_LOG", "info,http=warn"));
        let public = running.public;
        let clients: Vec<_> = (0..8)
            .map(|_| thread::spawn(move || send_until_refused(public)))
            .collect();
        thread::sleep(Duration::from_millis(200));
        running.signal(signal);
        let (status, log) = running.exited();
        assert!(status.success(), "{signal}: exited with {status}: {log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.contains("telemetry ended"),
            "the last line must have the final counts; it was: {last}"
        );
        for client in clients {
            let responses = client.join().unwrap();
            let responses = responses.unwrap_or_else(|failure| panic!("{signal}: {failure}"));
            assert!(responses > 10, "{responses} responses are not load");
        }
    }
}

#[test]
fn a_second_signal_ends_it_immediately() {
    let running = Running::start(
        hello()
            .env("DRAIN_DELAY", "10s")
            .env("SHUTDOWN_TIMEOUT", "30s"),
    );
    running.signal("-TERM");
    // While it drains, its responses have `Connection: close`.
    let start = Instant::now();
    while !get(&mut TcpStream::connect(running.public).unwrap()).unwrap() {
        assert!(
            start.elapsed() < TIMEOUT,
            "waited {TIMEOUT:?} for the drain to begin"
        );
    }
    running.signal("-TERM");
    let (status, log) = running.exited();
    assert_eq!(status.code(), Some(143), "128 and SIGTERM's number");
    assert!(start.elapsed() < Duration::from_secs(5), "not immediately");
    assert!(log.contains("second signal"), "{log}");
}

/// Sends requests until the server refuses connections, on one connection for as
/// long as the server keeps it open. Returns the number of responses.
fn send_until_refused(server: SocketAddr) -> Result<usize, String> {
    let mut responses = 0;
    while let Ok(mut connection) = TcpStream::connect(server) {
        for nth in 1.. {
            let closes = get(&mut connection).map_err(|error| {
                format!("request {nth} of a connection failed after {responses} responses: {error}")
            })?;
            responses += 1;
            if closes {
                break;
            }
        }
    }
    Ok(responses)
}

/// Sends a request that needs no gateway. Returns whether the response has
/// `Connection: close`.
fn get(connection: &mut TcpStream) -> std::io::Result<bool> {
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.write_all(b"GET /nothing HTTP/1.1\r\nhost: test\r\n\r\n")?;
    let mut response = Vec::new();
    let mut buffer = [0; 1024];
    while !response.ends_with(b"}") {
        match connection.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => response.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&response).contains("\r\nconnection: close\r\n"))
}
