//! Both services, each with the other as its peer.

use std::fmt::Write as _;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::service::Launch;
use super::{Binaries, Ports, Service, SystemSettings};

/// A free port can be lost to another process before a service listens on it.
const ATTEMPTS: usize = 5;

/// gateway and hello, running. Both end when this is dropped.
#[derive(Debug)]
pub struct System {
    /// The public side.
    pub gateway: Service,
    /// The backend.
    pub hello: Service,
}

impl System {
    /// Starts both and waits until they are ready.
    ///
    /// # Errors
    /// When one does not become ready; with what it wrote.
    pub async fn start(settings: SystemSettings) -> Result<Self> {
        let binaries = settings.programs().await?;
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let mut system = Self::launch(&settings, &binaries)?;
            let Err(error) = system.wait_until_ready().await else {
                return Ok(system);
            };
            let lost_port = system.gateway.lost_its_port() || system.hello.lost_its_port();
            if settings.ports == Ports::Usual || !lost_port {
                return Err(error);
            }
            lost = Some(error);
        }
        let error = lost.unwrap_or_else(|| anyhow!("nothing was tried"));
        Err(error.context(format!(
            "ports were lost to other processes {ATTEMPTS} times"
        )))
    }

    fn launch(settings: &SystemSettings, binaries: &Binaries) -> Result<Self> {
        let [http, admin, hello_http, hello_admin] = settings.ports.choose()?;
        // What a test sets comes last and counts, the peer's address too.
        let peer = |name: &str, port: u16| (name.to_owned(), format!("http://127.0.0.1:{port}"));
        let mut gateway = vec![peer("HELLO_URL", hello_http)];
        gateway.extend(settings.gateway.iter().cloned());
        let mut hello = vec![peer("GATEWAY_URL", admin)];
        hello.extend(settings.hello.iter().cloned());
        Ok(Self {
            gateway: Service::start(Launch {
                name: "gateway",
                program: binaries.gateway.clone(),
                http,
                admin,
                variables: gateway,
            })?,
            hello: Service::start(Launch {
                name: "hello",
                program: binaries.hello.clone(),
                http: hello_http,
                admin: hello_admin,
                variables: hello,
            })?,
        })
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        // Both start at the same time, whichever is waited for first.
        self.gateway.wait_until_ready().await?;
        self.hello.wait_until_ready().await
    }

    /// A URL of the gateway's public API; `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        self.gateway.url() + path
    }

    /// Ends both with SIGTERM, the gateway first, so that its requests in flight
    /// are still answered. Both outputs are complete then.
    ///
    /// # Errors
    /// When one had ended already or does not end; both are ended all the same.
    pub async fn terminate(&mut self) -> Result<[ExitStatus; 2]> {
        let gateway = self.gateway.terminate().await;
        let hello = self.hello.terminate().await;
        Ok([gateway.context("gateway")?, hello.context("hello")?])
    }

    /// Waits until one of the two ends by itself; says which, with its output.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn first_end(&mut self) -> Result<String> {
        let service = tokio::select! {
            status = self.gateway.process().end() => status.map(|status| ("gateway", status)),
            status = self.hello.process().end() => status.map(|status| ("hello", status)),
        };
        let (name, status) = service?;
        let service = if name == "gateway" {
            &self.gateway
        } else {
            &self.hello
        };
        Ok(format!(
            "{name} ended by itself, with {status}\n{}",
            service.output().report()
        ))
    }

    /// Waits until every span that the services have made is exported or dropped.
    ///
    /// # Errors
    /// When some are still on the way after `bound`.
    pub async fn wait_until_exported(&self, bound: Duration) -> Result<()> {
        crate::wait::until("all spans to be exported", bound, async || {
            for service in [&self.gateway, &self.hello] {
                let spans = service
                    .spans()
                    .await
                    .map_err(|error| format!("{error:#}"))?;
                if spans.on_the_way() > 0 {
                    return Err(spans.to_string());
                }
            }
            Ok(())
        })
        .await
    }

    /// The last lines of both, for the report of a failure.
    pub fn report(&self) -> String {
        let mut report = String::new();
        for (name, service) in [("gateway", &self.gateway), ("hello", &self.hello)] {
            writeln!(
                report,
                "{name} (pid {}) wrote\n{}",
                service.pid(),
                service.output().report()
            )
            .expect("a String takes everything");
        }
        report
    }
}
