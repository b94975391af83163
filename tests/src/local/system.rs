//! The services, each with those as its peers that the chart's values say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::future::{Future as _, poll_fn};
use std::iter;
use std::path::Path;
use std::process::ExitStatus;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::service::Launch;
use super::{Binaries, Ports, Service, SystemSettings};
use crate::services::{self, Call, Declared, Port};

/// A free port can be lost to another process before a service listens on it.
const ATTEMPTS: usize = 5;

/// The services, running. All end when this is dropped.
#[derive(Debug)]
pub struct System {
    /// The public side.
    pub gateway: Service,
    /// The backend.
    pub hello: Service,
    /// The other services of the chart's values.
    pub others: Vec<Service>,
}

impl System {
    /// Starts all and waits until they are ready.
    ///
    /// # Errors
    /// When one does not become ready; with what it wrote.
    pub async fn start(settings: SystemSettings) -> Result<Self> {
        let binaries = settings.programs().await?;
        let declared = services::declared()?;
        let mut lost = None;
        for _ in 0..ATTEMPTS {
            let mut system = Self::launch(&settings, &binaries, &declared)?;
            let Err(error) = system.wait_until_ready().await else {
                return Ok(system);
            };
            let lost_port = system.all_mut().any(Service::lost_its_port);
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

    fn launch(
        settings: &SystemSettings,
        binaries: &Binaries,
        declared: &BTreeMap<String, Declared>,
    ) -> Result<Self> {
        let ports = settings
            .ports
            .choose(binaries.all().map(|(name, _)| name))?;
        let start = |(name, program): (&str, &Path)| {
            let [http, admin] = ports[name];
            // What a test sets comes last and counts, the peers' addresses too.
            let mut variables = declared.get(name).map_or(vec![], |it| peers(it, &ports));
            variables.extend(settings.variables_of(name));
            Service::start(Launch {
                name: name.to_owned(),
                program: program.to_owned(),
                http,
                admin,
                variables,
            })
        };
        Ok(Self {
            gateway: start(("gateway", &binaries.gateway))?,
            hello: start(("hello", &binaries.hello))?,
            others: binaries.others().map(start).collect::<Result<_>>()?,
        })
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        // All start at the same time, whichever is waited for first.
        for service in self.all_mut() {
            service.wait_until_ready().await?;
        }
        Ok(())
    }

    /// All services, in the order in which they are ended: the gateway, where requests
    /// come in, first, and hello last, which the others may call.
    pub fn all(&self) -> impl Iterator<Item = &Service> {
        let called = self.others.iter().chain(iter::once(&self.hello));
        iter::once(&self.gateway).chain(called)
    }

    fn all_mut(&mut self) -> impl Iterator<Item = &mut Service> {
        let called = self.others.iter_mut().chain(iter::once(&mut self.hello));
        iter::once(&mut self.gateway).chain(called)
    }

    /// A URL of the gateway's public API; `path` begins with `/`.
    pub fn url(&self, path: &str) -> String {
        self.gateway.url() + path
    }

    /// Ends all with SIGTERM, the gateway first, so that its requests in flight
    /// are still answered. All outputs are complete then.
    ///
    /// # Errors
    /// When one had ended already or does not end; the others are ended all the same.
    pub async fn terminate(&mut self) -> Result<Vec<ExitStatus>> {
        let mut ends = Vec::new();
        for service in self.all_mut() {
            let end = service.terminate().await;
            ends.push(end.with_context(|| service.name().to_owned()));
        }
        ends.into_iter().collect()
    }

    /// Waits until one ends by itself; says which, with its output.
    ///
    /// # Errors
    /// When the system does not say.
    pub async fn first_end(&mut self) -> Result<String> {
        let mut ends: Vec<_> = self
            .all_mut()
            .map(|service| Box::pin(ended_by_itself(service)))
            .collect();
        poll_fn(|context| {
            let mut polled = ends.iter_mut().map(|end| end.as_mut().poll(context));
            polled.find(Poll::is_ready).unwrap_or(Poll::Pending)
        })
        .await
    }

    /// Waits until every span that the services have made is exported or dropped.
    ///
    /// # Errors
    /// When some are still on the way after `bound`.
    pub async fn wait_until_exported(&self, bound: Duration) -> Result<()> {
        crate::wait::until("all spans to be exported", bound, async || {
            for service in self.all() {
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

    /// The last lines of all, for the report of a failure.
    pub fn report(&self) -> String {
        let mut report = String::new();
        for service in self.all() {
            writeln!(
                report,
                "{} (pid {}) wrote\n{}",
                service.name(),
                service.pid(),
                service.output().report()
            )
            .expect("a String takes everything");
        }
        report
    }
}

/// The URLs of those that a service calls, by the variables that get them.
fn peers(service: &Declared, ports: &BTreeMap<&str, [u16; 2]>) -> Vec<(String, String)> {
    let url = |(variable, call): (&String, &Call)| {
        // A peer that is not started here is where the service looks by default.
        let [http, admin] = ports.get(call.service.as_str())?;
        let port = match call.port {
            Port::Http => http,
            Port::Admin => admin,
        };
        Some((variable.clone(), format!("http://127.0.0.1:{port}")))
    };
    service.calls.iter().filter_map(url).collect()
}

async fn ended_by_itself(service: &mut Service) -> Result<String> {
    let status = service.process().end().await?;
    Ok(format!(
        "{} ended by itself, with {status}\n{}",
        service.name(),
        service.output().report()
    ))
}
