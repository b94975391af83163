//! The tree of a contract without recursion, and its flat form: a list of spans with their
//! depth. YAML that is nested deeply is hard to read, and parsers reject it.

use serde::{Deserialize, Serialize};

use super::span::SpanContract;

/// Deeper trees are written as a flat list. YAML parsers accept about 60 levels.
pub(super) const MAX_NESTED: usize = 40;

/// Spans in the order of the tree (depth first), each with its depth.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Flat {
    spans: Vec<SpanContract>,
}

impl Flat {
    /// Whether the YAML is a flat list.
    pub(super) fn is_written_in(text: &str) -> bool {
        let key = |line: &str| line.starts_with("spans:") || line.starts_with("{spans:");
        text.lines().any(key)
    }

    pub(super) fn of(roots: &[SpanContract]) -> Self {
        let mut spans = Vec::new();
        // A stack returns the last element first, so siblings are pushed in reverse.
        let mut stack: Vec<_> = roots.iter().rev().map(|root| (root, 0)).collect();
        while let Some((span, depth)) = stack.pop() {
            spans.push(SpanContract {
                depth: Some(depth),
                ..span.without_children()
            });
            let children = span.children.iter().rev();
            stack.extend(children.map(|child| (child, depth + 1)));
        }
        Self { spans }
    }

    pub(super) fn into_roots(self) -> Result<Vec<SpanContract>, String> {
        // The spans that the next one may be below: one per depth.
        let mut open: Vec<SpanContract> = Vec::new();
        let mut roots = Vec::new();
        for mut span in self.spans {
            let problem = match span.depth.take() {
                None => Some("every span of the list needs a `depth`: 0 for a root".to_owned()),
                Some(_) if !span.children.is_empty() => {
                    Some("has `children`: in a list, write them after it with their `depth`".into())
                }
                Some(depth) if depth > open.len() => Some(format!(
                    "has depth {depth}, but the span before it allows at most {}",
                    open.len()
                )),
                Some(depth) => {
                    close(&mut open, &mut roots, depth);
                    None
                }
            };
            if let Some(problem) = problem {
                free(open);
                return Err(format!("{}: {problem}", span.title()));
            }
            open.push(span);
        }
        close(&mut open, &mut roots, 0);
        if roots.is_empty() {
            return Err("the list `spans` has no span".to_owned());
        }
        Ok(roots)
    }
}

/// Moves the spans at `depth` and deeper to their parents.
fn close(open: &mut Vec<SpanContract>, roots: &mut Vec<SpanContract>, depth: usize) {
    while open.len() > depth {
        let Some(span) = open.pop() else { return };
        match open.last_mut() {
            Some(parent) => parent.children.push(span),
            None => roots.push(span),
        }
    }
}

/// All spans, parents before their children.
pub(super) fn all(roots: &[SpanContract]) -> impl Iterator<Item = &SpanContract> {
    let mut stack: Vec<&SpanContract> = roots.iter().rev().collect();
    std::iter::from_fn(move || {
        let span = stack.pop()?;
        stack.extend(span.children.iter().rev());
        Some(span)
    })
}

pub(super) fn depth(roots: &[SpanContract]) -> usize {
    let mut level: Vec<&SpanContract> = roots.iter().collect();
    let mut depth = 0;
    while !level.is_empty() {
        level = level.iter().flat_map(|span| &span.children).collect();
        depth += 1;
    }
    depth
}

/// Frees trees. Without this, the drop of a deep tree would overflow the stack.
pub(crate) fn free(roots: Vec<SpanContract>) {
    let mut stack = roots;
    while let Some(mut span) = stack.pop() {
        stack.append(&mut span.children);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contract;

    const LIST: &str = "\
spans:
- {depth: 0, service: a, kind: server, name: root}
- {depth: 1, service: a, kind: client, name: one, repeat: 2}
- {depth: 2, service: b, kind: server, name: one}
- {depth: 1, service: a, kind: client, name: two}
";

    #[test]
    fn a_list_of_spans_is_the_same_as_the_nested_form() {
        let nested = "{service: a, kind: server, name: root, children: [\
            {service: a, kind: client, name: one, repeat: 2, children: [\
                {service: b, kind: server, name: one}]},\
            {service: a, kind: client, name: two}]}";
        let list = Contract::from_yaml(LIST).expect("a list");
        assert_eq!(list, Contract::from_yaml(nested).expect("a tree"));
    }

    #[test]
    fn invalid_lists_are_reported_with_the_span() {
        for (list, expected) in [
            ("spans: []", "has no span"),
            (
                &LIST.replace("depth: 2", "depth: 3"),
                "b server one: has depth 3",
            ),
            (&LIST.replace("depth: 0, ", ""), "needs a `depth`"),
            (
                &LIST.replace(
                    "repeat: 2",
                    "children: [{service: x, kind: server, name: y}]",
                ),
                "has `children`",
            ),
            (
                &LIST.replace("depth: 1", "depht: 1"),
                "did you mean `depth`?",
            ),
        ] {
            let error = Contract::from_yaml(list).expect_err(list).to_string();
            let expected = expected.replace("server one", "SERVER one");
            assert!(error.contains(&expected), "{list}: {error}");
        }
        let nested = "depth: 1\nservice: a\nkind: server\nname: b\n";
        let error = Contract::from_yaml(nested)
            .expect_err("no list")
            .to_string();
        assert!(
            error.contains("`depth` is only for spans in a list"),
            "{error}"
        );
    }

    #[test]
    fn a_contract_nested_too_deeply_for_yaml_suggests_the_list() {
        let mut yaml = "service: a\nkind: server\nname: b\n".to_owned();
        for depth in 0..70 {
            let indent = "  ".repeat(depth);
            let fields = ["children:", "- service: a", "  kind: server", "  name: b"];
            yaml.extend(fields.map(|field| format!("{indent}{field}\n")));
        }
        let error = Contract::from_yaml(&yaml)
            .expect_err("too deep")
            .to_string();
        assert!(error.contains("write the spans as a list"), "{error}");
    }
}
