//! Which keys of a caller's baggage are accepted, and which of them a span records.

use std::str::FromStr;
use std::sync::Arc;

/// The keys of the baggage that is accepted: a comma-separated list of keys, such as
/// `tenant`, and of prefixes with a `*` at the end, such as `tenant.*`. A `*` without a
/// prefix accepts every key. The default accepts none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaggageKeys(Arc<[Pattern]>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Key(String),
    Prefix(String),
}

/// The text is not a valid list of [`BaggageKeys`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaggageKeysError {
    /// A key has a character that W3C Baggage does not allow in a key.
    #[error("{0:?} is not a valid baggage key; use only letters, digits and -._")]
    Key(String),
    /// A `*` stands elsewhere than at the end.
    #[error(
        "{0:?} is not a valid pattern: a * is allowed once and only at the end; use key, prefix.* or *"
    )]
    Pattern(String),
}

impl BaggageKeys {
    /// Accepts every key.
    pub(super) fn all() -> Self {
        Self([Pattern::Prefix(String::new())].into())
    }

    /// Whether this key is accepted.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::Key(accepted) => accepted == key,
            Pattern::Prefix(prefix) => key.starts_with(prefix.as_str()),
        })
    }
}

impl FromStr for BaggageKeys {
    type Err = BaggageKeysError;

    fn from_str(text: &str) -> Result<Self, BaggageKeysError> {
        let keys = text.split(',').map(str::trim).filter(|key| !key.is_empty());
        keys.map(pattern).collect::<Result<_, _>>().map(Self)
    }
}

fn pattern(text: &str) -> Result<Pattern, BaggageKeysError> {
    if !text.bytes().all(is_token) {
        return Err(BaggageKeysError::Key(text.to_owned()));
    }
    let (key, is_prefix) = match text.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (text, false),
    };
    // `.*` is a regular expression elsewhere, and no useful prefix.
    if key.contains('*') || is_prefix && key == "." {
        return Err(BaggageKeysError::Pattern(text.to_owned()));
    }
    let key = key.to_owned();
    Ok(if is_prefix {
        Pattern::Prefix(key)
    } else {
        Pattern::Key(key)
    })
}

/// A character of a token of RFC 9110, as W3C Baggage requires of keys.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The first words of attribute names in OpenTelemetry's semantic conventions that
/// describe the span itself, its process or its peers, and of the names that trace
/// stores and logs give a meaning of their own. Those that describe a user or a
/// business (`user`, `session`, `enduser`) are not among them: they belong in baggage.
const RESERVED: &[&str] = &[
    "aws",
    "az",
    "azure",
    "client",
    "cloud",
    "code",
    "container",
    "db",
    "deployment",
    "destination",
    "device",
    "dns",
    "error",
    "event",
    "exception",
    "faas",
    "gcp",
    "host",
    "http",
    "internal",
    "jaeger",
    "k8s",
    "kind",
    "level",
    "log",
    "message",
    "messaging",
    "name",
    "net",
    "network",
    "oci",
    "opentracing",
    "os",
    "otel",
    "parent_id",
    "parent_span_id",
    "peer",
    "process",
    "rpc",
    "sampler",
    "sampling",
    "server",
    "service",
    "source",
    "span",
    "span_id",
    "span_kind",
    "status",
    "status_code",
    "system",
    "target",
    "telemetry",
    "thread",
    "timestamp",
    "tls",
    "trace",
    "trace_flags",
    "trace_id",
    "trace_state",
    "url",
    "user_agent",
    "webengine",
];

/// Whether baggage with this key could be mistaken for what a span records of itself.
/// Such baggage is passed on and is not copied to spans. The case does not matter, and
/// a key with a `%` could stand for any other key.
pub(crate) fn is_reserved(key: &str) -> bool {
    let first = key.split(['.', '/', ':']).next().unwrap_or_default();
    key.contains('%') || RESERVED.iter().any(|word| word.eq_ignore_ascii_case(first))
}
