//! A request of this dialect as it would be had all its answers come from OpenAI: without the reasoning that our
//! translations put into the conversation.
//!
//! Bytes of a client pass as they are between equal dialects, with this one exception. Thinking of another vendor goes to
//! the client as a reasoning item of ours, and the client gives it back to whoever is asked next. OpenAI has not made it
//! and refuses the request, so what we have put in is taken out again: these items alone, byte for byte.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::canon::{Losses, is_sealed};

/// How ids of reasoning items of ours begin: an id of a request of ours is in them. OpenAI's are `rs_` and hex digits.
const OURS: &str = "rs_qcc_";

/// How a sealed `encrypted_content` stands in JSON.
const SEALED: &[u8] = b"\"qcc1.";

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    input: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    encrypted_content: Option<Cow<'a, str>>,
}

/// Whether reasoning of ours may be in a request. Only then is the rest worth its while.
#[must_use]
pub fn has_sealed(body: &[u8]) -> bool {
    memmem::find(body, SEALED).is_some() || memmem::find(body, OURS.as_bytes()).is_some()
}

/// The same request without reasoning of ours, and what that costs. `None`: there is none in it, or it is no request.
#[must_use]
pub fn without_sealed(body: &Bytes) -> Option<(Bytes, Losses)> {
    if !has_sealed(body) {
        return None;
    }
    let items = serde_json::from_slice::<Body<'_>>(body).ok()?.input;
    let gone: Vec<bool> = items.iter().map(|item| is_ours(item)).collect();
    if !gone.contains(&true) {
        return None;
    }
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    for cut in cuts(body, &items, &gone) {
        out.extend_from_slice(&body[at..cut.start]);
        at = cut.end;
    }
    out.extend_from_slice(&body[at..]);
    let mut losses = Losses::new();
    losses.add("input.reasoning", "dropped: it was not made by OpenAI");
    Some((out.into(), losses))
}

fn is_ours(item: &RawValue) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(item.get()) else { return false };
    let begins = |text: Option<Cow<'_, str>>| text.is_some_and(|text| text.starts_with(OURS));
    item.r#type.as_deref() == Some("reasoning")
        && (item.encrypted_content.is_some_and(|content| is_sealed(&content)) || begins(item.id))
}

/// The places of the items that go, each with one comma.
fn cuts(body: &[u8], items: &[&RawValue], gone: &[bool]) -> Vec<Range<usize>> {
    let places: Vec<Range<usize>> = items.iter().map(|item| place(body, item)).collect();
    let mut cuts = Vec::new();
    // The end of the last item that stays; what follows one goes with the comma before it.
    let mut kept: Option<usize> = None;
    for (index, here) in places.iter().enumerate() {
        if !gone[index] {
            kept = Some(here.end);
            continue;
        }
        cuts.push(match (kept, places.get(index + 1)) {
            (Some(before), _) => before..here.end,
            (None, Some(next)) => here.start..next.start,
            (None, None) => here.clone(),
        });
        kept = kept.map(|_| here.end);
    }
    cuts
}

/// Where a value stands in the body that it was read from.
fn place(body: &[u8], raw: &RawValue) -> Range<usize> {
    let start = raw.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + raw.get().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEALED: &str = r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"qcc1.canon.e30"}"#;
    const UNSIGNED: &str = r#"{"encrypted_content":null,"id":"rs_qcc_00ff_0","summary":[],"type":"reasoning"}"#;
    const THEIRS: &str = r#"{ "type":"reasoning", "id":"rs_0a", "summary":[], "encrypted_content":"gAAA" }"#;
    const CALL: &str = r#"{"type":"function_call","id":"fc_qcc_00ff_1","call_id":"c","name":"n","arguments":"{}"}"#;

    /// The list of items before and after, in a body that must not change otherwise.
    fn unsealed(items: &str) -> Option<String> {
        let body = |items: &str| format!(r#"{{ "model": "m", "input": {items}, "n": 1.0, "s": "rs_qcc_ \"qcc1." }}"#);
        let (out, losses) = without_sealed(&Bytes::from(body(items)))?;
        assert_eq!(losses.iter().count(), 1);
        let out = String::from_utf8(out.to_vec()).unwrap();
        let start = body("").find(", \"n\"").unwrap();
        let after = out[start..out.len() - (body("").len() - start)].to_owned();
        assert_eq!(out, body(&after));
        Some(after)
    }

    /// Case 11: between equal dialects too, what we have put in is taken out, and not a byte beside it changes.
    #[test]
    fn items_of_ours_are_cut_out_with_one_comma_each() {
        let table = [
            (format!("[{SEALED}]"), "[]".to_owned()),
            (format!("[ {SEALED} , {UNSIGNED} ]"), "[  ]".to_owned()),
            (format!("[{UNSIGNED} ,\n {CALL}]"), format!("[{CALL}]")),
            (format!("[{THEIRS} , {SEALED}]"), format!("[{THEIRS}]")),
            (format!("[{THEIRS},{SEALED}, {UNSIGNED} , {CALL}]"), format!("[{THEIRS} , {CALL}]")),
            (format!("[{SEALED},{UNSIGNED},{CALL},{SEALED},{THEIRS}]"), format!("[{CALL},{THEIRS}]")),
        ];
        for (before, after) in table {
            assert_eq!(unsealed(&before), Some(after), "{before}");
        }
    }

    /// Case 11: OpenAI's own reasoning stays, and so does every other item, wherever a mark of ours is named.
    #[test]
    fn a_request_without_reasoning_of_ours_is_left_alone() {
        let named = r#"{"type":"message","role":"user","content":"rs_qcc_1 \"qcc1.canon.e30"}"#;
        for items in [format!("[{THEIRS}]"), format!("[{CALL},{named}]"), format!("[{THEIRS},7,{CALL}]")] {
            assert_eq!(unsealed(&items), None, "{items}");
        }
        for body in [format!("[{SEALED}]"), format!(r#"{{"input":[{SEALED}"#), r#"{"input":"rs_qcc_"}"#.to_owned()] {
            assert_eq!(without_sealed(&Bytes::from(body.clone())), None, "{body}");
        }
    }
}
