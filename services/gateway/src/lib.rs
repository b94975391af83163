//! The public API of onetrace, in the three parts of Go kit: [`service`] (the
//! business logic), `endpoint` (one request type, one response type, one span)
//! and `http` (the transport).
//!
//! The gateway calls hello for greetings, and owns the directory of [`visitors`]:
//! hello calls the gateway's internal API to look a visitor up.

mod config;
mod cors;
mod endpoint;
mod error;
mod format;
mod http;
pub mod service;
pub mod visitors;

use hello_api::GreetingsClient;
use telemetry::ServiceInfo;
use telemetry::http::CallError;

pub use config::Config;
pub use error::Error;

use crate::service::Gateway;

/// The name and version in telemetry and `--version`.
pub const SERVICE: ServiceInfo = ServiceInfo {
    name: "gateway",
    version: env!("CARGO_PKG_VERSION"),
};

/// The routes of both ports.
///
/// # Errors
/// If the HTTP client cannot be created.
pub fn routes(config: &Config) -> Result<server::Routes, CallError> {
    let greetings = GreetingsClient::new(config.hello_url.clone(), &config.hello_client())?;
    let gateway = Gateway::new(greetings, config.visitors.clone());
    let hello = endpoint::hello(gateway.clone());
    let visitor = endpoint::visitor(gateway);
    Ok(server::Routes {
        public: http::public(hello, config.spans(), config.cors(), &config.server),
        internal: http::internal(visitor, &config.server),
    })
}
