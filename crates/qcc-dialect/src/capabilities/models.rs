//! What is shipped of models: one table, by family and version.
//!
//! A row says in what a model differs from what its vendor's dialect offers, not what it shares with all others. Contexts
//! are the largest that any member of the family has anywhere, for a request is kept away only where it cannot fit. Of
//! documents nothing is said: whether they are read is more the provider's doing than the model's. A later version is
//! taken to be like the one before it; one of a later generation only in its manners, for its limits are most often others.
//!
//! Sources, read in November 2026: Anthropic's reference of models and its pages on thinking and on messages of the
//! operator; OpenAI's, Google's, DeepSeek's, Moonshot's, Z.ai's, Alibaba's and Mistral's pages of models; Meta's and OpenAI's
//! cards of their open models. Contexts were compared with the data of `genai-prices` (MIT).

use super::{Capabilities, Efforts, Forced, Thinks};
use crate::canon::Effort::{self, High, Low, Max, Medium, Minimal, XHigh};

/// Versions from this one on are like this.
struct Row {
    /// As it begins in names, in lower case.
    family: &'static str,
    /// `None`: the family is the whole name, up to something that is no letter or digit.
    since: Option<(u32, u32)>,
    /// Words in the names of those who are otherwise.
    unless: &'static [&'static str],
    is: Capabilities,
}

const fn row(family: &'static str, since: (u32, u32), is: Capabilities) -> Row {
    Row { family, since: Some(since), unless: &[], is }
}

const fn word(family: &'static str, is: Capabilities) -> Row {
    Row { family, since: None, unless: &[], is }
}

const fn unless(row: Row, unless: &'static [&'static str]) -> Row {
    Row { unless, ..row }
}

const UNKNOWN: Capabilities = Capabilities::UNKNOWN;

/// Models before 4.6: they take what was there from the beginning.
const CLAUDE: Capabilities = Capabilities {
    thinking: Some(Thinks::Budget),
    forced_tools: Some(Forced::WithoutThinking),
    mid_system: Some(false),
    ..UNKNOWN
};
/// Its context can be a million tokens, with a header.
const CLAUDE_4: Capabilities = Capabilities { context: Some(1_000_000), max_output: Some(64_000), ..CLAUDE };
const CLAUDE_4_5: Capabilities = Capabilities { context: Some(200_000), ..CLAUDE_4 };
const CLAUDE_4_6: Capabilities = Capabilities {
    context: Some(1_000_000),
    max_output: Some(128_000),
    thinking: Some(Thinks::Either),
    prefill: Some(false),
    forced_tools: Some(Forced::Yes),
    efforts: Some(Efforts::listed(&[Low, Medium, High, Max])),
    ..CLAUDE
};
const ADAPTIVE: Capabilities =
    Capabilities { thinking: Some(Thinks::Adaptive), sampling: Some(false), efforts: None, ..CLAUDE_4_6 };
const HEARS: Capabilities = Capabilities { mid_system: Some(true), ..ADAPTIVE };
const ALWAYS: Capabilities = Capabilities { thinking: Some(Thinks::Always), ..HEARS };
const FREE: Capabilities = Capabilities { forced_tools: Some(Forced::No), ..ALWAYS };
const BETWEEN: Capabilities = Capabilities { thinking: Some(Thinks::BetweenTools), ..FREE };

/// It is told neither to think nor how hard.
const PLAIN: Capabilities = Capabilities { thinking: Some(Thinks::Never), effort: Some(false), ..UNKNOWN };
const TEXT: Capabilities = Capabilities { images: Some(false), ..UNKNOWN };

const GPT_3_5: Capabilities =
    Capabilities { context: Some(16_385), max_output: Some(4_096), images: Some(false), ..PLAIN };
const GPT_4O: Capabilities = Capabilities { context: Some(128_000), max_output: Some(16_384), ..PLAIN };
const GPT_4_1: Capabilities = Capabilities { context: Some(1_047_576), max_output: Some(32_768), ..PLAIN };
/// Sampling and stop texts are refused.
const REASONS: Capabilities =
    Capabilities { thinking: Some(Thinks::Always), sampling: Some(false), stop: Some(false), ..UNKNOWN };
