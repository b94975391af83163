//! `demo`: the whole idea on one screen, with nothing but Rust.

use std::time::Instant;

use ::tests::local::{Binaries, Ports, Profile, System, SystemConfig};
use anyhow::Result;
use clap::Args;
use trace_contract::Receiver;

use crate::interrupt::Interrupts;
use crate::{check, console};

/// Run gateway and hello, send one request, and hold its trace to its contract. Rust is enough
///
/// Builds gateway and hello, starts them with a receiver of OTLP, sends one
/// request, and prints the answer, its trace, and whether that satisfies its
/// contract, which is also the exit status.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Leave it running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let mut demo = interrupts.or(Demo::start()).await?;
    let satisfied = interrupts.or(demo.check()).await?;
    if arguments.keep {
        demo.tell();
        tokio::select! {
            () = interrupts.next() => {}
            ended = demo.system.first_exit() => anyhow::bail!(ended?),
        }
    }
    interrupts.or(demo.end()).await?;
    Ok(satisfied)
}

struct Demo {
    system: System,
    receiver: Receiver,
}

impl Demo {
    async fn start() -> Result<Self> {
        let binaries = build().await?;
        let receiver = Receiver::bind("127.0.0.1:0").await?;
        let settings = SystemConfig::new()
            .binaries(&binaries)
            .ports(ports())
            .export_to(receiver.endpoint());
        let system = System::start(settings).await?;
        Ok(Self { system, receiver })
    }

    async fn check(&self) -> Result<bool> {
        let source = self.receiver.store().into();
        let satisfied = check::hello(&self.system.url("/hello"), &source, check::TIMEOUT).await?;
        if !satisfied {
            println!("\n{}", self.system.report());
        }
        Ok(satisfied)
    }

    fn tell(&self) {
        println!("\nrunning until Ctrl-C:");
        services(&self.system);
        println!("  {:<9} {}", "OTLP", self.receiver.endpoint());
        println!("try:\n  curl -i {}", self.system.url("/hello/Monde"));
    }

    async fn end(&mut self) -> Result<()> {
        self.system.terminate().await.map(drop)
    }
}

/// The services' programs, with the time that their build took.
pub(crate) async fn build() -> Result<Binaries> {
    console::progress("building the services");
    let began = Instant::now();
    let binaries = Binaries::build(Profile::Dev).await?;
    console::progress(format!("built in {:.1?}", began.elapsed()));
    Ok(binaries)
}

/// The usual ports where all of them are free, with a word where not.
pub(crate) fn ports() -> Ports {
    let in_use = Ports::standard_in_use();
    if in_use.is_empty() {
        return Ports::Standard;
    }
    let in_use = console::list(&in_use);
    console::progress(format!(
        "in use: port {in_use}; the services take free ones"
    ));
    Ports::Free
}

pub(crate) fn services(system: &System) {
    for service in system.all() {
        println!(
            "  {:<9} {} (admin {})",
            service.name(),
            service.url(),
            service.admin_url()
        );
    }
}
