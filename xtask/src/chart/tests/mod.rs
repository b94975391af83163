//! The behaviour of the chart: renders it with Helm and looks at the objects. Skipped if
//! helm is not installed.

mod alerts;
mod configurations;
mod drain;
mod environment;
mod names;
mod policies;
mod rendered;
mod subchart;
mod tiers;
