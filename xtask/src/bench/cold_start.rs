//! The time from the start of a program to its first response.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ::tests::local::Binaries;
use ::tests::ports;
use ::tests::process::Process;
use anyhow::{Context, Result, ensure};
use tokio::process::Command;

/// Starts per program.
const STARTS: usize = 15;
const TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_INTERVAL: Duration = Duration::from_micros(100);

/// The duration of each start.
#[derive(Default)]
pub(super) struct ColdStarts {
    pub(super) gateway: Vec<Duration>,
    pub(super) hello: Vec<Duration>,
}

/// Starts each program several times, with tracing.
pub(super) async fn measure(services: &Binaries, otlp_endpoint: &str) -> Result<ColdStarts> {
    let mut starts = ColdStarts::default();
    for _ in 0..STARTS {
        let gateway = start("gateway", &services.gateway, otlp_endpoint).await?;
        let hello = start("hello", &services.hello, otlp_endpoint).await?;
        starts.gateway.push(gateway);
        starts.hello.push(hello);
    }
    Ok(starts)
}

async fn start(name: &str, program: &Path, otlp_endpoint: &str) -> Result<Duration> {
    let [http, admin] = ports::free()?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
        .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp_endpoint);
    let started_at = Instant::now();
    let mut process = Process::start(name, &mut command)?;
    // On a blocking thread, because tokio's timer counts in milliseconds.
    let elapsed = tokio::task::spawn_blocking(move || first_response(http, started_at)).await?;
    let elapsed = elapsed.with_context(|| format!("the first response of {name}"))?;
    process.kill().await?;
    Ok(elapsed)
}

fn first_response(port: u16, started_at: Instant) -> Result<Duration> {
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => {
                return Err(error.into());
            }
            Err(_) => {
                ensure!(
                    started_at.elapsed() < TIMEOUT,
                    "not listening after {TIMEOUT:?}"
                );
                thread::sleep(CONNECT_INTERVAL);
            }
        }
    };
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let elapsed = started_at.elapsed();
    let text = String::from_utf8_lossy(&response);
    ensure!(
        text.starts_with("HTTP/1.1 "),
        "not an HTTP response: {text}"
    );
    Ok(elapsed)
}