const O: Capabilities = Capabilities {
    context: Some(200_000),
    max_output: Some(100_000),
    efforts: Some(Efforts::listed(&[Low, Medium, High])),
    ..REASONS
};
const GPT_5: Capabilities = Capabilities {
    context: Some(400_000),
    max_output: Some(128_000),
    efforts: Some(Efforts::listed(&[Minimal, Low, Medium, High])),
    ..REASONS
};
/// It does not think unless told how hard.
const GPT_5_1: Capabilities = Capabilities {
    thinking: Some(Thinks::Adaptive),
    efforts: Some(Efforts::listed(&[Effort::None, Low, Medium, High])),
    ..GPT_5
};
const GPT_5_2: Capabilities =
    Capabilities { efforts: Some(Efforts::listed(&[Effort::None, Low, Medium, High, XHigh])), ..GPT_5_1 };
const GPT_5_4: Capabilities = Capabilities { context: Some(1_050_000), max_output: None, ..GPT_5_2 };
/// Of later ones the efforts are left to the provider.
const GPT_6: Capabilities = Capabilities { efforts: None, ..GPT_5_4 };
/// In names of those that do not reason.
const CHAT: &[&str] = &["-chat"];

/// The last row that fits a name counts.
const TABLE: &[Row] = &[
    word("claude", CLAUDE),
    row("claude", (3, 0), Capabilities { context: Some(200_000), thinking: Some(Thinks::Never), ..CLAUDE }),
    row("claude", (3, 7), Capabilities { context: Some(200_000), ..CLAUDE }),
    row("claude-opus", (4, 0), Capabilities { max_output: Some(32_000), ..CLAUDE_4_5 }),
    row("claude-opus", (4, 5), CLAUDE_4_5),
    row("claude-opus", (4, 6), CLAUDE_4_6),
    row("claude-opus", (4, 7), ADAPTIVE),
    row("claude-opus", (4, 8), HEARS),
    row("claude-opus", (5, 0), HEARS),
    row("claude-opus", (5, 5), FREE),
    row("claude-sonnet", (4, 0), CLAUDE_4),
    row("claude-sonnet", (4, 6), CLAUDE_4_6),
    row("claude-sonnet", (5, 0), Capabilities { mid_system: Some(false), ..ADAPTIVE }),
    row("claude-sonnet", (5, 5), BETWEEN),
    row("claude-haiku", (4, 0), CLAUDE_4_5),
    row("claude-haiku", (5, 5), HEARS),
    row("claude-fable", (5, 0), ALWAYS),
    row("claude-fable", (5, 1), FREE),
    row("claude-mythos", (5, 0), ALWAYS),
    row("claude-mythos", (5, 1), FREE),
    word("claude-mythos-preview", Capabilities { prefill: Some(false), ..CLAUDE_4_6 }),
    row("gpt", (3, 5), GPT_3_5),
    row("gpt", (4, 0), Capabilities { context: Some(128_000), ..PLAIN }),
    word("gpt-4o", GPT_4O),
    word("chatgpt-4o", Capabilities { tools: Some(false), ..GPT_4O }),
    row("gpt", (4, 1), GPT_4_1),
    row("gpt", (5, 0), Capabilities { context: Some(400_000), ..PLAIN }),
    unless(row("gpt", (5, 0), GPT_5), CHAT),
    unless(row("gpt", (5, 1), GPT_5_1), CHAT),
    unless(row("gpt", (5, 2), GPT_5_2), CHAT),
    unless(row("gpt", (5, 4), GPT_5_4), CHAT),
    unless(row("gpt", (6, 0), GPT_6), CHAT),
    word("o1", O),
    word("o1-mini", Capabilities { context: Some(128_000), max_output: Some(65_536), tools: Some(false), ..TEXT_O }),
    word("o1-preview", Capabilities { context: Some(128_000), max_output: Some(32_768), tools: Some(false), ..TEXT_O }),
    word("o3", O),
    word("o3-mini", TEXT_O),
    word("o4-mini", O),
    word("gpt-oss", Capabilities { context: Some(131_072), thinking: Some(Thinks::Always), ..TEXT }),
    unless(word("deepseek", TEXT), VISION),
    unless(row("deepseek-v", (3, 0), Capabilities { context: Some(163_840), ..TEXT }), VISION),
    unless(row("deepseek-r", (1, 0), Capabilities { context: Some(163_840), ..TEXT }), VISION),
    row("deepseek-v", (4, 0), Capabilities { context: Some(1_048_576), ..UNKNOWN }),
    unless(row("qwen", (2, 0), TEXT), VISION),
    unless(row("qwen", (3, 0), TEXT), VISION),
    row("qwen", (3, 5), Capabilities { context: Some(1_048_576), ..UNKNOWN }),
    word("qwen3-coder-plus", Capabilities { context: Some(1_048_576), ..TEXT }),
    word("qwen3-max", Capabilities { context: Some(262_144), ..TEXT }),
    row("kimi-k", (2, 0), Capabilities { context: Some(262_144), ..TEXT }),
    row("kimi-k", (2, 5), Capabilities { context: Some(262_144), ..UNKNOWN }),
    row("kimi-k", (3, 0), Capabilities { context: Some(1_048_576), ..UNKNOWN }),
    word("moonshot-v1-8k", Capabilities { context: Some(8_192), ..TEXT }),
    word("moonshot-v1-32k", Capabilities { context: Some(32_768), ..TEXT }),
    word("moonshot-v1-128k", Capabilities { context: Some(131_072), ..TEXT }),
    unless(row("glm", (4, 5), Capabilities { context: Some(204_800), ..TEXT }), VISION),
    unless(row("glm", (5, 0), Capabilities { context: Some(205_000), ..TEXT }), VISION),
    row("glm", (5, 2), Capabilities { context: Some(1_310_720), ..UNKNOWN }),
    row("gemini", (1, 5), Capabilities { context: Some(2_097_152), max_output: Some(8_192), ..PLAIN }),
    row("gemini", (2, 0), Capabilities { context: Some(1_048_576), max_output: Some(8_192), ..PLAIN }),
    row("gemini", (2, 5), GEMINI),
    row("gemini", (3, 0), GEMINI),
    row("gemini", (4, 0), GEMINI),
    unless(row("llama", (3, 0), Capabilities { context: Some(131_072), images: Some(false), ..PLAIN }), VISION),
    row("llama", (4, 0), Capabilities { context: Some(10_485_760), ..PLAIN }),
    word("mistral-large", Capabilities { context: Some(1_048_576), ..UNKNOWN }),
    word("mistral-medium", Capabilities { context: Some(262_144), ..UNKNOWN }),
    word("mistral-small", Capabilities { context: Some(262_144), ..UNKNOWN }),
    word("codestral", Capabilities { context: Some(262_144), images: Some(false), ..PLAIN }),
    word("devstral", Capabilities { context: Some(262_144), ..UNKNOWN }),
    word("magistral", Capabilities { context: Some(131_072), ..UNKNOWN }),
];

