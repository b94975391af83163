//! No input makes a reader panic, hang or use much memory.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;

use super::{FIXTURES, read};

/// Far above the time of any input here, also on a loaded machine.
const MAX_TIME: Duration = Duration::from_secs(20);
/// A span is at least this large in each format, also when compressed by these fixtures.
const MAX_SPANS_PER_BYTE: usize = 1;

fn check(bytes: &[u8]) -> Result<(), TestCaseError> {
    let start = Instant::now();
    match read(bytes) {
        Ok(contents) => prop_assert!(
            contents.spans.len() <= MAX_SPANS_PER_BYTE * bytes.len(),
            "{} spans from {} bytes",
            contents.spans.len(),
            bytes.len()
        ),
        Err(error) => {
            let message = error.to_string();
            prop_assert!(!message.is_empty() && message.len() < 2_000, "{message}");
        }
    }
    prop_assert!(start.elapsed() < MAX_TIME, "{:?}", start.elapsed());
    Ok(())
}

#[derive(Clone, Debug)]
enum Mutation {
    Truncate(Index),
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..8),
        prop::sample::select(vec![
            "null", "[", "{", "}", "]", "\"", "-1", "1e999", "\\u0000", "{\"a\":", "\0", "\n"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        any::<Index>().prop_map(Mutation::Truncate),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), bytes).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (any::<Index>(), 1..64_u8).prop_map(|(at, count)| Mutation::Remove(at, count)),
        (any::<Index>(), 1..64_u8).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

fn apply(bytes: &mut Vec<u8>, mutation: Mutation) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    match mutation {
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        Mutation::Replace(at, byte) => bytes[at.index(length)] = byte,
        Mutation::Insert(at, more) => {
            let at = at.index(length);
            bytes.splice(at..at, more);
        }
        Mutation::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..(at + usize::from(count)).min(length));
        }
        Mutation::Repeat(at, count) => {
            let at = at.index(length);
            let part = bytes[at..(at + usize::from(count)).min(length)].to_vec();
            bytes.splice(at..at, part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn changed_fixtures_are_read_or_rejected(
        fixture in prop::sample::select(&FIXTURES[..]),
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let mut bytes = fixture.1.to_vec();
        for mutation in mutations {
            apply(&mut bytes, mutation);
        }
        check(&bytes)?;
    }

    #[test]
    fn random_bytes_are_read_or_rejected(
        start in prop::sample::select(vec![&b""[..], b"{", b"[", b"\x0a", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\xff\xfe", b"\0\0\0", b"\xef\xbb\xbf{"]),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        check(&[start, &bytes].concat())?;
    }

    #[test]
    fn random_text_is_read_or_rejected(text in "[\\[\\]{}\",:a-z0-9 \n]{0,200}") {
        check(text.as_bytes())?;
    }
}

#[test]
fn every_prefix_of_a_fixture_is_read_or_rejected() {
    for (name, bytes) in FIXTURES {
        for end in (0..bytes.len()).step_by(7) {
            check(&bytes[..end]).unwrap_or_else(|error| panic!("{name} until {end}: {error}"));
        }
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for depth in [127, 128, 1_000, 400_000] {
        for (open, close) in [("[", "]"), ("{\"result\":", "}"), ("{\"data\":[", "]}")] {
            let text = open.repeat(depth / open.len() + 1) + &close.repeat(depth / open.len() + 1);
            check(text.as_bytes()).unwrap_or_else(|error| panic!("{open}: {error}"));
        }
        let value =
            "{\"arrayValue\":{\"values\":[".repeat(depth / 25) + "{}" + &"]}}".repeat(depth / 25);
        let text = format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{value}}}]}}}}]}}"#
        );
        check(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn the_first_of_many_empty_spans_is_rejected() {
    let field = |tag: u8, content: &[u8]| {
        let mut field = vec![tag];
        prost::encode_length_delimiter(content.len(), &mut field).expect("a vector grows");
        field.extend(content);
        field
    };
    let spans = [0x12, 0].repeat(300_000);
    let message = field(0x0a, &field(0x12, &spans));
    let error = super::error(&message);
    assert!(
        error.contains("span \"\" has an invalid trace id"),
        "{error}"
    );

    let json = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}{{}}]}}]}}]}}"#,
        "{},".repeat(300_000)
    );
    let error = super::error(json.as_bytes());
    assert!(
        error.contains("line 1, column 46"),
        "expected an error at the first span, got: {error}"
    );
}
