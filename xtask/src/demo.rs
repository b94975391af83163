//! `demo`: one request and its trace; needs only Rust.

use std::time::Instant;

use ::tests::local::{Binaries, Ports, Profile, System, SystemConfig};
use anyhow::Result;
use clap::Args;
use trace_contract::Receiver;

use crate::interrupt::Interrupts;
use crate::{check, console};

/// Run gateway and hello, send one request, and verify its trace. Needs only Rust
///
/// Builds gateway and hello, starts them with an OTLP receiver, sends one request,
/// and prints the response and its trace. The exit status is 0 if the trace satisfies
/// its contract.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Keep the system running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

pub(crate) async fn run(arguments: Arguments, mut interrupts: Interrupts) -> Result<bool> {
    let mut demo = interrupts.or(Demo::start()).await?;
    let satisfied = interrupts.or(demo.check()).await?;
    if arguments.keep {
        demo.print_addresses();
        tokio::select! {
            () = interrupts.next() => {}
            exited = demo.system.first_exit() => anyhow::bail!(exited?),
        }
    }
    interrupts.or(demo.stop()).await?;
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
        let config = SystemConfig::new()
            .binaries(&binaries)
            .ports(ports())
            .export_to(receiver.endpoint());
        let system = System::start(config).await?;
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

    fn print_addresses(&self) {
        println!("\nrunning until Ctrl-C:");
        print_services(&self.system);
        println!("  {:<9} {}", "OTLP", self.receiver.endpoint());
        println!("try:\n  curl -i {}", self.system.url("/hello/Monde"));
    }

    async fn stop(&mut self) -> Result<()> {
        self.system.terminate().await.map(drop)
    }
}

/// Builds the services.
pub(crate) async fn build() -> Result<Binaries> {
    console::progress("building the services");
    let started_at = Instant::now();
    let binaries = Binaries::build(Profile::Dev).await?;
    console::progress(format!("built in {:.1?}", started_at.elapsed()));
    Ok(binaries)
}

/// The standard ports if all of them are free, otherwise any free ones.
pub(crate) fn ports() -> Ports {
    let in_use = Ports::standard_in_use();
    if in_use.is_empty() {
        return Ports::Standard;
    }
    let in_use = console::list(&in_use);
    console::progress(format!(
        "ports in use: {in_use}; the services listen on free ones"
    ));
    Ports::Free
}

/// Prints the addresses of all services.
pub(crate) fn print_services(system: &System) {
    for service in system.all() {
        println!(
            "  {:<9} {} (admin {})",
            service.name(),
            service.url(),
            service.admin_url()
        );
    }
}
