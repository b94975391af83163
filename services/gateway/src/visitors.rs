//! The directory of visitors: a small built-in table, or a file that replaces it.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_api::{Language, Visitor, VisitorName};
use serde::Deserialize;

/// The display names and languages of visitors, the same in every replica.
/// Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    visitors: Arc<HashMap<String, Visitor>>,
}

impl Directory {
    /// The visitor with this name. An unknown visitor is greeted in English by
    /// the name itself.
    pub fn visitor(&self, name: &VisitorName) -> Visitor {
        let known = self.visitors.get(name.as_str()).cloned();
        known.unwrap_or_else(|| Visitor {
            display_name: name.to_string(),
            language: Language::default(),
        })
    }

    /// The language of the visitor with this name.
    pub fn language(&self, name: &str) -> Language {
        let known = self.visitors.get(name.trim());
        known.map(|visitor| visitor.language).unwrap_or_default()
    }
}

impl Default for Directory {
    /// The built-in table.
    fn default() -> Self {
        let table = [
            ("World", Language::En),
            ("Welt", Language::De),
            ("Monde", Language::Fr),
        ];
        let visitors = table.map(|(name, language)| {
            let display_name = name.to_owned();
            (
                name.to_owned(),
                Visitor {
                    display_name,
                    language,
                },
            )
        });
        Self {
            visitors: Arc::new(visitors.into()),
        }
    }
}

/// One entry of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// By default the name itself.
    display_name: Option<String>,
    #[serde(default)]
    language: Language,
}

/// Reads the directory from a JSON file. For an empty path, returns the built-in
/// directory.
///
/// # Errors
/// A text that names the file, the place in it, and the expected format.
pub fn directory(path: &str) -> Result<Directory, String> {
    const EXAMPLE: &str = r#"write [{"name": "ada", "display_name": "Ada Lovelace", "language": "en"}, ...], where display_name and language are optional"#;
    if path.is_empty() {
        return Ok(Directory::default());
    }
    let json =
        std::fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let entries: Vec<Entry> =
        serde_json::from_str(&json).map_err(|error| format!("{path}: {error}; {EXAMPLE}"))?;
    let mut visitors = HashMap::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let (name, visitor) = entry
            .validate()
            .map_err(|problem| format!("{path}: entry {}: {problem}", index + 1))?;
        if visitors.insert(name.clone(), visitor).is_some() {
            return Err(format!(
                "{path}: entry {}: duplicate name {name:?}; remove one entry",
                index + 1
            ));
        }
    }
    Ok(Directory {
        visitors: Arc::new(visitors),
    })
}

impl Entry {
    fn validate(self) -> Result<(String, Visitor), String> {
        let named = |field: &str, text: &str| {
            text.parse::<VisitorName>()
                .map_err(|error| format!("{field} {text:?}: {error}"))
        };
        let name = named("name", &self.name)?.to_string();
        let display_name = match &self.display_name {
            Some(display_name) => named("display_name", display_name)?.to_string(),
            None => name.clone(),
        };
        let language = self.language;
        Ok((
            name,
            Visitor {
                display_name,
                language,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(json: &str) -> Result<Directory, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(json.as_bytes()).unwrap();
        directory(file.path().to_str().unwrap())
    }

    fn visitor(directory: &Directory, name: &str) -> (String, Language) {
        let visitor = directory.visitor(&name.parse().unwrap());
        (visitor.display_name, visitor.language)
    }

    #[test]
    fn built_in_visitors_have_their_language() {
        let directory = directory("").unwrap();
        assert_eq!(
            visitor(&directory, "Monde"),
            ("Monde".to_owned(), Language::Fr)
        );
        assert_eq!(
            visitor(&directory, "Ada"),
            ("Ada".to_owned(), Language::En),
            "an unknown visitor is greeted in English by the name itself"
        );
    }

    #[test]
    fn a_file_replaces_the_table() {
        let json =
            r#"[{"name":"ada","display_name":"Ada Lovelace","language":"fr"},{"name":"bob"}]"#;
        let directory = read(json).unwrap();
        assert_eq!(
            visitor(&directory, "ada"),
            ("Ada Lovelace".to_owned(), Language::Fr)
        );
        assert_eq!(visitor(&directory, "bob"), ("bob".to_owned(), Language::En));
        assert_eq!(directory.language("Monde"), Language::En);
    }

    #[test]
    fn an_invalid_file_is_rejected_with_the_place_of_the_error() {
        for (json, expected) in [
            ("[{\"name\":\"a\"},\n{\"name\":\"b\",}]", "line 2 column 13"),
            (r#"[{"name":"a","language":"xx"}]"#, "expected one of `en`"),
            (
                r#"[{"name":"a"},{"name":"a "}]"#,
                "entry 2: duplicate name \"a\"",
            ),
            (r#"[{"name":"a\nb"}]"#, "contains control characters"),
            (r#"[{"nick":"a"}]"#, "unknown field `nick`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(
                error.contains(expected),
                "{json} must be rejected with {expected:?}, not with {error}"
            );
        }
    }
}
