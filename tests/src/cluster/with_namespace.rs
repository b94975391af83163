//! The frame of every cluster test: create a namespace, run the test, report, clean up.

use anyhow::{Error, Result};

use super::connection::Cluster;
use super::namespace::Namespace;
use super::report::report;
use crate::cluster_variables::{KEEP, keep_namespaces};

/// Runs `test` in a new namespace, whose name contains `topic`, and deletes the namespace
/// afterwards. Without a cluster, the test is recorded as skipped.
///
/// # Errors
/// The error of `test`, with a report of the namespace.
pub async fn with_namespace(
    topic: &str,
    test: impl AsyncFnOnce(&Namespace) -> Result<()>,
) -> Result<()> {
    let Some(cluster) = Cluster::or_skip().await? else {
        return Ok(());
    };
    let namespace = Namespace::create(&cluster, topic).await?;
    let result = match test(&namespace).await {
        Ok(()) => Ok(()),
        Err(error) => {
            // The report is long, so the error is repeated after it.
            let report = report(&namespace).await;
            Err(Error::msg(format!(
                "{error:#}\n\n{report}\nfailed: {error:#}"
            )))
        }
    };
    if keep_namespaces() {
        let name = &namespace.name;
        eprintln!("{KEEP}: kept the namespace; to delete it: kubectl delete namespace {name}");
        return result;
    }
    result.and(namespace.delete().await)
}
