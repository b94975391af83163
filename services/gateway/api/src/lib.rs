//! The gateway's internal API for its callers: the visitor, the client, and the
//! rules for names.

mod client;
mod name;
mod visitor;

pub use client::VisitorsClient;
pub use name::{NameError, VisitorName};
pub use visitor::{Language, Visitor};

/// The route of a visitor, for axum's router and the client's span.
pub const VISITOR_PATH: &str = "/visitors/{name}";
