//! The part of Protocol Buffers' wire format that OTLP's messages use.
//!
//! Lengths are computed before they are written, so no bytes are moved, and the
//! result is the same as prost's.

/// Wire types of the encoding.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

/// Bytes that a varint takes.
pub(super) const fn varint_len(value: u64) -> usize {
    // Seven bits per byte; zero takes one byte.
    (value | 1).ilog2() as usize / 7 + 1
}

/// Bytes of a length-delimited field whose tag takes one byte.
pub(super) const fn field_len(content: usize) -> usize {
    1 + varint_len(content as u64) + content
}

/// Bytes of a string field: zero if it is empty, as proto3 requires.
pub(super) const fn text_len(text: &str) -> usize {
    if text.is_empty() {
        0
    } else {
        field_len(text.len())
    }
}

/// Bytes of a `uint32` field: zero if the value is zero.
pub(super) const fn count_len(count: u32) -> usize {
    if count == 0 {
        0
    } else {
        1 + varint_len(count as u64)
    }
}

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn tag(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

/// The head of a nested message or a bytes field: tag and length.
pub(super) fn head(out: &mut Vec<u8>, field: u32, len: usize) {
    tag(out, field, BYTES);
    varint(out, len as u64);
}

/// A bytes field, written even if it is empty.
pub(super) fn bytes(out: &mut Vec<u8>, field: u32, content: &[u8]) {
    head(out, field, content.len());
    out.extend_from_slice(content);
}

/// A string field, omitted if it is empty.
pub(super) fn text(out: &mut Vec<u8>, field: u32, content: &str) {
    if !content.is_empty() {
        bytes(out, field, content.as_bytes());
    }
}

/// A `uint32` field, omitted if it is zero.
pub(super) fn count(out: &mut Vec<u8>, field: u32, count: u32) {
    if count != 0 {
        unsigned(out, field, u64::from(count));
    }
}

/// A varint field, written even if it is zero.
pub(super) fn unsigned(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, VARINT);
    varint(out, value);
}

/// A `fixed64` or `double` field, written even if it is zero.
pub(super) fn fixed64(out: &mut Vec<u8>, field: u32, value: [u8; 8]) {
    tag(out, field, FIXED64);
    out.extend_from_slice(&value);
}

/// A `fixed32` field, written even if it is zero.
pub(super) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    tag(out, field, FIXED32);
    out.extend_from_slice(&value.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varint_len_is_the_length_that_varint_writes() {
        for value in [
            0,
            1,
            127,
            128,
            16_383,
            16_384,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut out = Vec::new();
            varint(&mut out, value);
            assert_eq!(out.len(), varint_len(value), "length of {value}");
        }
    }
}
