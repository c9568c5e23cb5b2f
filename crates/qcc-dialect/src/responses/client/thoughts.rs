//! How thinking travels through a client of this dialect: as a reasoning item whose `encrypted_content` the client gives
//! back unread. Other vendors' thinking is put there with its signature, so that the vendor gets back what it has signed.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::canon::{Losses, Part, Thought, is_sealed, seal, unseal};
use crate::json::Raw;
use crate::openai::client::members::Members;
use crate::openai::client::request::Read;
use crate::responses::OWNER as VENDOR;
use crate::responses::wire::{Item, text};

/// For whom the thinking of other dialects is sealed.
const OWNER: &str = "canon";

/// Thinking as `encrypted_content`. Of what nobody has signed the summary says it all; it is sealed so that it can be told
/// from reasoning of this dialect's vendor, who refuses what is not its own.
pub(super) fn sealed(thought: &Thought) -> String {
    let signature = thought.signature.as_ref().filter(|signature| !signature.is_empty());
    let words = match signature {
        Some(signature) => json!({"thinking": thought.text, "signature": signature}),
        None => json!({}),
    };
    seal(OWNER, words.to_string().as_bytes())
}

/// Thinking without a text as `encrypted_content`.
pub(super) fn redacted(data: &str) -> String {
    seal(OWNER, json!({"redacted": data}).to_string().as_bytes())
}

/// A reasoning item that comes back. `None`: nothing is in it.
pub(super) fn part(mut item: Members<'_>) -> Read<Option<Part>> {
    let (summary, content) = (item.take::<Raw<'_>>("summary")?, item.take::<Raw<'_>>("content")?);
    let told = |list: Option<Raw<'_>>| {
        let parts = list.into_iter().flat_map(Raw::items).filter_map(Members::of);
        let texts = parts.filter_map(|part| part.get("text")?.string()).filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join("\n\n")
    };
    let said = Some(told(content)).filter(|said| !said.is_empty()).unwrap_or_else(|| told(summary));
    let Some(encrypted) = item.take::<String>("encrypted_content")?.filter(|text| !text.is_empty()) else {
        return Ok((!said.is_empty()).then_some(Part::Thinking(Thought { text: said, signature: None })));
    };
    if is_sealed(&encrypted) {
        let unsigned = || (!said.is_empty()).then(|| Part::Thinking(Thought { text: said.clone(), signature: None }));
        return Ok(ours(&encrypted).or_else(unsigned));
    }
    let raw = |raw: Option<Raw<'_>>, unsaid: Value| {
        raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or(unsaid)
    };
    let words = json!({
        "type": "reasoning",
        "id": raw(item.take("id")?, Value::Null),
        "summary": raw(summary, json!([])),
        "encrypted_content": encrypted,
    });
    let signature = Some(seal(VENDOR, words.to_string().as_bytes()));
    Ok(Some(Part::Thinking(Thought { text: said, signature })))
}

/// What was sealed here.
fn ours(encrypted: &str) -> Option<Part> {
    let words: Value = serde_json::from_slice(&unseal(OWNER, encrypted)?).ok()?;
    let member = |name: &str| words.get(name).and_then(Value::as_str).map(str::to_owned);
    match member("redacted") {
        Some(data) => Some(Part::Redacted(data)),
        None => Some(Part::Thinking(Thought { text: member("thinking")?, signature: member("signature") })),
    }
}

/// The body of a request without the thinking that was sealed here, for a provider of this dialect, which refuses what it
/// has not sealed itself: the conversation went on elsewhere for a while. Everything else stays as the bytes that it was.
/// `None`: there is nothing to leave out.
#[must_use]
pub fn without_sealed(body: &[u8]) -> Option<(Bytes, Losses)> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        input: Option<&'a RawValue>,
    }
    memchr::memmem::find(body, b"\"qcc1.")?;
    let text = std::str::from_utf8(body).ok()?;
    let input = serde_json::from_str::<Body<'_>>(text).ok()?.input?;
    let items: Vec<&str> =
        serde_json::from_str::<Vec<&RawValue>>(input.get()).ok()?.into_iter().map(RawValue::get).collect();
    let kept: Vec<&str> = items.iter().copied().filter(|item| !is_ours(item)).collect();
    if kept.len() == items.len() {
        return None;
    }
    let start = input.get().as_ptr() as usize - body.as_ptr() as usize;
    let (before, after) = (&text[..start], &text[start + input.get().len()..]);
    let mut losses = Losses::new();
    losses.add("input.reasoning", "dropped, another vendor thought it");
    Some((format!("{before}[{}]{after}", kept.join(",")).into(), losses))
}

/// Whether an item is a thought that was sealed here.
fn is_ours(item: &str) -> bool {
    let Ok(item) = serde_json::from_str::<Item<'_>>(item) else { return false };
    let ours = text(item.encrypted_content).is_some_and(|encrypted| is_sealed(&encrypted));
    ours && text(item.r#type).as_deref() == Some("reasoning")
}
