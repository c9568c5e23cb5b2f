//! Token counts of an answer, and which report wins when several come.
//!
//! `message_start` has the input counts, `message_delta` has cumulative output counts and may restate the
//! input. So later wins, except that a zero never replaces a count: relays are seen that fill members they
//! do not know with 0.

use serde_json::Value;

use crate::canon::Usage;

/// Takes over what a `usage` object says. Anything that is not a count is passed over.
pub(crate) fn take(counts: &mut Usage, usage: &Value) {
    let members = [
        (&mut counts.input, "/input_tokens"),
        (&mut counts.output, "/output_tokens"),
        (&mut counts.cache_read, "/cache_read_input_tokens"),
        (&mut counts.cache_write, "/cache_creation_input_tokens"),
        (&mut counts.thinking, "/output_tokens_details/thinking_tokens"),
    ];
    for (count, member) in members {
        match usage.pointer(member).and_then(Value::as_u64) {
            Some(0) if count.is_some() => {}
            Some(reported) => *count = Some(reported),
            None => {}
        }
    }
}
