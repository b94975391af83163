//! The layers as an application meets them, in one process: an axum router, an
//! endpoint and the traced client, exporting to a receiver, read back and held
//! to contracts.

mod calls;
mod endpoints;
mod fixture;
mod servers;
