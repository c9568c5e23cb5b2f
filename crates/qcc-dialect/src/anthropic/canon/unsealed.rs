//! A request of this dialect as it would be had all its answers come from Anthropic: without the thinking that our
//! translations put into the conversation.
//!
//! Bytes of a client pass as they are between equal dialects, with this one exception. Thinking of another vendor goes to
//! the client under a signature of ours, and the client gives it back to whoever is asked next. Anthropic has not signed it
//! and refuses the request, so what we have put in is taken out again: these blocks alone, byte for byte. What a provider
//! of this dialect has signed or left unsigned is the client's own and stays, whatever becomes of it.

use std::ops::Range;

use bytes::Bytes;

use super::members::{Members, list};
use crate::canon::{Losses, is_sealed};
use crate::json::{Document, Raw};

/// How a sealed signature stands in JSON.
const SEALED: &[u8] = b"\"qcc1.";

/// Thinking with a budget wants the last calls to follow a thought that Anthropic has signed.
const OFF: &str = r#"{"type":"disabled"}"#;

/// Whether thinking of ours may be in a request. Only then is the rest worth its while.
fn has_sealed(body: &[u8]) -> bool {
    memchr::memmem::find(body, SEALED).is_some()
}

/// The same request without thinking of ours, and what that costs. `None`: there is none in it, or it is no request. A
/// message that was nothing else goes as a whole.
///
/// Where the model has called tools without a signed thought before, thinking on a budget is switched off for this request,
/// and with it the clearing of old thoughts, which Anthropic refuses without thinking.
#[must_use]
pub fn without_sealed(body: &Bytes) -> Option<(Bytes, Losses)> {
    if !has_sealed(body) {
        return None;
    }
    let mut losses = Losses::new();
    let mut edits = edits(body, &mut losses).filter(|edits| !edits.is_empty())?;
    edits.sort_by_key(|(place, _)| place.start);
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    for (place, instead) in edits {
        out.extend_from_slice(&body[at..place.start]);
        out.extend_from_slice(instead.as_bytes());
        at = place.end;
    }
    out.extend_from_slice(&body[at..]);
    Some((out.into(), losses))
}

/// A place in the body, and what comes there instead.
type Edit = (Range<usize>, &'static str);

/// None where the body is no request.
fn edits(body: &[u8], losses: &mut Losses) -> Option<Vec<Edit>> {
    let document = Document::read(std::str::from_utf8(body).ok()?).ok()?;
    let request = Members::of(document.root()).ok()?;
    let messages: Vec<Raw<'_>> = list(request.get("messages")?).ok()?.collect();
    let mut edits = Vec::new();
    let mut emptied = vec![false; messages.len()];
    let mut calls_at_once = false;
    for (message, emptied) in messages.iter().zip(&mut emptied) {
        let message = Members::of(*message).ok()?;
        if message.need_string("role").ok()? != "assistant" {
            continue;
        }
        let Some(content) = message.get("content").filter(|content| content.is_list()) else {
            calls_at_once = false;
            continue;
        };
        let blocks: Vec<Raw<'_>> = content.items().collect();
        let kinds = blocks.iter().map(|block| Kind::of(*block)).collect::<Option<Vec<_>>>()?;
        *emptied = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::Sealed);
        if !*emptied {
            remove(body, &blocks, |at| kinds[at] == Kind::Sealed, &mut edits);
        }
        let mut left = kinds.iter().filter(|kind| **kind != Kind::Sealed);
        calls_at_once = left.next() != Some(&Kind::Thought) && kinds.contains(&Kind::Call);
    }
    // Anthropic takes no message without content, and two of the user's in a row for one.
    remove(body, &messages, |at| emptied[at], &mut edits);
    if !edits.is_empty() {
        losses.add("messages.thinking", "dropped: it is not signed by Anthropic");
        if calls_at_once {
            forgo_thinking(body, &request, &mut edits, losses);
        }
    }
    Some(edits)
}

/// What a block is to the rules about thinking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Thinking that we have put there.
    Sealed,
    /// Other thinking.
    Thought,
    Call,
    Other,
}

impl Kind {
    fn of(block: Raw<'_>) -> Option<Self> {
        let block = Members::of(block).ok()?;
        let text = |member| block.string(member).ok().flatten();
        let sealed = |member| text(member).is_some_and(|text| is_sealed(&text));
        Some(match text("type").as_deref() {
            Some("thinking") if sealed("signature") => Self::Sealed,
            Some("redacted_thinking") if sealed("data") => Self::Sealed,
            Some("thinking" | "redacted_thinking") => Self::Thought,
            Some("tool_use") => Self::Call,
            _ => Self::Other,
        })
    }
}

/// Takes items out of a list, each with one comma.
fn remove(body: &[u8], items: &[Raw<'_>], gone: impl Fn(usize) -> bool, edits: &mut Vec<Edit>) {
    let mut before = None;
    for (at, item) in items.iter().enumerate() {
        let place = place(body, *item);
        let end = place.end;
        let gone = gone(at);
        if gone {
            let cut = match (before, items.get(at + 1)) {
                (Some(before), _) => before..end,
                (None, Some(next)) => place.start..self::place(body, *next).start,
                (None, None) => place,
            };
            edits.push((cut, ""));
        }
        if !gone || before.is_some() {
            before = Some(end);
        }
    }
}

/// Where a value stands in the body that it was read from.
fn place(body: &[u8], raw: Raw<'_>) -> Range<usize> {
    let start = raw.get().as_ptr() as usize - body.as_ptr() as usize;
    start..start + raw.get().len()
}

fn forgo_thinking(body: &[u8], request: &Members<'_>, edits: &mut Vec<Edit>, losses: &mut Losses) {
    let kind = |raw: Raw<'_>| Members::of(raw).ok()?.string("type").ok()?;
    let Some(thinking) = request.get("thinking").filter(|raw| kind(*raw).as_deref() == Some("enabled")) else { return };
    edits.push((place(body, thinking), OFF));
    losses.add("thinking", "dropped: what the model thought before its last calls is not there");
    let management = request.members("context_management").ok().flatten();
    let clearing = management.and_then(|management| management.get("edits"));
    let items: Vec<Raw<'_>> = clearing.into_iter().flat_map(Raw::items).collect();
    let clears = |at: usize| kind(items[at]).is_some_and(|kind| kind.starts_with("clear_thinking"));
    if (0..items.len()).any(clears) {
        losses.add("context_management.edits", "clear_thinking dropped, for it needs thinking");
        remove(body, &items, clears, edits);
    }
}
