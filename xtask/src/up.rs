//! `up`: the services with the real Collector and the real Jaeger.

use ::tests::backend::{self, Backend, BackendConfig, Origin, OriginKind, Tool};
use ::tests::local::{System, SystemConfig};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use trace_contract::Source;

use crate::interrupt::Interrupts;
use crate::{check, console, demo};

/// Run gateway and hello with the real Collector and Jaeger, until Ctrl-C
///
/// Sends a first request, and holds its trace, as Jaeger has it, to its contract.
/// The Collector and Jaeger are programs on PATH, else containers where a Docker
/// engine answers, else built by Go from tools/.
#[derive(Args)]
pub(crate) struct Arguments {
    /// End after the first trace; the exit status says whether it satisfies its contract
    #[arg(long)]
    once: bool,

    /// How to come by the Collector
    #[arg(long, value_enum, default_value_t = From::First)]
    collector: From,

    /// How to come by Jaeger
    #[arg(long, value_enum, default_value_t = From::First)]
    jaeger: From,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The first of the others that this machine has
    First,
    /// A program on PATH
    Path,
    /// A container of the upstream image
    Docker,
    /// What Go builds from tools/; minutes the first time
    Go,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let mut up = interrupts.or(Up::start(&arguments)).await?;
    let satisfied = interrupts.or(up.check()).await?;
    if !arguments.once {
        up.tell();
        tokio::select! {
            () = interrupts.next() => console::progress("ending"),
            ended = up.system.first_exit() => bail!(ended?),
            ended = up.backend.first_exit() => bail!(ended?),
        }
    }
    interrupts.or(up.end()).await?;
    Ok(satisfied)
}

struct Up {
    // In the order in which they end: the services export their last spans.
    system: System,
    backend: Backend,
    has_page: bool,
}

impl Up {
    async fn start(arguments: &Arguments) -> Result<Self> {
        let binaries = demo::build().await?;
        let collector = get(Tool::Collector, arguments.collector).await?;
        let jaeger = get(Tool::Jaeger, arguments.jaeger).await?;
        let has_page = !matches!(jaeger, Origin::Built(_));
        let mut settings = BackendConfig::new(collector, jaeger);
        let in_use = BackendConfig::standard_ports_in_use();
        if in_use.is_empty() {
            settings = settings.standard_ports();
        } else {
            let in_use = console::list(&in_use);
            console::progress(format!(
                "in use: port {in_use}; the Collector and Jaeger take free ones"
            ));
        }
        console::progress("starting the Collector and Jaeger");
        let backend = Backend::start(&settings).await?;
        let settings = SystemConfig::new()
            .binaries(&binaries)
            .ports(demo::ports())
            .export_to(backend.endpoint());
        let system = System::start(settings).await?;
        Ok(Self {
            system,
            backend,
            has_page,
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

    fn tell(&self) {
        println!("\nrunning until Ctrl-C:");
        demo::services(&self.system);
        println!("  {:<9} {}", "Collector", self.backend.endpoint());
        println!("  {:<9} {}", "Jaeger", self.backend.jaeger_url());
        if !self.has_page {
            println!(
                "            its API alone: built by Go, it has no web page; try\n            cargo run -p trace-contract -- show --jaeger {} TRACE_ID",
                self.backend.jaeger_url()
            );
        }
        println!("try:\n  curl -i {}", self.system.url("/hello/Monde"));
    }

    async fn end(&mut self) -> Result<()> {
        self.system.terminate().await?;
        self.backend.terminate().await
    }
}

/// Finds the tool, and gets or builds what is needed of it; says what it chose.
async fn get(tool: Tool, from: From) -> Result<Origin> {
    let ways: &[OriginKind] = match from {
        From::First => &[OriginKind::Path, OriginKind::Docker, OriginKind::Go],
        From::Path => &[OriginKind::Path],
        From::Docker => &[OriginKind::Docker],
        From::Go => &[OriginKind::Go],
    };
    let mut reasons = Vec::new();
    for way in ways {
        let found = backend::find_by(tool, *way).await;
        let got = match found {
            Ok(origin) => origin.fetch().await.map(|()| origin),
            Err(missing) if *way == OriginKind::Go => {
                console::progress(missing.to_string());
                console::progress("building it takes minutes, once");
                backend::build(tool).await
            }
            Err(missing) => Err(missing.into()),
        };
        match got {
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
    let remedy = match from {
        From::First => String::new(),
        _ => format!(". Without --{}, other ways are tried", tool.name()),
    };
    bail!("{}{remedy}", reasons.join("; "))
}
