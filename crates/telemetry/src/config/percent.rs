//! Percent-decoding of resource attributes and header values.

use percent_encoding::percent_decode_str;

/// Decodes strictly: lenient implementations disagree on the meaning of a stray `%`.
///
/// # Errors
/// A hint if a `%` is not followed by two hex digits, or the bytes are not UTF-8.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let stray = bytes
        .iter()
        .enumerate()
        .any(|(i, &byte)| byte == b'%' && !(hex(bytes.get(i + 1)) && hex(bytes.get(i + 2))));
    if stray {
        return Err("must be percent-encoded: write a literal % as %25");
    }
    percent_decode_str(text)
        .decode_utf8()
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| "percent-encoded bytes must be UTF-8")
}
