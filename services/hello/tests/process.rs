//! The binary as an operator meets it: flags, settings that cannot be used,
//! signals under load.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

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
    /// Starts the binary, and reads from its log where it listens.
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

    /// Waits for the end; gives the log too.
    fn ended(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, self.log.join().unwrap());
            }
            if began.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("waited {PATIENCE:?} for the process to end after its signal");
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
fn version_is_that_of_the_package() {
    let output = hello().arg("--version").output().unwrap();
    let expected = format!("hello {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn settings_that_cannot_be_used_are_all_named_and_nothing_starts() {
    let output = hello()
        .env("GATEWAY_URL", "https://gateway")
        .env("OTEL_TRACES_SAMPLER", "sometimes")
        .env("OTEL_PROPAGATORS", "pigeon")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "a usage error");
    let text = String::from_utf8(output.stderr).unwrap();
    for expected in ["no TLS", "OTEL_TRACES_SAMPLER", "OTEL_PROPAGATORS"] {
        assert!(text.contains(expected), "{expected} is missing in:\n{text}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = hello().env("HTTP_ADDR", &address).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = format!("HTTP_ADDR={address}");
    assert!(text.contains(&expected), "{expected} is missing in: {text}");
}

#[test]
fn either_signal_under_load_fails_no_request_and_ends_in_time() {
    for signal in ["-TERM", "-INT"] {
        let running = Running::start(hello().env("RUST_LOG", "info,http=warn"));
        let public = running.public;
        let clients: Vec<_> = (0..8)
            .map(|_| thread::spawn(move || ask_until_refused(public)))
            .collect();
        thread::sleep(Duration::from_millis(200));
        running.signal(signal);
        let (status, log) = running.ended();
        assert!(status.success(), "{signal} ended it with {status}: {log}");
        let last = log.lines().last().unwrap_or_default();
        assert!(
            last.contains("telemetry ended"),
            "the last line has the figures, not: {last}"
        );
        for client in clients {
            let answered = client.join().unwrap();
            let answered = answered.unwrap_or_else(|failure| panic!("{signal}: {failure}"));
            assert!(answered > 10, "{answered} requests are no load");
        }
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let running = Running::start(
        hello()
            .env("DRAIN_DELAY", "10s")
            .env("SHUTDOWN_TIMEOUT", "30s"),
    );
    running.signal("-TERM");
    // A server that drains says so with its answers.
    let began = Instant::now();
    while !get(&mut TcpStream::connect(running.public).unwrap()).unwrap() {
        assert!(began.elapsed() < PATIENCE, "waited {PATIENCE:?} for drain");
    }
    running.signal("-TERM");
    let (status, log) = running.ended();
    assert_eq!(status.code(), Some(143), "128 and SIGTERM's number");
    assert!(began.elapsed() < Duration::from_secs(5), "not at once");
    assert!(log.contains("second signal"), "{log}");
}

/// Asks again and again, on one connection for as long as the server keeps it;
/// says how many were answered, or what failed.
fn ask_until_refused(server: SocketAddr) -> Result<usize, String> {
    let mut answered = 0;
    while let Ok(mut connection) = TcpStream::connect(server) {
        for nth in 1.. {
            let closes = get(&mut connection).map_err(|error| {
                format!("request {nth} of a connection failed after {answered} answers: {error}")
            })?;
            answered += 1;
            if closes {
                break;
            }
        }
    }
    Ok(answered)
}

/// One request that needs no gateway; says whether its answer closes the connection.
fn get(connection: &mut TcpStream) -> std::io::Result<bool> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(b"GET /nothing HTTP/1.1\r\nhost: test\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    while !answer.ends_with(b"}") {
        match connection.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => answer.extend_from_slice(&buffer[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&answer).contains("\r\nconnection: close\r\n"))
}
