//! Token counts of an answer.
//!
//! Here the prompt includes what the cache served, and the answer leaves out what was thought; the neutral form counts each
//! token of the prompt once and thinking with the answer. Counts come with every chunk, each over those before.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::canon::Usage;

/// Counts on the wire. They come with every chunk, so no tree is built of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reported<'a> {
    #[serde(borrow)]
    prompt_token_count: Option<&'a RawValue>,
    #[serde(borrow)]
    cached_content_token_count: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_use_prompt_token_count: Option<&'a RawValue>,
    #[serde(borrow)]
    candidates_token_count: Option<&'a RawValue>,
    #[serde(borrow)]
    thoughts_token_count: Option<&'a RawValue>,
}

/// Counts as they are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    prompt: Option<u64>,
    cached: Option<u64>,
    tool_prompt: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
}

impl Counts {
    /// Takes over what a `usageMetadata` object says. What is no count, a negative one too, is passed over.
    pub(super) fn take(&mut self, usage: &str) {
        let Ok(usage) = serde_json::from_str::<Reported<'_>>(usage) else { return };
        let members = [
            (&mut self.prompt, usage.prompt_token_count),
            (&mut self.cached, usage.cached_content_token_count),
            (&mut self.tool_prompt, usage.tool_use_prompt_token_count),
            (&mut self.candidates, usage.candidates_token_count),
            (&mut self.thoughts, usage.thoughts_token_count),
        ];
        for (count, reported) in members {
            *count = reported.and_then(|reported| reported.get().parse().ok()).or(*count);
        }
    }

    /// As the neutral form counts. `None`: nothing was reported.
    pub(super) fn canon(self) -> Option<Usage> {
        if self == Self::default() {
            return None;
        }
        let own = self.prompt.map(|prompt| prompt.saturating_sub(self.cached.unwrap_or_default()));
        let output = self.candidates.or(self.thoughts).is_some();
        let sum =
            |one: Option<u64>, other: Option<u64>| one.unwrap_or_default().saturating_add(other.unwrap_or_default());
        Some(Usage {
            input: own.map(|own| own.saturating_add(self.tool_prompt.unwrap_or_default())),
            output: output.then(|| sum(self.candidates, self.thoughts)),
            cache_read: self.cached,
            cache_write: None,
            thinking: self.thoughts,
        })
    }
}
