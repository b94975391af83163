//! The pipeline with Collectors that work, fail, are slow or do not exist: every
//! span is exported or counted as dropped.

mod connections;
mod delivery;
mod fixture;
mod grpc;
mod losses;
mod raw;
mod responses;
