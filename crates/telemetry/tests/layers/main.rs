//! The layers as an application uses them, in one process: an axum router, an
//! endpoint and the traced client. They export to a receiver, and the traces are
//! compared with contracts.

mod calls;
mod edge;
mod endpoints;
mod example;
mod fixture;
mod https;
mod messages;
mod panics;
mod raw_peer;
mod responses;
mod retries;
mod servers;
