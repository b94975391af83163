//! `up`: runs the services with a real Collector and Jaeger.

use ::tests::backend::{self, Backend, BackendConfig, Origin, OriginKind, Tool};
use ::tests::local::{System, SystemConfig};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use trace_contract::Source;

use crate::interrupt::Interrupts;
use crate::{check, console, demo};

/// Run gateway and hello with a real Collector and Jaeger, until Ctrl-C
///
/// Sends one request and verifies its trace in Jaeger against the contract. The
/// Collector and Jaeger are programs on PATH; otherwise containers, if a Docker engine
/// runs; otherwise they are built with Go from tools/.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Stop after the first trace. The exit status is 0 if it satisfies its contract
    #[arg(long)]
    once: bool,

    /// Where the Collector comes from
    #[arg(long, value_enum, default_value_t = From::First)]
    collector: From,

    /// Where Jaeger comes from
    #[arg(long, value_enum, default_value_t = From::First)]
    jaeger: From,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The first of the following that is available
    First,
    /// A program on PATH
    Path,
    /// A container of the upstream image
    Docker,
    /// Built with Go from tools/; the first build takes minutes
    Go,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let mut up = interrupts.or(Up::start(&arguments)).await?;
    let satisfied = interrupts.or(up.check()).await?;
    if !arguments.once {
        up.print_addresses();
        tokio::select! {
            () = interrupts.next() => console::progress("stopping"),
            exited = up.system.first_exit() => bail!(exited?),
            exited = up.backend.first_exit() => bail!(exited?),
        }
    }
    interrupts.or(up.stop()).await?;
    Ok(satisfied)
}

struct Up {
    system: System,
    backend: Backend,
    /// Whether Jaeger serves its web page.
    has_web_page: bool,
}

impl Up {
    async fn start(arguments: &Arguments) -> Result<Self> {
        let binaries = demo::build().await?;
        let collector = find(Tool::Collector, arguments.collector).await?;
        let jaeger = find(Tool::Jaeger, arguments.jaeger).await?;
        let has_web_page = !matches!(jaeger, Origin::Built(_));
        let mut config = BackendConfig::new(collector, jaeger);
        let in_use = BackendConfig::standard_ports_in_use();
        if in_use.is_empty() {
            config = config.standard_ports();
        } else {
            let in_use = console::list(&in_use);
            console::progress(format!(
                "ports in use: {in_use}; the Collector and Jaeger listen on free ones"
            ));
        }
        console::progress("starting the Collector and Jaeger");
        let backend = Backend::start(&config).await?;
        let config = SystemConfig::new()
            .binaries(&binaries)
            .ports(demo::ports())
            .export_to(backend.endpoint());
        let system = System::start(config).await?;
        Ok(Self {
            system,
            backend,
            has_web_page,
        })
    }

    async fn check(&self) -> Result<bool> {
        let jaeger = Source::from(self.backend.jaeger()?);
        let satisfied = check::hello(&self.system.url("/hello"), &jaeger, check::TIMEOUT)
            .await
            .with_context(|| self.backend.report())?;
        if !satisfied {
            println!("\n{}{}", self.system.report(), self.backend.report());
        }
        Ok(satisfied)
    }

    fn print_addresses(&self) {
        println!("\nrunning until Ctrl-C:");
        demo::print_services(&self.system);
        println!("  {:<9} {}", "Collector", self.backend.endpoint());
        println!("  {:<9} {}", "Jaeger", self.backend.jaeger_url());
        if !self.has_web_page {
            println!(
                "            only its API, because a build with Go has no web page; try\n            cargo run -p trace-contract -- show --jaeger {} TRACE_ID",
                self.backend.jaeger_url()
            );
        }
        println!("try:\n  curl -i {}", self.system.url("/hello/Monde"));
    }

    async fn stop(&mut self) -> Result<()> {
        // First the services, which export their last spans to the Collector.
        self.system.terminate().await?;
        self.backend.terminate().await
    }
}

/// Finds the tool; pulls its image or builds it if needed.
async fn find(tool: Tool, from: From) -> Result<Origin> {
    let kinds: &[OriginKind] = match from {
        From::First => &[OriginKind::Path, OriginKind::Docker, OriginKind::Go],
        From::Path => &[OriginKind::Path],
        From::Docker => &[OriginKind::Docker],
        From::Go => &[OriginKind::Go],
    };
    let mut reasons = Vec::new();
    for kind in kinds {
        let found = backend::find_by(tool, *kind).await;
        let fetched = match found {
            Ok(origin) => origin.fetch().await.map(|()| origin),
            Err(missing) if *kind == OriginKind::Go => {
                console::progress(missing.to_string());
                console::progress("building it once, which takes minutes");
                backend::build(tool).await
            }
            Err(missing) => Err(missing.into()),
        };
        match fetched {
            Ok(origin) => {
                console::progress(format!("{}: {origin}", tool.name()));
                return Ok(origin);
            }
            Err(error) => {
                let reason = format!("{error:#}");
                if from == From::First {
                    console::progress(&reason);
                }
                reasons.push(reason);
            }
        }
    }
    let hint = match from {
        From::First => String::new(),
        _ => format!(". Without --{}, every source is tried", tool.name()),
    };
    bail!("{}{hint}", reasons.join("; "))
}
