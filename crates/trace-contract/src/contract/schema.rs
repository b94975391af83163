//! The JSON Schema of the contract language, for editors and for other tools.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::matcher::{Matcher, Text, ValueType};
use super::node::SpanContract;
use super::repeat::Repeat;
use super::status::StatusContract;

/// The schema, in the 2020-12 dialect, as pretty JSON with a newline at its end.
///
/// # Panics
/// Never: a schema is JSON.
pub fn json_schema() -> String {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = SchemaGenerator::new(settings).into_root_schema_for::<SpanContract>();
    schema.insert("title".to_owned(), "Trace contract".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A text, or a pattern that must match the whole of it.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "matches": { "type": "string", "format": "regex" } },
                    "required": ["matches"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Matcher {
    fn schema_name() -> Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value_type = generator.subschema_for::<ValueType>();
        json_schema!({
            "description": "A value, equal in type and content (200 is not \"200\"), or a matcher.",
            "oneOf": [
                { "type": ["string", "number", "boolean", "array"] },
                {
                    "type": "object",
                    "properties": {
                        "matches": {
                            "description": "A string that this pattern matches as a whole.",
                            "type": "string",
                            "format": "regex"
                        },
                        "present": {
                            "description": "Whether the attribute is there, whatever its value.",
                            "type": "boolean"
                        },
                        "type": value_type,
                        "equals": {
                            "description": "This value: needed only where it is a map or null."
                        }
                    },
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for StatusContract {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let text = generator.subschema_for::<Text>();
        json_schema!({
            "description": "How the span ends; an error may have a message that is compared.",
            "oneOf": [
                { "enum": ["unset", "ok", "error"] },
                {
                    "type": "object",
                    "properties": {
                        "code": { "enum": ["unset", "ok", "error"] },
                        "message": text
                    },
                    "required": ["code"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

impl JsonSchema for Repeat {
    fn schema_name() -> Cow<'static, str> {
        "Repeat".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How often: 3, or 1..3 for once to three times.",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^[0-9]+(\\.\\.[0-9]+)?$" }
            ]
        })
    }
}
