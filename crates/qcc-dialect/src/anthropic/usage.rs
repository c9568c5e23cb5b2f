//! Token counts of an answer, and which report wins when several come.
//!
//! `message_start` has the input counts, `message_delta` has cumulative output counts and may restate the
//! input. So later wins, except that a zero never replaces a count: relays are seen that fill members they
//! do not know with 0.

use serde_json::Value;

use crate::canon::Usage;

/// Takes over what a `usage` object says, and gives what of it is news; `None`: nothing. Anything that is not a count is
/// passed over.
pub(crate) fn take(known: &mut Usage, usage: &Value) -> Option<Usage> {
    let count = |member: &str, known: Option<u64>| {
        let count = usage.pointer(member)?.as_u64()?;
        (count != 0 || known.is_none()).then_some(count)
    };
    let said = Usage {
        input: count("/input_tokens", known.input),
        output: count("/output_tokens", known.output),
        cache_read: count("/cache_read_input_tokens", known.cache_read),
        cache_write: count("/cache_creation_input_tokens", known.cache_write),
        thinking: count("/output_tokens_details/thinking_tokens", known.thinking),
    };
    known.take(said);
    (said != Usage::default()).then_some(said)
}
