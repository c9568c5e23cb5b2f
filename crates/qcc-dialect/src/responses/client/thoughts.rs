//! How thinking travels through a client of this dialect: as a reasoning item whose `encrypted_content` the client gives
//! back unread. Other vendors' thinking is put there with its signature, so that the vendor gets back what it has signed.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::canon::{Part, Thought, is_sealed, seal, unseal};
use crate::openai::client::request::{Members, Read};
use crate::responses::OWNER as VENDOR;
use crate::responses::wire::{parts, text};

/// For whom the thinking of other dialects is sealed.
const OWNER: &str = "canon";

/// Thinking as `encrypted_content`. `None`: the text says it all.
pub(super) fn sealed(thought: &Thought) -> Option<String> {
    let signature = thought.signature.as_ref().filter(|signature| !signature.is_empty())?;
    Some(seal(OWNER, json!({"thinking": thought.text, "signature": signature}).to_string().as_bytes()))
}

/// Thinking without a text as `encrypted_content`.
pub(super) fn redacted(data: &str) -> String {
    seal(OWNER, json!({"redacted": data}).to_string().as_bytes())
}

/// A reasoning item that comes back. `None`: nothing is in it.
pub(super) fn part(mut item: Members<'_>) -> Read<Option<Part>> {
    let (summary, content) = (item.take::<&RawValue>("summary")?, item.take::<&RawValue>("content")?);
    let told = |raw| parts(raw).iter().filter_map(|part| text(part.text)).collect::<Vec<_>>().join("\n\n");
    let said = Some(told(content)).filter(|said| !said.is_empty()).unwrap_or_else(|| told(summary));
    let Some(encrypted) = item.take::<String>("encrypted_content")?.filter(|text| !text.is_empty()) else {
        return Ok((!said.is_empty()).then_some(Part::Thinking(Thought { text: said, signature: None })));
    };
    if is_sealed(&encrypted) {
        let unsigned = || (!said.is_empty()).then(|| Part::Thinking(Thought { text: said.clone(), signature: None }));
        return Ok(ours(&encrypted).or_else(unsigned));
    }
    let raw = |raw: Option<&RawValue>, unsaid: Value| {
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
