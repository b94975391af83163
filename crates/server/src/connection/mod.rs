//! TCP connections: accept, serve HTTP/1.1, close.

mod accept;
mod host;
mod request_body;
mod serve;
mod socket;

pub(crate) use accept::{Connections, accept};
pub(crate) use serve::Shared;
