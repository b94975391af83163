//! The documentation names only files, tests and dependencies that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;
use tests::workspace;

const PROMISES: &str = "docs/promises.md";
const ARCHITECTURE: &str = "docs/architecture.md";

/// Checks each path in backticks that starts with a directory of the repository, and
/// the target of each relative link.
#[test]
fn every_file_that_the_documentation_names_exists() -> Result<()> {
    let mut missing = Vec::new();
    for document in documents()? {
        let text = prose(&fs::read_to_string(&document)?);
        let directory = document.parent().context("a document is in a directory")?;
        let paths = quoted(&text)
            .filter(|it| is_path(it))
            .map(|it| workspace().join(it));
        let links = links(&text).map(|it| directory.join(it));
        for path in paths.chain(links).filter(|path| !path.exists()) {
            missing.push(format!("{}: {}", document.display(), path.display()));
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "these files do not exist");
    Ok(())
}

#[test]
fn every_promise_names_tests_that_exist() -> Result<()> {
    let text = fs::read_to_string(workspace().join(PROMISES))?;
    let mut problems = Vec::new();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    for row in rows.filter(|row| !row.starts_with("promise") && !row.starts_with("---")) {
        let (promise, tests) = row.split_once(" | ").context("a row has two columns")?;
        let mut file = None;
        for name in quoted(tests) {
            if name.contains('/') {
                file = Some(name);
                continue;
            }
            let file = file.with_context(|| format!("{promise}: no file before {name}"))?;
            if !source(&workspace().join(file))?.contains(&format!("fn {name}(")) {
                problems.push(format!("{promise}: {file} has no test {name}"));
            }
        }
        if file.is_none() {
            problems.push(format!("{promise}: no test"));
        }
    }
    assert_eq!(
        problems,
        Vec::<String>::new(),
        "{PROMISES} names missing tests"
    );
    Ok(())
}

#[test]
fn the_dependency_graph_is_that_of_cargo() -> Result<()> {
    let text = fs::read_to_string(workspace().join(ARCHITECTURE))?;
    let edges = text
        .lines()
        .filter_map(|line| line.trim().split_once(" --> "));
    let drawn: BTreeSet<_> = edges.map(|(a, b)| format!("{a} -> {b}")).collect();
    assert_eq!(
        drawn,
        dependencies()?,
        "{ARCHITECTURE} (left) and Cargo.toml (right)"
    );
    Ok(())
}

/// README.md, docs/*.md, and the READMEs of the chart and the crates.
fn documents() -> Result<Vec<PathBuf>> {
    let mut documents = vec![
        workspace().join("README.md"),
        workspace().join("charts/onetrace/README.md"),
    ];
    for entry in fs::read_dir(workspace().join("docs"))? {
        documents.push(entry?.path());
    }
    for entry in fs::read_dir(workspace().join("crates"))? {
        let readme = entry?.path().join("README.md");
        documents.extend(readme.exists().then_some(readme));
    }
    Ok(documents)
}

/// The text outside code blocks.
fn prose(markdown: &str) -> String {
    markdown.split("\n```").step_by(2).collect()
}

fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(['#', ')']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// Whether this is a path below a directory of the repository, other than build output.
fn is_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let first = text.split('/').next().unwrap_or_default();
    let is_directory = !["", "target", text].contains(&first) && workspace().join(first).is_dir();
    is_directory && text.chars().all(is_plain)
}

/// The text of a file, or of all files in a directory.
fn source(path: &Path) -> Result<String> {
    if path.is_file() {
        return fs::read_to_string(path).with_context(|| path.display().to_string());
    }
    let mut text = String::new();
    for entry in fs::read_dir(path).with_context(|| path.display().to_string())? {
        text += &source(&entry?.path())?;
    }
    Ok(text)
}

/// Which crates of the workspace depend on which others, without dev-dependencies.
fn dependencies() -> Result<BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(workspace())
        .output()?;
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let packages = metadata["packages"].as_array().context("packages")?;
    let mut edges = BTreeSet::new();
    for package in packages {
        for dependency in package["dependencies"].as_array().context("dependencies")? {
            if dependency["path"].is_string() && dependency["kind"].is_null() {
                let (from, to) = (package["name"].as_str(), dependency["name"].as_str());
                edges.insert(format!("{} -> {}", from.unwrap_or("?"), to.unwrap_or("?")));
            }
        }
    }
    Ok(edges)
}
