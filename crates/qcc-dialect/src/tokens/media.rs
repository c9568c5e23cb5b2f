//! Decides how many tokens images and documents cost, from their first bytes: size in pixels, number of pages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

/// How much of an image is decoded to find its size. JPEG files may have previews before it.
const IMAGE_HEAD: usize = 64 * 1024;

/// Bytes of a PDF that are taken for one page where none can be counted. A guess: a page of text has a few ten kilobytes.
pub(super) const PAGE_BYTES: u64 = 50_000;

/// The most pages of a PDF that any provider takes.
const MAX_PAGES: u64 = 1000;

/// How images count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    /// By squares of `side` pixels, after scaling to a `long_edge`, and to no more than the `most` squares; each counts
    /// `percent` hundredths of a token.
    Squares { side: u64, long_edge: u64, most: u64, percent: u64 },
    /// OpenAI's older rule: scaled into a square of 2,048 pixels, then to a short edge of 768; tiles of 512.
    Tiles { base: u64, tile: u64 },
    /// Gemini's older rule: one where both edges have up to 384 pixels; else crops of 256 to 768, by the short edge.
    Crops { each: u64 },
    /// All the same.
    Same(u64),
}

impl Images {
    /// Tokens of an image of this width and height; where they are not known, of a large one.
    pub(super) fn tokens(self, size: Option<(u64, u64)>) -> u64 {
        match self {
            Self::Squares { side, long_edge, most, percent } => {
                let squares = size.map_or(most, |size| {
                    let (width, height) = scaled(size, size.0.max(size.1), long_edge);
                    (width.div_ceil(side) * height.div_ceil(side)).clamp(1, most)
                });
                (squares * percent).div_ceil(100)
            }
            Self::Tiles { base, tile } => {
                let tiles = size.map_or(4 * 2, |size| {
                    let size = scaled(size, size.0.max(size.1), 2048);
                    let (width, height) = scaled(size, size.0.min(size.1), 768);
                    width.div_ceil(512) * height.div_ceil(512)
                });
                base + tile * tiles.max(1)
            }
            Self::Crops { each } => {
                let crops = size.map_or(3 * 2, |(width, height)| {
                    if width.max(height) <= 384 {
                        return 1;
                    }
                    let unit = (width.min(height) * 2 / 3).clamp(256, 768);
                    width.div_ceil(unit).saturating_mul(height.div_ceil(unit))
                });
                each.saturating_mul(crops)
            }
            Self::Same(tokens) => tokens,
        }
    }
}

/// A size, made smaller such that the edge of length `edge` has at most `limit`.
fn scaled((width, height): (u64, u64), edge: u64, limit: u64) -> (u64, u64) {
    if edge <= limit { (width, height) } else { (width * limit / edge, height * limit / edge) }
}

/// Width and height of a PNG, GIF, WebP or JPEG in base64.
pub(super) fn size(base64: &str) -> Option<(u64, u64)> {
    // Whole groups of four characters, so that a cut piece is valid base64.
    let head = base64.len().min(IMAGE_HEAD) / 4 * 4;
    let image = STANDARD.decode(base64.get(..head)?).ok()?;
    let big = |at| Some(u64::from(u32::from_be_bytes(*image.get(at..)?.first_chunk()?)));
    let small = |at| Some(u64::from(u16::from_le_bytes(*image.get(at..)?.first_chunk()?)));
    if image.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some((big(16)?, big(20)?))
    } else if image.starts_with(b"GIF8") {
        Some((small(6)?, small(8)?))
    } else if image.starts_with(b"RIFF") {
        webp_size(&image)
    } else {
        jpeg_size(&image)
    }
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

/// The first chunk of a WebP: extended, lossless or lossy.
fn webp_size(image: &[u8]) -> Option<(u64, u64)> {
    let four = |at: usize| Some(u64::from(u32::from_le_bytes(*image.get(at..)?.first_chunk()?)));
    match image.get(8..16)? {
        b"WEBPVP8X" => Some(((four(24)? & 0xFF_FFFF) + 1, (four(26)? >> 8) + 1)),
        b"WEBPVP8L" => {
            let bits = four(21)?;
            Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        }
        b"WEBPVP8 " => {
            let edges = four(26)?;
            Some((edges & 0x3FFF, edges >> 16 & 0x3FFF))
        }
        _ => None,
    }
}

/// Pages of a document in base64, at least 1: as many as the file names, or by its length where it names none, as those
/// that keep their objects compressed.
pub(super) fn pages(base64: &str) -> u64 {
    let named = STANDARD.decode(base64).map_or(0, |pdf| named_pages(&pdf));
    if named > 0 { named.min(MAX_PAGES) } else { guessed_pages(base64.len()) }
}

/// Pages of a document of so many bytes in base64.
pub(super) fn guessed_pages(length: usize) -> u64 {
    (length as u64 * 3 / 4).div_ceil(PAGE_BYTES).clamp(1, MAX_PAGES)
}

/// How many objects call themselves a page (`/Type /Page`, not `/Pages`).
fn named_pages(pdf: &[u8]) -> u64 {
    let is_page = |at: &usize| {
        let before = pdf[..*at].trim_ascii_end();
        before.ends_with(b"/Type") && !pdf.get(at + b"/Page".len()).is_some_and(u8::is_ascii_alphanumeric)
    };
    memmem::find_iter(pdf, b"/Page").filter(is_page).count() as u64
}
