//! The limit of open files: it is raised, and idle connections on the public port never take the
//! descriptors of the admin port.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::local::Binaries;
use tests::process::{self, Process};
use tests::{ports, prometheus, wait};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const TIMEOUT: Duration = Duration::from_secs(20);

struct Limited {
    process: Process,
    http: u16,
    admin: String,
}

/// Starts a service after these commands of a shell.
async fn start(program: &Path, limits: &str) -> Result<Limited> {
    let [http, admin] = ports::free()?;
    let mut command = process::command("sh");
    command
        .args(["-c", &format!("{limits}; exec \"$0\"")])
        .arg(program)
        .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
        .env("ADMIN_ADDR", format!("127.0.0.1:{admin}"))
        .env("OTEL_TRACES_EXPORTER", "none")
        .env("HEADER_TIMEOUT", "60s")
        .env("DRAIN_DELAY", "0s")
        .env("DRAIN_TIMEOUT", "1s");
    let mut process = Process::start("a limited service", &mut command)?;
    let admin = format!("http://127.0.0.1:{admin}");
    process
        .wait_until_ready(&format!("{admin}/readyz"), TIMEOUT)
        .await?;
    Ok(Limited {
        process,
        http,
        admin,
    })
}

impl Limited {
    /// Opens idle connections, and waits until the service has as many as it allows. The rest are
    /// in the kernel's queue, or still being opened.
    async fn fill(&self, connections: usize) -> Result<JoinSet<()>> {
        let mut clients = JoinSet::new();
        let address = ("127.0.0.1", self.http);
        for _ in 0..connections {
            clients.spawn(async move {
                let _idle = TcpStream::connect(address).await;
                std::future::pending::<()>().await;
            });
        }
        let output = self.process.output();
        let full = |line: &str| line.contains("connection limit reached");
        output.wait_for_line("the limit", TIMEOUT, full).await?;
        Ok(clients)
    }

    /// Both must respond, on new connections.
    async fn ensure_admin_port_responds(&self) -> Result<()> {
        for _ in 0..20 {
            let alive = wait::http_ok(&format!("{}/livez", self.admin)).await;
            alive.map_err(anyhow::Error::msg)?;
            prometheus::fetch(&self.admin).await?;
        }
        Ok(())
    }

    fn soft_limit(&self) -> Result<String> {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.process.pid()))?;
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().nth(3));
        Ok(soft.context("Max open files")?.to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_soft_limit_is_raised_to_the_hard_limit() -> Result<()> {
    let binaries = Binaries::find().await?;
    for program in [&binaries.gateway, &binaries.hello] {
        let service = start(program, "ulimit -Sn 128; ulimit -Hn 4096").await?;
        assert_eq!(service.soft_limit()?, "4096", "{}", program.display());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_port_responds_whatever_the_public_port_holds() -> Result<()> {
    let binaries = Binaries::find().await?;
    for (program, path) in [(&binaries.gateway, "/"), (&binaries.hello, "/nothing")] {
        for limit in [128, 256] {
            let service = start(program, &format!("ulimit -n {limit}")).await?;
            let output = service.process.output();
            let lowered = |line: &str| line.contains("MAX_CONNECTIONS is lowered");
            output
                .wait_for_line("the warning", TIMEOUT, lowered)
                .await?;
            let clients = service.fill(400).await?;
            service.ensure_admin_port_responds().await?;
            drop(clients);
            let url = format!("http://127.0.0.1:{}{path}", service.http);
            let served =
                async || tokio::time::timeout(TIMEOUT, tests::client().get(&url).send()).await;
            served()
                .await
                .context("the public port must serve again")??;
            let text = output.text();
            ensure!(
                !text.contains("cannot accept connections"),
                "no accept may fail:\n{text}"
            );
        }
    }
    Ok(())
}
