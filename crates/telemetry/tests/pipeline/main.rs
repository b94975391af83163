//! The pipeline with Collectors that work, fail, are slow or do not exist: every
//! span is exported or counted as dropped.

mod delivery;
mod fixture;
mod losses;
