//! Checks the alerts with promtool: the rules are valid, and fire as
//! `checks/alerts.yaml` expects. Each alert has a section in the runbook.

use std::fs;

use ::tests::workspace;
use anyhow::{Context, Result};
use serde::Deserialize;
use serde_norway::{Deserializer, Value};

use super::helm::render;
use crate::console;
use crate::program::{self, command};

const RUNBOOK: &str = "docs/alerts.md";
const TESTS: &str = "charts/onetrace/checks/alerts.yaml";
const VALUES: &str = "prometheusRule: {enabled: true}";
/// The number of lines of promtool's output that are shown.
const MAX_LINES: usize = 20;

/// Returns all problems. Prints that promtool is skipped if it is not installed.
pub(super) async fn problems() -> Result<Vec<String>> {
    let manifest = render(VALUES).await?;
    let documents = Deserializer::from_str(&manifest).map(Value::deserialize);
    let objects = documents.collect::<Result<Vec<_>, _>>()?;
    let rule = objects.iter().find(|it| it["kind"] == "PrometheusRule");
    let spec = &rule.context("the chart renders no PrometheusRule")?["spec"];
    let mut problems = without_runbook(spec)?;
    if !program::is_installed("promtool") {
        println!("skipped the tests of the alerts: promtool is not on PATH");
        return Ok(problems);
    }
    console::progress("promtool: the alerts");
    problems.extend(rejected(spec).await?);
    Ok(problems)
}

/// The alerts whose `runbook_url` leads to no section of the runbook.
fn without_runbook(spec: &Value) -> Result<Vec<String>> {
    let runbook = fs::read_to_string(workspace().join(RUNBOOK)).context(RUNBOOK)?;
    let rules = spec["groups"][0]["rules"].as_sequence();
    let rules = rules.context("the rule has no alerts")?.iter();
    let problem = |rule: &Value| {
        let name = rule["alert"].as_str().unwrap_or_default();
        let url = rule["annotations"]["runbook_url"].as_str();
        let expected = format!("{RUNBOOK}#{}", name.to_lowercase());
        let exists = runbook.contains(&format!("\n## {name}\n"));
        (url != Some(&expected) || !exists)
            .then(|| format!("the alert {name} has no section {expected}: {url:?}"))
    };
    Ok(rules.filter_map(problem).collect())
}

/// What promtool reports about the rules and their tests.
async fn rejected(spec: &Value) -> Result<Vec<String>> {
    let directory = workspace().join(format!("target/chart-alerts-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("rules.yaml"), serde_norway::to_string(spec)?)?;
    fs::copy(workspace().join(TESTS), directory.join("alerts.yaml")).context(TESTS)?;
    let mut problems = Vec::new();
    for (subject, file) in [("check", "rules.yaml"), ("test", "alerts.yaml")] {
        let mut promtool = command("promtool", [subject, "rules"]);
        let output = promtool.arg(directory.join(file)).output().await;
        let output = output.context("promtool")?;
        if !output.status.success() {
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            let first: Vec<_> = text.lines().take(MAX_LINES).collect();
            problems.push(format!("promtool {subject} rules: {}", first.join("\n  ")));
        }
    }
    fs::remove_dir_all(&directory)?;
    Ok(problems)
}
