//! gateway: the public API of onetrace, and the directory of visitors.

use gateway::{Config, SERVICE};
use server::Listeners;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let (config, telemetry_config) = server::read_config::<Config>(SERVICE);
    let shutdown = server::shutdown_signal()?;
    let listeners = Listeners::bind(config.http_addr, config.admin_addr).await?;
    let telemetry = telemetry::init(&telemetry_config)?;
    let routes = gateway::routes(&config)?;
    let accounting = telemetry.accounting();
    let served = server::run(listeners, routes, accounting, &config.server, shutdown).await;
    telemetry.shutdown(served.time_left).await;
    Ok(())
}
