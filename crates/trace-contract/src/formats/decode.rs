//! Decompresses data, and converts text to UTF-8.

use std::borrow::Cow;
use std::io::Read;

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

use super::error::FormatError;
use crate::otlp::{self, OtlpError};

const GZIP: [u8; 2] = [0x1f, 0x8b];
pub(super) const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Compressed data may be compressed again, for example by a web server.
const MAX_LAYERS: usize = 3;
/// Zstd uses a buffer of this size at most, for each frame.
const MAX_WINDOW: u64 = 128 << 20;

/// The content of gzip or zstd data of at most `limit` decompressed bytes; other data
/// is returned as it is.
pub(super) fn decompress(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, FormatError> {
    let mut bytes = Cow::Borrowed(bytes);
    for _ in 0..MAX_LAYERS {
        bytes = if bytes.starts_with(&GZIP) {
            Cow::Owned(gunzip(&bytes, limit)?)
        } else if bytes.starts_with(&ZSTD) {
            Cow::Owned(unzstd(&bytes, limit)?)
        } else {
            break;
        }
    }
    if bytes.len() as u64 > limit {
        return Err(FormatError::TooLarge(limit));
    }
    Ok(bytes)
}

fn gunzip(bytes: &[u8], limit: u64) -> Result<Vec<u8>, FormatError> {
    otlp::gunzip(bytes, limit).map_err(|error| match error {
        OtlpError::TooLarge(limit) => FormatError::TooLarge(limit),
        other => FormatError::Compression {
            compression: "gzip",
            cause: other.to_string(),
        },
    })
}

/// Decompresses all frames.
fn unzstd(mut bytes: &[u8], limit: u64) -> Result<Vec<u8>, FormatError> {
    let mut decompressed = Vec::new();
    while !bytes.is_empty() {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_WINDOW);
        let frame = match StreamingDecoder::new_with_decoder(&mut bytes, decoder) {
            Ok(frame) => frame,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                bytes = bytes.get(length as usize..).unwrap_or_default();
                continue;
            }
            Err(error) => return Err(zstd_error(&error)),
        };
        let room = limit.saturating_sub(decompressed.len() as u64);
        frame
            .take(room + 1)
            .read_to_end(&mut decompressed)
            .map_err(|error| zstd_error(&error))?;
        if decompressed.len() as u64 > limit {
            return Err(FormatError::TooLarge(limit));
        }
    }
    Ok(decompressed)
}

fn zstd_error(error: &dyn std::error::Error) -> FormatError {
    FormatError::Compression {
        compression: "zstd",
        cause: error.to_string(),
    }
}

/// Removes a byte order mark, and converts UTF-16, which `PowerShell` writes, to UTF-8.
pub(super) fn utf8(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let utf16 = |from: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| from(*pair));
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        let text = text
            .strip_prefix('\u{feff}')
            .map(str::to_owned)
            .unwrap_or(text);
        Cow::Owned(text.into_bytes())
    };
    match &bytes[..] {
        [0xef, 0xbb, 0xbf, rest @ ..] => Cow::Owned(rest.to_vec()),
        [0xff, 0xfe, ..] | [b'{' | b'[', 0, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] | [0, b'{' | b'[', ..] => utf16(u16::from_be_bytes),
        _ => bytes,
    }
}

/// Whether the data starts like text: without control characters. Protobuf contains the
/// byte 0x12 before each list of spans.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    const BEGINNING: usize = 64 << 10;
    bytes
        .iter()
        .take(BEGINNING)
        .all(|byte| *byte >= b' ' || byte.is_ascii_whitespace())
}
