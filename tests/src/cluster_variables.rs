//! What `cargo xtask e2e` passes to the tests in the cluster. This module is separate from
//! `cluster` because xtask is built without the `cluster` feature.

/// The variable with the path of the cluster's kubeconfig. Without it, cluster tests are
/// skipped.
pub const KUBECONFIG: &str = "ONETRACE_KUBECONFIG";
/// The variable with the path of a values file that contains the image tags.
pub const IMAGES: &str = "ONETRACE_IMAGES";
/// The variable that keeps namespaces after their tests, unless it is empty or `0`.
pub const KEEP: &str = "E2E_KEEP";
/// The label of test namespaces. `cargo xtask e2e` deletes what an interrupted run has left.
pub const LABEL: &str = "onetrace-e2e";

/// Whether [`KEEP`] is set.
pub fn keep_namespaces() -> bool {
    std::env::var(KEEP).is_ok_and(|keep| !keep.is_empty() && keep != "0")
}
