//! From the start of a program to its first answer.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use ::tests::local::Binaries;
use ::tests::ports;
use ::tests::process::Process;
use anyhow::{Context, Result, bail};
use tokio::process::Command;

/// Starts of each program.
const STARTS: usize = 15;
/// A program that has not answered by then does not start.
const BOUND: Duration = Duration::from_secs(5);
/// How often a connection is tried.
const EVERY: Duration = Duration::from_micros(100);

/// How long each start took, of gateway and of hello.
pub(super) struct Starts {
    pub(super) gateway: Vec<Duration>,
    pub(super) hello: Vec<Duration>,
}

/// Starts each program, traced, several times.
pub(super) async fn starts(programs: &Binaries, endpoint: &str) -> Result<Starts> {
    let mut starts = Starts {
        gateway: Vec::new(),
        hello: Vec::new(),
    };
    for _ in 0..STARTS {
        let gateway = start("gateway", &programs.gateway, endpoint).await?;
        starts.gateway.push(gateway);
        starts
            .hello
            .push(start("hello", &programs.hello, endpoint).await?);
    }
    Ok(starts)
}

async fn start(name: &str, program: &Path, endpoint: &str) -> Result<Duration> {
    let [http, admin] = ports::free()?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
        .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    let began = Instant::now();
    let mut process = Process::start(name, &mut command)?;
    // Asked from a thread of its own: a runtime's timer counts in milliseconds.
    let took = tokio::task::spawn_blocking(move || first_answer(http, began)).await?;
    let took = took.with_context(|| format!("the first answer of {name}"))?;
    process.kill().await?;
    Ok(took)
}

fn first_answer(port: u16, began: Instant) -> Result<Duration> {
    let mut stream = loop {
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(stream) => break stream,
            Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => {
                return Err(error.into());
            }
            Err(_) if began.elapsed() < BOUND => thread::sleep(EVERY),
            Err(_) => bail!("there was none within {BOUND:?}"),
        }
    };
    stream.set_read_timeout(Some(BOUND))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let took = began.elapsed();
    if !answer.starts_with(b"HTTP/1.1 ") {
        bail!("it is no HTTP: {}", String::from_utf8_lossy(&answer));
    }
    Ok(took)
}
