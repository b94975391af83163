//! The chart without disruptions: installation, Helm operations, network policies and tail
//! sampling. These tests put little load on the cluster, so they run concurrently.

mod helm;
mod install;
mod network;
mod sampling;
