//! Values that must be rejected with a helpful message: `checks/bad-values.yaml`.

use ::tests::workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_norway::Value;

use super::helm::{Release, template};
use crate::console;

const CASES: &str = "charts/onetrace/checks/bad-values.yaml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The values.
    values: Value,
    /// Texts that the error message must contain.
    error: Vec<String>,
}

/// Returns a problem per case that is not rejected, or not with these texts.
pub(super) async fn all(helm: &str) -> Result<Vec<String>> {
    console::progress(format!("{helm}: values that must be rejected"));
    let text = std::fs::read_to_string(workspace().join(CASES)).context(CASES)?;
    let cases: Vec<Case> = serde_norway::from_str(&text).context(CASES)?;
    let mut problems = Vec::new();
    for case in &cases {
        problems.extend(problem(helm, case).await?);
    }
    Ok(problems)
}

async fn problem(helm: &str, case: &Case) -> Result<Option<String>> {
    let values = serde_norway::to_string(&case.values)?;
    let shown = values.trim().replace('\n', "\n    ");
    let Err(message) = template(helm, &Release::default(), &values).await? else {
        return Ok(Some(format!(
            "{helm} must reject these values:\n    {shown}"
        )));
    };
    let missing: Vec<_> = case
        .error
        .iter()
        .filter(|it| !message.contains(*it))
        .collect();
    if missing.is_empty() {
        return Ok(None);
    }
    Ok(Some(format!(
        "{helm} must report {missing:?} when it rejects these values:\n    {shown}\n  Its error is: {message}"
    )))
}
