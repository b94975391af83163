//! The behaviour of the chart: renders it with Helm and looks at the objects. Skipped if
//! helm is not installed.

mod drain;
mod rendered;
