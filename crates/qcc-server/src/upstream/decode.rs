//! Compressed answers. We ask for none, but some servers compress all the same; what goes down is then the plain text,
//! because nobody can look into, or add to, a compressed stream.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// Working memory of a brotli stream, bytes.
const BROTLI_BUFFER: usize = 8 * 1024;

/// Undoes one `content-encoding`, piece by piece.
pub(crate) enum Decoder {
    /// Nothing to undo.
    Identity,
    /// `gzip`, `x-gzip`, in any number of members (RFC 1952 2.2)
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// `deflate` (zlib format, RFC 9110 8.4.1.2)
    Deflate(Box<ZlibDecoder<Vec<u8>>>),
    /// `br`
    Brotli(Box<brotli_decompressor::DecompressorWriter<Vec<u8>>>),
}

impl Decoder {
    /// The decoder for an answer; `Err` names an encoding that we do not know.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let Some(value) = headers.get(CONTENT_ENCODING) else { return Ok(Self::Identity) };
        match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip(Box::new(MultiGzDecoder::new(Vec::new())))),
            "deflate" => Ok(Self::Deflate(Box::new(ZlibDecoder::new(Vec::new())))),
            "br" => Ok(Self::Brotli(Box::new(brotli_decompressor::DecompressorWriter::new(Vec::new(), BROTLI_BUFFER)))),
            other => Err(other.chars().take(40).collect()),
        }
    }

    /// Plain bytes for the next piece of the answer; may be empty.
    pub(crate) fn push(&mut self, piece: Bytes) -> io::Result<Bytes> {
        match self {
            Self::Identity => Ok(piece),
            Self::Gzip(decoder) => drain(decoder, &piece, |decoder| decoder.get_mut()),
            Self::Deflate(decoder) => drain(decoder, &piece, |decoder| decoder.get_mut()),
            Self::Brotli(decoder) => drain(decoder, &piece, |decoder| decoder.get_mut()),
        }
    }
}

/// Writes a piece through and takes what came out. The flush makes every event appear as soon as its bytes are there.
fn drain<W: Write>(decoder: &mut W, piece: &[u8], out: impl Fn(&mut W) -> &mut Vec<u8>) -> io::Result<Bytes> {
    decoder.write_all(piece)?;
    decoder.flush()?;
    Ok(Bytes::from(std::mem::take(out(decoder))))
}
