//! Token counts of an answer, and which report wins when several come.
//!
//! `message_start` has the input counts, `message_delta` has cumulative output counts and may restate the
//! input. So later wins, except that a zero never replaces a count: relays are seen that fill members they
//! do not know with 0.

use serde_json::Value;

/// Counts as the provider reports them; none where it did not. The whole prompt is
/// `input + cache_read + cache_write`, for `input` leaves out what the cache served or stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// `input_tokens`.
    pub input: Option<u64>,
    /// `output_tokens`.
    pub output: Option<u64>,
    /// `cache_read_input_tokens`.
    pub cache_read: Option<u64>,
    /// `cache_creation_input_tokens`.
    pub cache_write: Option<u64>,
}

impl Usage {
    /// Takes over what a `usage` object says. Anything that is not a count is passed over.
    pub(crate) fn take(&mut self, usage: &Value) {
        let members = [
            (&mut self.input, "input_tokens"),
            (&mut self.output, "output_tokens"),
            (&mut self.cache_read, "cache_read_input_tokens"),
            (&mut self.cache_write, "cache_creation_input_tokens"),
        ];
        for (count, member) in members {
            match usage.get(member).and_then(Value::as_u64) {
                Some(0) if count.is_some() => {}
                Some(reported) => *count = Some(reported),
                None => {}
            }
        }
    }
}
