//! The greeting backend of onetrace, in the three parts of Go kit: [`service`]
//! (the business logic), `endpoint` (one request type, one response type, one
//! span) and `http` (the transport).

mod config;
mod endpoint;
mod error;
mod faults;
mod http;
pub mod service;

use gateway_api::VisitorsClient;
use telemetry::ServiceInfo;
use telemetry::http::CallError;

pub use config::Config;
pub use error::Error;

use crate::faults::Faults;
use crate::service::Greeter;

/// The name and version in telemetry and `--version`.
pub const SERVICE: ServiceInfo = ServiceInfo {
    name: "hello",
    version: env!("CARGO_PKG_VERSION"),
};

/// The routes of both ports.
///
/// # Errors
/// If the HTTP client cannot be created.
pub fn routes(config: &Config) -> Result<server::Routes, CallError> {
    let visitors = VisitorsClient::new(config.gateway_url.clone(), &config.gateway_client())?;
    let greet = endpoint::greet(Greeter::new(visitors));
    let faults = config.faults.then(Faults::default);
    Ok(server::Routes {
        public: http::public(greet, faults.clone(), &config.server),
        internal: http::internal(faults, &config.server),
    })
}
