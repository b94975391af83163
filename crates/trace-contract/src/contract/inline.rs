//! Writes each matcher on the line of its key: `server.port: {type: int}`.

const MATCHERS: [&str; 3] = ["type: ", "present: ", "matches: "];

/// The YAML with each matcher on the line of its key.
pub(super) fn inline_matchers(yaml: &str) -> String {
    let mut inlined = String::with_capacity(yaml.len());
    let mut lines = yaml.lines().peekable();
    while let Some(line) = lines.next() {
        inlined.push_str(line);
        if line.ends_with(':')
            && let Some(matcher) = lines.next_if(|next| is_matcher_below(line, next))
        {
            inlined.push_str(" {");
            inlined.push_str(matcher.trim_start());
            inlined.push('}');
        }
        inlined.push('\n');
    }
    inlined
}

/// Whether the line is a matcher of the key above it.
fn is_matcher_below(key: &str, line: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let text = line.trim_start();
    indent(line) == indent(key) + 2 && MATCHERS.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matcher_moves_to_the_line_of_its_key() {
        let yaml = "attributes:\n  a: 1\n  server.port:\n    type: int\n  c:\n    equals: null\n";
        let inlined = "attributes:\n  a: 1\n  server.port: {type: int}\n  c:\n    equals: null\n";
        assert_eq!(inline_matchers(yaml), inlined);
    }

    #[test]
    fn a_string_that_looks_like_a_matcher_is_unchanged() {
        let yaml = "service: a\nkind: server\nname: |-\n  k:\n    type: int\n";
        let contract = super::super::Contract::from_yaml(yaml).expect("a contract");
        assert_eq!(contract.to_yaml(), yaml);
    }
}
