//! The gateway's internal API as its callers see it: what is known of a
//! visitor, the client that asks for it, and the rule for names.

mod client;
mod name;
mod visitor;

pub use client::VisitorsClient;
pub use name::{NameError, VisitorName};
pub use visitor::{Language, Visitor};

/// The path of a visitor, as axum's router and the client's span write it.
pub const VISITOR_PATH: &str = "/visitors/{name}";
