//! Valid contracts are read, and invalid ones are rejected with a helpful error.

use super::{Contract, LinkTarget, Matcher, StatusContract, Text, ValueType};
use crate::model::{SpanKind, Value};

const ROOT: &str = "service: a\nkind: server\nname: b\n";

fn read(rest: &str) -> Contract {
    Contract::from_yaml(&format!("{ROOT}{rest}")).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn error_of(rest: &str) -> String {
    match Contract::from_yaml(&format!("{ROOT}{rest}")) {
        Ok(contract) => panic!("expected an error, got {contract:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_complete_language_is_read() {
    let contract = Contract::from_yaml(
        "
# yaml-language-server: $schema=../contract.schema.json
description: all of it
service: {matches: 'gate.*'}
kind: consumer
name: job
status: {code: error, message: {matches: 'timed out.*'}}
tracestate: vendor=1
attributes:
  int: 200
  negative: -1
  text: '200'
  bool: true
  double: 1.5
  list: [1, two]
  pattern: {matches: '[0-9]+'}
  required: {present: true}
  forbidden: {present: false}
  typed: {type: int}
  map: {equals: {x: 1}}
resource: {k8s.pod.name: {present: true}}
events: [{name: retry, attributes: {attempt: 1}}]
links: [{to: caller}, {to: other-trace, attributes: {why: x}}]
more: true
children:
  - {service: a, kind: client, name: c, repeat: 1..3}
  - {service: a, kind: producer, name: d, repeat: 2}
  - {service: a, kind: internal, name: e, optional: true}
",
    )
    .unwrap_or_else(|error| panic!("{error}"));
    let root = &contract.roots()[0];
    assert_eq!(root.kind, SpanKind::Consumer);
    assert!(matches!(root.service, Text::Matches(_)));
    assert!(matches!(root.status, Some(StatusContract::Error(Some(_)))));
    assert_eq!(root.attributes["int"], Matcher::Equals(Value::Int(200)));
    assert_eq!(root.attributes["negative"], Matcher::Equals(Value::Int(-1)));
    assert_eq!(root.attributes["text"], Matcher::Equals(Value::from("200")));
    assert_eq!(root.attributes["forbidden"], Matcher::Present(false));
    assert_eq!(root.attributes["typed"], Matcher::Type(ValueType::Int));
    let map = Value::Map([("x".to_owned(), Value::Int(1))].into());
    assert_eq!(root.attributes["map"], Matcher::Equals(map));
    assert_eq!(root.links[0].to, LinkTarget::Caller);
    let occurrences: Vec<_> = root
        .children
        .iter()
        .map(super::SpanContract::occurrences)
        .collect();
    assert_eq!(occurrences, [(1, 3), (2, 2), (0, 1)]);
    let again = Contract::from_yaml(&contract.to_yaml()).expect("its own YAML");
    assert_eq!(again, contract);
}

#[test]
fn a_misspelt_word_is_reported_with_its_line_and_the_correct_word() {
    let error = Contract::from_yaml(&format!("{ROOT}atributes: {{}}")).expect_err("misspelt");
    assert_eq!(error.line(), Some(4));
    let error = error.to_string();
    assert!(error.contains("unknown field `atributes`"), "{error}");
    assert!(error.contains("did you mean `attributes`?"), "{error}");
    assert!(
        error_of("children: [{service: a, kind: sever, name: b}]")
            .contains("did you mean `server`?")
    );
    assert!(error_of("status: eror").contains("did you mean `error`?"));
    assert!(error_of("attributes: {k: {match: x}}").contains("did you mean `matches`?"));
}

#[test]
fn a_missing_field_is_reported_with_its_position() {
    let error = error_of("children:\n  - service: a\n    kind: client\n");
    assert!(error.starts_with("contract:5:"), "{error}");
    assert!(
        error.contains("children[0]: missing field `name`"),
        "{error}"
    );
    assert!(error.contains("add `name:`"), "{error}");
}

#[test]
fn an_invalid_value_is_reported_with_a_hint() {
    let error = error_of("attributes: {k: {matches: '('}}");
    assert!(
        error.contains("attributes.k") && error.contains("not a valid regular expression"),
        "{error}"
    );
    let error = error_of("attributes: {k: {matches: x, present: true}}");
    assert!(error.contains("exactly one of"), "{error}");
    let error = error_of("attributes: {k: ~}");
    assert!(error.contains("{present: true}"), "{error}");
    let error = error_of("children: [{service: a, kind: client, name: c, repeat: 3..1}]");
    assert!(error.contains("write 3, or 1..3"), "{error}");
    let error =
        error_of("children: [{service: a, kind: client, name: c, repeat: 2..3, optional: true}]");
    assert!(error.contains("repeat: 0..N"), "{error}");
    let error = error_of("status: {code: ok, message: x}");
    assert!(error.contains("only an error has a message"), "{error}");
    let error = error_of("repeat: 2");
    assert!(
        error.contains("the root span must occur exactly once"),
        "{error}"
    );
    let error = Contract::from_yaml("service: a\nkind: server\nname: 200").expect_err("a number");
    assert!(error.to_string().contains("in quotes"), "{error}");
    let error = error_of("attributes: {k: 1, k: 2}");
    assert!(error.contains("duplicate key `k`"), "{error}");
    let error = error_of("attributes: {k: {equals: {x: 1, x: 2}}}");
    assert!(error.contains("duplicate key `x`"), "{error}");
    let error = error_of("status:");
    assert!(error.contains("invalid type: unit value"), "{error}");
    assert_eq!(
        read("events:").roots()[0].events.as_deref(),
        Some(&[][..]),
        "an empty field is an empty list, not an absent one"
    );
}

#[test]
fn an_error_names_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.yaml");
    let error = Contract::load(&path).expect_err("no file").to_string();
    assert!(error.contains("c.yaml: cannot be read"), "{error}");
    std::fs::write(&path, format!("{ROOT}kinds: x")).expect("a file");
    let error = Contract::load(&path).expect_err("misspelt").to_string();
    assert!(error.contains("c.yaml:4:1: "), "{error}");
    assert!(error.contains("did you mean `kind`?"), "{error}");
}

#[test]
fn defaults_are_not_written() {
    assert_eq!(read("").to_yaml(), ROOT);
}

#[cfg(feature = "schema")]
#[test]
fn the_schema_in_the_repository_is_up_to_date() {
    let stored = include_str!("../../contract.schema.json");
    assert_eq!(
        super::json_schema(),
        stored,
        "the contract language has changed; to update the schema, run: \
         cargo run -p trace-contract -- schema > crates/trace-contract/contract.schema.json"
    );
}

#[test]
fn the_contract_in_the_readme_is_valid() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("```yaml\n").expect("a contract");
    let (yaml, _) = after.split_once("```").expect("the end of the contract");
    if let Err(error) = Contract::from_yaml(yaml) {
        panic!("{error}");
    }
}
