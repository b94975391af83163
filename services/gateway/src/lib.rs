//! The public side of onetrace, in Go kit's three parts: [`service`] (what it
//! knows), `endpoint` (one request, one answer, one span) and `http` (the
//! transport).
//!
//! The gateway asks hello for greetings, and owns what is known of visitors:
//! hello calls back its internal API for that.

mod config;
mod endpoint;
mod error;
mod http;
pub mod service;
pub mod visitors;

use hello_api::GreetingsClient;
use telemetry::ServiceInfo;
use telemetry::http::CallError;

pub use config::Config;
pub use error::Error;

use crate::service::Gateway;

/// Who this is, in telemetry and `--version`.
pub const SERVICE: ServiceInfo = ServiceInfo {
    name: "gateway",
    version: env!("CARGO_PKG_VERSION"),
};

/// Everything the gateway answers, put together as the settings say.
///
/// # Errors
/// Where the platform cannot give an HTTP client.
pub fn routes(config: &Config) -> Result<server::Routes, CallError> {
    let greetings = GreetingsClient::new(config.hello_url.clone(), &config.hello_calls())?;
    let gateway = Gateway::new(greetings, config.visitors.clone());
    let hello = endpoint::hello(gateway.clone());
    let visitor = endpoint::visitor(gateway);
    Ok(server::Routes {
        public: http::public(hello, config.edge(), &config.serving),
        internal: http::internal(visitor, &config.serving),
    })
}
