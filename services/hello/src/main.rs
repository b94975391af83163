//! hello: greets a visitor in the visitor's language.

use std::process::ExitCode;

use hello::{Config, SERVICE};
use server::Listeners;

#[tokio::main]
async fn main() -> ExitCode {
    let (config, settings) = server::settings::<Config>(SERVICE);
    match serve(&config, &settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hello: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(config: &Config, settings: &telemetry::Config) -> anyhow::Result<()> {
    let shutdown = server::shutdown_signal()?;
    let listeners = Listeners::bind(config.http_addr, config.admin_addr).await?;
    let telemetry = telemetry::init(settings)?;
    let routes = hello::routes(config)?;
    let accounting = telemetry.accounting();
    let served = server::run(listeners, routes, accounting, &config.serving, shutdown).await;
    telemetry.shutdown(served.time_left).await;
    Ok(())
}
