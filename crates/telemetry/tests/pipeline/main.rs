//! The pipeline against Collectors of every kind: what becomes of the spans, and
//! that the figures add up whatever happens.

mod delivery;
mod fixture;
mod losses;
