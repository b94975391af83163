//! The chart by itself, with nothing of it disrupted: what an installation gives, what
//! people do with it, and its sampling. Few of these load the cluster, so they run
//! beside each other.

mod install;
mod sampling;
mod uses;
