//! What is a contract, what is none, and what is said of it.

use super::{Contract, LinkTarget, Matcher, StatusContract, Text, ValueType};
use crate::model::{SpanKind, Value};

const ROOT: &str = "service: a\nkind: server\nname: b\n";

fn read(rest: &str) -> Contract {
    Contract::from_yaml(&format!("{ROOT}{rest}")).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(rest: &str) -> String {
    match Contract::from_yaml(&format!("{ROOT}{rest}")) {
        Ok(contract) => panic!("this is no contract, and was read as {contract:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn everything_that_can_be_said_is_read() {
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
  there: {present: true}
  gone: {present: false}
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
    let root = contract.root();
    assert_eq!(root.kind, SpanKind::Consumer);
    assert!(matches!(root.service, Text::Matches(_)));
    assert!(matches!(root.status, Some(StatusContract::Error(Some(_)))));
    assert_eq!(root.attributes["int"], Matcher::Equals(Value::Int(200)));
    assert_eq!(root.attributes["negative"], Matcher::Equals(Value::Int(-1)));
    assert_eq!(root.attributes["text"], Matcher::Equals(Value::from("200")));
    assert_eq!(root.attributes["gone"], Matcher::Present(false));
    assert_eq!(root.attributes["typed"], Matcher::Type(ValueType::Int));
    let map = Value::Map([("x".to_owned(), Value::Int(1))].into());
    assert_eq!(root.attributes["map"], Matcher::Equals(map));
    assert_eq!(root.links[0].to, LinkTarget::Caller);
    let times: Vec<_> = root
        .children
        .iter()
        .map(super::SpanContract::times)
        .collect();
    assert_eq!(times, [(1, 3), (2, 2), (0, 1)]);
    let again = Contract::from_yaml(&contract.to_yaml()).expect("its own YAML");
    assert_eq!(again, contract);
}

#[test]
fn a_word_that_is_misspelt_is_told_with_its_line_and_the_right_one() {
    let error = Contract::from_yaml(&format!("{ROOT}atributes: {{}}")).expect_err("misspelt");
    assert_eq!(error.line(), Some(4));
    let told = error.to_string();
    assert!(told.contains("unknown field `atributes`"), "{told}");
    assert!(told.contains("did you mean `attributes`?"), "{told}");
    assert!(
        refused("children: [{service: a, kind: sever, name: b}]")
            .contains("did you mean `server`?")
    );
    assert!(refused("status: eror").contains("did you mean `error`?"));
    assert!(refused("attributes: {k: {match: x}}").contains("did you mean `matches`?"));
}

#[test]
fn what_is_missing_is_told_with_its_place() {
    let told = refused("children:\n  - service: a\n    kind: client\n");
    assert!(told.starts_with("contract:5:"), "{told}");
    assert!(told.contains("children[0]: missing field `name`"), "{told}");
    assert!(told.contains("add `name:`"), "{told}");
}

#[test]
fn what_cannot_be_meant_is_told_with_the_remedy() {
    let told = refused("attributes: {k: {matches: '('}}");
    assert!(
        told.contains("attributes.k") && told.contains("no regular expression"),
        "{told}"
    );
    let told = refused("attributes: {k: {matches: x, present: true}}");
    assert!(told.contains("exactly one of"), "{told}");
    let told = refused("attributes: {k: ~}");
    assert!(told.contains("{present: true}"), "{told}");
    let told = refused("children: [{service: a, kind: client, name: c, repeat: 3..1}]");
    assert!(told.contains("write 3, or 1..3"), "{told}");
    let told =
        refused("children: [{service: a, kind: client, name: c, repeat: 2..3, optional: true}]");
    assert!(told.contains("repeat: 0..N"), "{told}");
    let told = refused("status: {code: ok, message: x}");
    assert!(
        told.contains("only the status error has a message"),
        "{told}"
    );
    let told = refused("repeat: 2");
    assert!(told.contains("the root span must be there once"), "{told}");
    let told = Contract::from_yaml("service: a\nkind: server\nname: 200").expect_err("a number");
    assert!(told.to_string().contains("in quotes"), "{told}");
    let told = refused("attributes: {k: 1, k: 2}");
    assert!(told.contains("`k` stands there twice"), "{told}");
    let told = refused("attributes: {k: {equals: {x: 1, x: 2}}}");
    assert!(told.contains("`x` stands there twice"), "{told}");
    let told = refused("status:");
    assert!(told.contains("invalid type: unit value"), "{told}");
    assert_eq!(
        read("events:").root().events.as_deref(),
        Some(&[][..]),
        "a list that is left empty is empty, and not left out"
    );
}

#[test]
fn a_file_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("c.yaml");
    let told = Contract::load(&path).expect_err("no file").to_string();
    assert!(told.contains("c.yaml: cannot be read"), "{told}");
    std::fs::write(&path, format!("{ROOT}kinds: x")).expect("a file");
    let told = Contract::load(&path).expect_err("misspelt").to_string();
    assert!(told.contains("c.yaml:4:1: "), "{told}");
    assert!(told.contains("did you mean `kind`?"), "{told}");
}

#[test]
fn a_plain_span_says_nothing_else() {
    assert_eq!(read("").to_yaml(), ROOT);
}

#[cfg(feature = "schema")]
#[test]
fn the_schema_in_the_repository_is_that_of_the_code() {
    let kept = include_str!("../../contract.schema.json");
    assert_eq!(
        super::json_schema(),
        kept,
        "the contract language has changed; to mend it, run: \
         cargo run -p trace-contract -- schema > crates/trace-contract/contract.schema.json"
    );
}

#[test]
fn the_contract_of_the_readme_is_one() {
    let readme = include_str!("../../README.md");
    let (_, after) = readme.split_once("```yaml\n").expect("a contract");
    let (yaml, _) = after.split_once("```").expect("its end");
    if let Err(error) = Contract::from_yaml(yaml) {
        panic!("{error}");
    }
}
