//! Limits for requests and connections.

mod activity;
mod log_limit;
mod middleware;

pub(crate) use activity::{Activity, InFlight};
pub(crate) use log_limit::LogLimit;
pub use middleware::with_middleware;
