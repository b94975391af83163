//! The names by which `cargo xtask e2e` and the tests in the cluster meet. Apart from
//! `cluster`, which is built only for these tests.

/// The variable that names the cluster's kubeconfig; without it cluster tests are skipped.
pub const KUBECONFIG: &str = "ONETRACE_KUBECONFIG";
/// The variable that names a file of values with the tags of the images.
pub const IMAGES: &str = "ONETRACE_IMAGES";
/// The variable that keeps namespaces after their tests.
pub const KEEP: &str = "E2E_KEEP";
/// The label of the namespaces of tests, by which what an interrupted run has left is found.
pub const LABEL: &str = "onetrace-e2e";
