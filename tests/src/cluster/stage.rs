//! The frame of every cluster test: a namespace, the act, the report, the end.

use anyhow::{Error, Result};

use super::{Cluster, Namespace, report};
use crate::cluster_variables::KEEP;

/// Gives `act` a namespace of its own, and deletes it in the end. Where there is no
/// cluster the test is skipped, and says so.
///
/// # Errors
/// What the act says, with a report of all that is in the namespace.
pub async fn on_stage(about: &str, act: impl AsyncFnOnce(&Namespace) -> Result<()>) -> Result<()> {
    let Some(cluster) = Cluster::or_skip().await? else {
        return Ok(());
    };
    let namespace = Namespace::create(&cluster, about).await?;
    let outcome = match act(&namespace).await {
        Ok(()) => Ok(()),
        Err(error) => Err(reported(error, &namespace).await),
    };
    if std::env::var_os(KEEP).is_some_and(|keep| !keep.is_empty() && keep != "0") {
        eprintln!(
            "{KEEP}: kept the namespace {0}; delete it with kubectl delete namespace {0}",
            namespace.name
        );
        return outcome;
    }
    outcome.and(namespace.delete().await)
}

/// The failure first and last: the report between is long.
async fn reported(error: Error, namespace: &Namespace) -> Error {
    let report = report::of(namespace).await;
    Error::msg(format!("{error:#}\n\n{report}\nfailed: {error:#}"))
}
