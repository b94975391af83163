//! The table of values in the chart's README, made from `values.yaml` and its comments.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_norway::Value;

const BEGIN: &str = "<!-- values: from values.yaml, by `cargo xtask chart` -->\n";
const END: &str = "<!-- end of values -->";

/// A key of `values.yaml` and the comment above it.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    path: Vec<String>,
    comment: String,
}

/// Replaces the table in the README.
pub(super) fn insert(readme: &str, values: &str) -> Result<String> {
    let place = readme.split_once(BEGIN).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(END)?;
        Some((before, after))
    });
    let (before, after) = place.with_context(|| format!("the README has no {BEGIN}...{END}"))?;
    let table = table(values)?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

fn table(values: &str) -> Result<String> {
    let parsed: Value = serde_norway::from_str(values).context("values.yaml")?;
    let entries = entries(values);
    let mut table = "| Value | Default | |\n| --- | --- | --- |\n".to_owned();
    for entry in entries.iter().filter(|entry| !entry.comment.is_empty()) {
        let is_below = |other: &Entry| {
            other.path.len() > entry.path.len()
                && other.path.starts_with(&entry.path)
                && !other.comment.is_empty()
        };
        let name = entry.path.join(".");
        let default = if entries.iter().any(is_below) {
            // Each of its keys has a row.
            String::new()
        } else {
            let value = at(&parsed, &entry.path).with_context(|| name.clone())?;
            format!(" `{}`", inline(value)?)
        };
        let comment = entry.comment.replace('|', "\\|");
        writeln!(table, "| `{name}` |{default} | {comment} |")?;
    }
    Ok(table)
}

/// All keys in the order of the file, including those without a comment.
fn entries(values: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut above: Vec<(usize, String)> = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    for line in values.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(text) = text.strip_prefix('#') {
            comment.push(text.trim());
            continue;
        }
        if let Some(key) = key(text) {
            above.retain(|(other, _)| *other < indent);
            above.push((indent, key.to_owned()));
            entries.push(Entry {
                path: above.iter().map(|(_, key)| key.clone()).collect(),
                comment: comment.join(" "),
            });
        }
        comment.clear();
    }
    entries
}

/// The key at the start of a line; `None` for an element of a list.
fn key(text: &str) -> Option<&str> {
    let (key, rest) = text.split_once(':')?;
    let is_key = key
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    (is_key && (rest.is_empty() || rest.starts_with(' '))).then_some(key)
}

fn at<'a>(values: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(values, |value, key| value.get(key))
}

/// Formats a value as JSON on one line, with the keys in the order of the file.
fn inline(value: &Value) -> Result<String> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(it) => it.to_string(),
        Value::Number(it) => it.to_string(),
        Value::String(it) => format!("{it:?}"),
        Value::Sequence(all) => {
            let all = all.iter().map(inline).collect::<Result<Vec<_>>>()?;
            format!("[{}]", all.join(", "))
        }
        Value::Mapping(all) => {
            let entry = |(key, value)| Ok(format!("{}: {}", inline(key)?, inline(value)?));
            let all = all.iter().map(entry).collect::<Result<Vec<_>>>()?;
            format!("{{{}}}", all.join(", "))
        }
        Value::Tagged(it) => bail!("a value with a tag: {it:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: &str = "\
# All of it
# on two lines
image:
  # Where
  repository: \"\"
  quiet:
    # How | often
    times: 3
# Who
peers:
  - name: b
    a: {x: [1, y]}
";

    #[test]
    fn every_comment_is_a_row_in_the_order_of_the_file() {
        let expected = "\
| Value | Default | |
| --- | --- | --- |
| `image` | | All of it on two lines |
| `image.repository` | `\"\"` | Where |
| `image.quiet.times` | `3` | How \\| often |
| `peers` | `[{\"name\": \"b\", \"a\": {\"x\": [1, \"y\"]}}]` | Who |
";
        assert_eq!(table(VALUES).unwrap(), expected);
    }

    #[test]
    fn the_new_table_replaces_the_old_one() {
        let readme = format!("before\n{BEGIN}old\n{END}\nafter\n");
        let new = insert(&readme, "# It\na: 1\n").unwrap();
        assert!(new.starts_with("before\n<!-- values"), "{new}");
        assert!(new.contains("| `a` | `1` | It |\n<!-- end"), "{new}");
        assert!(new.ends_with("\nafter\n") && !new.contains("old"), "{new}");
    }
}
