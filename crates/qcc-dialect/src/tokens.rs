//! Decides how many tokens a request is told to have when no provider counts it.
//!
//! Most tokenisers are not published, and a gateway cannot carry one for each. The estimate counts with `o200k` and
//! multiplies with a documented factor of the model's [family]; what real answers report then corrects it
//! ([`Corrections`]). Where it has to guess it errs on the high side: a client that compacts a little early loses less
//! than one that runs into the limit.

use bpe_openai::o200k_base;
use serde_json::Value;

use crate::anthropic::request::{Piece, pieces};
use crate::canon::{Media, Request};

mod correction;
mod family;
mod media;
#[cfg(test)]
mod tests;

pub use correction::{Corrections, Ratio};
use family::Family;

/// Tokens of a message's frame (role and separators), as in OpenAI's published counting rules.
pub const MESSAGE_FRAME: u64 = 4;

/// How much text is counted exactly, in bytes, so that a huge body cannot hold a core for seconds (20 MB/s at worst). What
/// goes beyond is taken to be as dense as what was counted.
pub const MAX_COUNTED: usize = 4 * 1024 * 1024;

/// What a request is estimated to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of text, tools among it, by the documented factor.
    pub text: u64,
    /// Tokens of what has rules of its own: images, documents, frames of messages and tools.
    pub other: u64,
}

impl Estimate {
    /// All tokens, the text corrected. Never 0.
    #[must_use]
    pub fn total(self, ratio: Ratio) -> u64 {
        ratio.of(self.text).saturating_add(self.other).max(1)
    }
}

/// Estimates the input tokens of a request body of the Anthropic dialect for a model, named as it is sent.
///
/// Never fails: a body that is not a JSON object is estimated by its length. It takes up to some 250 ms of one core, and
/// the first call loads the tokeniser (60 ms, 66 MB), so call it where blocking is allowed.
#[must_use]
pub fn estimate(body: &[u8], model: &str) -> Estimate {
    let Ok(request @ Value::Object(_)) = serde_json::from_slice(body) else {
        return Estimate { text: rough(body.len(), model), other: 0 };
    };
    let family = Family::of(model);
    let (mut counter, mut other) = (Counter::default(), 0);
    pieces(&request, &mut |piece| match piece {
        Piece::Text(words) => counter.take(words),
        Piece::Json(value) => counter.take(&value.to_string()),
        Piece::Image(base64) => other += family.images.tokens(media::size(base64)),
        Piece::Document(base64) => other += media::pages(base64) * family.page,
        Piece::Message => other += MESSAGE_FRAME,
        Piece::Tools => other += family.tools_frame,
    });
    Estimate { text: family.text(counter.total()), other }
}

/// Estimates from the length of a body in bytes alone, four to a token of `o200k`: for where counting would take too long.
#[must_use]
pub fn rough(length: usize, model: &str) -> u64 {
    Family::of(model).text((length as u64).div_ceil(4)).max(1)
}

/// As [`rough`], for a request that was read from a body of this length: images and documents count as what they are and
/// not by their bytes. It looks at none of them closely, for every translated request is estimated so.
pub(crate) fn rough_of(request: &Request, length: usize, model: &str) -> u64 {
    let (family, mut media, mut other) = (Family::of(model), 0, 0_u64);
    request.files(&mut |file| match file {
        Media::Image(bytes) => {
            media += bytes;
            other += family.images.tokens(None);
        }
        Media::Document(bytes) => {
            media += bytes;
            other += media::guessed_pages(bytes) * family.page;
        }
    });
    rough(length.saturating_sub(media), model).saturating_add(other)
}

/// Counts text with `o200k`, up to a limit.
#[derive(Default)]
struct Counter {
    tokens: u64,
    /// Bytes that were counted.
    counted: usize,
    /// Bytes that were not.
    rest: usize,
}

impl Counter {
    fn take(&mut self, words: &str) {
        let room = if self.rest > 0 { 0 } else { MAX_COUNTED - self.counted };
        let (head, tail) = words.split_at(words.floor_char_boundary(room));
        if !head.is_empty() {
            self.tokens += o200k_base().count(head) as u64;
        }
        self.counted += head.len();
        self.rest += tail.len();
    }

    fn total(&self) -> u64 {
        let beyond = (self.rest as u64).saturating_mul(self.tokens) / self.counted.max(1) as u64;
        self.tokens + beyond
    }
}
