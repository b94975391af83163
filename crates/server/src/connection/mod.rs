//! TCP connections: accept, serve HTTP/1.1, close.

mod accept;
mod serve;
mod socket;

pub(crate) use accept::{Connections, accept};
pub(crate) use serve::Shared;
