//! Token counts of an answer.
//!
//! Here the prompt includes what the cache served and stored; the neutral form counts each token once. Of several reports
//! the later wins, except that a zero never replaces a count: some close a stream with empty ones.
//!
//! At OpenAI the answer includes what was thought. At xAI, and at Google's endpoint of this dialect, only the total does.

use serde_json::Value;

use crate::canon::Usage;

/// Counts as they are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    prompt: Option<u64>,
    completion: Option<u64>,
    cached: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    total: Option<u64>,
}

/// Where vendors put each count.
const PROMPT: &[&str] = &["/prompt_tokens"];
const COMPLETION: &[&str] = &["/completion_tokens"];
const CACHED: &[&str] = &["/prompt_tokens_details/cached_tokens", "/prompt_cache_hit_tokens", "/cached_tokens"];
/// OpenAI's and OpenRouter's place, then those of relays that count for Anthropic's models: LiteLLM and New API.
const CACHE_WRITE: &[&str] = &[
    "/prompt_tokens_details/cache_write_tokens",
    "/prompt_tokens_details/cache_creation_input_tokens",
    "/prompt_tokens_details/cache_creation_tokens",
    "/prompt_tokens_details/cached_creation_tokens",
    "/cache_creation_input_tokens",
];
const REASONING: &[&str] = &["/completion_tokens_details/reasoning_tokens"];
const TOTAL: &[&str] = &["/total_tokens"];

impl Counts {
    /// Takes over what a `usage` object says. What is no count, a negative one too, is passed over.
    pub(crate) fn take(&mut self, usage: &str) {
        let Ok(usage) = serde_json::from_str::<Value>(usage) else { return };
        let members = [
            (&mut self.prompt, PROMPT),
            (&mut self.completion, COMPLETION),
            (&mut self.cached, CACHED),
            (&mut self.cache_write, CACHE_WRITE),
            (&mut self.reasoning, REASONING),
            (&mut self.total, TOTAL),
        ];
        for (count, places) in members {
            let reported = places.iter().find_map(|place| usage.pointer(place)?.as_u64());
            match reported {
                Some(0) if count.is_some() => {}
                Some(reported) => *count = Some(reported),
                None => {}
            }
        }
    }

    /// As the neutral form counts. `None`: nothing was reported.
    pub(crate) fn canon(self) -> Option<Usage> {
        if self == Self::default() {
            return None;
        }
        let from_cache = self.of_the_cache();
        let apart = self.thought_apart();
        Some(Usage {
            input: self.prompt.map(|prompt| prompt.saturating_sub(from_cache)),
            output: self.completion.map(|completion| completion.saturating_add(apart.unwrap_or_default())),
            cache_read: self.cached,
            cache_write: self.cache_write,
            thinking: self.reasoning.or(apart),
        })
    }

    fn of_the_cache(self) -> u64 {
        self.cached.unwrap_or_default().saturating_add(self.cache_write.unwrap_or_default())
    }

    /// What of the total is neither prompt nor answer: thinking that is counted beside the answer. Where it is just what the
    /// cache served, the prompt was counted without that.
    fn thought_apart(self) -> Option<u64> {
        let told = self.prompt?.checked_add(self.completion?)?;
        let more = self.total?.checked_sub(told).filter(|&more| more > 0)?;
        (self.reasoning == Some(more) || more != self.of_the_cache()).then_some(more)
    }
}
