//! Token counts of an answer.
//!
//! Here the prompt includes what the cache served and stored; the neutral form counts each token once. Of several reports
//! the later wins, except that a zero never replaces a count.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::canon::Usage;

/// A `usage` object. What is no count, a negative one too, is passed over.
#[derive(Deserialize)]
struct Reported<'a> {
    #[serde(borrow)]
    input_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens: Option<&'a RawValue>,
    #[serde(borrow)]
    input_tokens_details: Option<&'a RawValue>,
    #[serde(borrow)]
    output_tokens_details: Option<&'a RawValue>,
}

/// Counts as they are reported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    input: Option<u64>,
    output: Option<u64>,
    cached: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
}

impl Counts {
    /// Takes over what a `usage` object says.
    pub(super) fn take(&mut self, usage: &str) {
        let Ok(Some(usage)) = serde_json::from_str::<Option<Reported<'_>>>(usage) else { return };
        let count = |raw: Option<&RawValue>| raw?.get().parse::<u64>().ok();
        let details = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());
        let within = |details: &Option<Value>, name: &str| details.as_ref()?.get(name)?.as_u64();
        let (of_input, of_output) = (details(usage.input_tokens_details), details(usage.output_tokens_details));
        let members = [
            (&mut self.input, count(usage.input_tokens)),
            (&mut self.output, count(usage.output_tokens)),
            (&mut self.cached, within(&of_input, "cached_tokens")),
            (&mut self.cache_write, within(&of_input, "cache_write_tokens")),
            (&mut self.reasoning, within(&of_output, "reasoning_tokens")),
        ];
        for (count, reported) in members {
            match reported {
                Some(0) if count.is_some() => {}
                Some(reported) => *count = Some(reported),
                None => {}
            }
        }
    }

    /// As the neutral form counts. `None`: nothing was reported.
    pub(super) fn canon(self) -> Option<Usage> {
        if self == Self::default() {
            return None;
        }
        let from_cache = self.cached.unwrap_or_default().saturating_add(self.cache_write.unwrap_or_default());
        Some(Usage {
            input: self.input.map(|input| input.saturating_sub(from_cache)),
            output: self.output,
            cache_read: self.cached,
            cache_write: self.cache_write,
            thinking: self.reasoning,
        })
    }
}
