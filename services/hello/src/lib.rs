//! The greeting backend of onetrace, in Go kit's three parts: [`service`] (what
//! it knows), `endpoint` (one request, one answer, one span) and `http` (the
//! transport).

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

/// Who this is, in telemetry and `--version`.
pub const SERVICE: ServiceInfo = ServiceInfo {
    name: "hello",
    version: env!("CARGO_PKG_VERSION"),
};

/// Everything hello answers, put together as the settings say.
///
/// # Errors
/// Where the platform cannot give an HTTP client.
pub fn routes(config: &Config) -> Result<server::Routes, CallError> {
    let visitors = VisitorsClient::new(config.gateway_url.clone(), &config.gateway_calls())?;
    let greet = endpoint::greet(Greeter::new(visitors));
    let faults = config.faults.then(Faults::default);
    Ok(server::Routes {
        public: http::public(greet, faults.clone(), &config.serving),
        internal: http::internal(faults, &config.serving),
    })
}