/// A million tokens of prompt, and the answer beside them.
const GEMINI: Capabilities = Capabilities { context: Some(1_114_112), max_output: Some(65_536), ..UNKNOWN };
const TEXT_O: Capabilities = Capabilities { images: Some(false), ..O };

/// In names of those of a family that see, and of models of one family that were made from another's.
const VISION: &[&str] = &["vl", "vision", "omni", "ocr", "qvq", "4v", "5v", "6v", "11b", "90b", "distill"];

/// What is known of the model of this name.
pub(super) fn of(name: &str) -> Capabilities {
    let name = name.to_ascii_lowercase();
    let begins =
        |(at, _): &(usize, char)| name[..*at].chars().next_back().is_none_or(|letter| !letter.is_ascii_alphanumeric());
    let words: Vec<&str> = name.char_indices().filter(begins).map(|(at, _)| &name[at..]).collect();
    let known = TABLE.iter().rev().find_map(|row| row.fits(&name, &words)).unwrap_or_default();
    // How Claude Code writes that the long context is to be used.
    if name.ends_with("[1m]") { Capabilities { context: known.context.max(Some(1_000_000)), ..known } } else { known }
}

impl Row {
    /// `words`: the name from each of its words on. Nearly every request asks every row, so that they are found only once.
    fn fits(&self, name: &str, words: &[&str]) -> Option<Capabilities> {
        let mut rests = words.iter().filter_map(|rest| rest.strip_prefix(self.family)).peekable();
        rests.peek()?;
        if self.unless.iter().any(|word| name.contains(word)) {
            return None;
        }
        let Some(since) = self.since else {
            let whole = rests.any(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()));
            return whole.then_some(self.is);
        };
        let version = rests.find_map(version).filter(|version| *version >= since)?;
        if version.0 == since.0 {
            return Some(self.is);
        }
        Some(Capabilities { context: None, max_output: None, images: None, tools: None, ..self.is })
    }
}

/// `-4-8`, `4.8`, `-v3p1` or `-5`, and whatever follows; a date or a size is no version.
fn version(rest: &str) -> Option<(u32, u32)> {
    let rest = rest.trim_start_matches(['-', '_', 'v']);
    let mut numbers = rest.split(['-', '.', '_', 'p', '@', '[', ':']).map(|text| text.parse::<u32>().ok());
    let major = numbers.next()??;
    let minor = numbers.next().flatten().filter(|minor| *minor < 100);
    Some((major, minor.unwrap_or_default()))
}
