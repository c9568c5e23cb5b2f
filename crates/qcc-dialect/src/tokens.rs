//! Decides how many tokens a request is told to have when no provider counts it.
//!
//! Claude's tokeniser is not published. The estimate counts with `o200k` and multiplies with a documented
//! factor, and errs on the high side: a client that compacts a little early loses less than one that
//! runs into the limit.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bpe_openai::o200k_base;
use serde_json::Value;

use crate::anthropic::request::{Piece, pieces};

#[cfg(test)]
mod tests;

/// Claude's tokens per `o200k` token, in percent. Anthropic states about 30 % more tokens for Claude 4.7 and
/// later than for its older models, which were measured 15 to 20 % (prose) over OpenAI's counts; 1.3 to 1.5
/// together, of which this is the middle.
pub const PERCENT_OF_O200K: u64 = 140;

/// Tokens of an image whose size is not known: the most that one costs after the provider has scaled it down.
pub const MAX_IMAGE: u64 = 1600;

/// Pixels per token of an image, as Anthropic documents it (`width * height / 750`).
pub const PIXELS_PER_TOKEN: u64 = 750;

/// Tokens of one page of a PDF: Anthropic names 1500 to 3000 for its text, and each page is an image too.
pub const PDF_PAGE: u64 = 3000;

/// Bytes of a PDF that are taken for one page. A guess: a page of text has a few ten kilobytes.
pub const PDF_PAGE_BYTES: u64 = 50_000;

/// Tokens of a message's frame (role and separators), as in OpenAI's published counting rules.
pub const MESSAGE_FRAME: u64 = 4;

/// Tokens of the prompt that Anthropic adds when there are tools (346 documented for the Claude 4 models).
pub const TOOLS_FRAME: u64 = 346;

/// How much of an image is decoded to find its size. JPEG files may have previews before it.
const IMAGE_HEAD: usize = 64 * 1024;

/// How much text is counted exactly, in bytes; what goes beyond is counted by its length, so that a huge body
/// cannot hold a core for seconds (about 20 MB/s).
pub const MAX_COUNTED: usize = 4 * 1024 * 1024;

/// Estimates the input tokens of a request body of the Anthropic dialect.
///
/// Never fails and is never 0: a body that is not a JSON object counts as one token per four bytes. It takes
/// up to some 200 ms of one core, and the first call loads the tokeniser (60 ms, 66 MB), so call it where blocking
/// is allowed.
#[must_use]
pub fn estimate(body: &[u8]) -> u64 {
    let Ok(request @ Value::Object(_)) = serde_json::from_slice(body) else {
        return (body.len() as u64).div_ceil(4).max(1);
    };
    let (mut text, mut fixed) = (0, 0);
    let mut room = MAX_COUNTED;
    let mut count = |words: &str| {
        let exact = words.len() <= room;
        text += if exact { o200k_base().count(words) as u64 } else { words.len() as u64 / 4 };
        room -= if exact { words.len() } else { 0 };
    };
    pieces(&request, &mut |piece| match piece {
        Piece::Text(words) => count(words),
        Piece::Json(value) => count(&value.to_string()),
        Piece::Image(base64) => fixed += image(base64),
        Piece::Document(base64) => fixed += document(base64),
        Piece::Message => fixed += MESSAGE_FRAME,
        Piece::Tools => fixed += TOOLS_FRAME,
    });
    ((text * PERCENT_OF_O200K).div_ceil(100) + fixed).max(1)
}

fn document(base64: &str) -> u64 {
    (base64.len() as u64 * 3 / 4).div_ceil(PDF_PAGE_BYTES).max(1) * PDF_PAGE
}

fn image(base64: &str) -> u64 {
    // Whole groups of four characters, so that a cut piece is valid base64.
    let head = base64.len().min(IMAGE_HEAD) / 4 * 4;
    let pixels = base64.get(..head).and_then(|head| STANDARD.decode(head).ok()).and_then(|bytes| pixels(&bytes));
    pixels.map_or(MAX_IMAGE, |pixels| pixels.div_ceil(PIXELS_PER_TOKEN).clamp(1, MAX_IMAGE))
}

/// Width times height of a PNG, GIF or JPEG, from its first bytes.
fn pixels(image: &[u8]) -> Option<u64> {
    let (width, height) = if image.starts_with(b"\x89PNG\r\n\x1a\n") {
        let size = |at| Some(u64::from(u32::from_be_bytes(*image.get(at..)?.first_chunk()?)));
        (size(16)?, size(20)?)
    } else if image.starts_with(b"GIF8") {
        let size = |at| Some(u64::from(u16::from_le_bytes(*image.get(at..)?.first_chunk()?)));
        (size(6)?, size(8)?)
    } else {
        jpeg_size(image)?
    };
    Some(width.saturating_mul(height))
}

/// Walks the segments of a JPEG to its frame header (SOF0 to SOF15 without DHT, JPG and DAC).
fn jpeg_size(image: &[u8]) -> Option<(u64, u64)> {
    let mut rest = image.strip_prefix(b"\xFF\xD8")?;
    loop {
        let [0xFF, marker, high, low] = *rest.first_chunk()? else { return None };
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            let size = |at| Some(u64::from(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?)));
            return Some((size(7)?, size(5)?));
        }
        rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?;
    }
}
