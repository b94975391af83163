//! Limits for requests and connections.

mod activity;
mod descriptors;
mod log_limit;
mod middleware;
mod rejections;

pub(crate) use activity::{Activity, InFlight};
pub(crate) use descriptors::connection_limit;
pub(crate) use log_limit::LogLimit;
pub use middleware::with_middleware;
pub(crate) use rejections::{RejectionReason, Rejections};
