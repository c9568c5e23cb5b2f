//! Decides whether an answer in one piece under status 200 is what it claims to be.
//!
//! Relays answer 200 with an error object, a login page or nothing at all, and clients take an error
//! object for a message without complaint. So an answer is read whole before its first byte goes down.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::usage;
use crate::answer::{Told, Wrong};
use crate::canon::Usage;
use crate::error::{ErrorFacts, looks_like_html};

/// Whether a 200 body of `/v1/messages` is a message: `"type":"message"` with a `content` array.
///
/// # Errors
/// What it is instead.
pub fn check_message(body: &[u8]) -> Result<(), Wrong> {
    read_message(body).map(drop)
}

/// Like [`check_message`], and gives what the log wants to know.
///
/// # Errors
/// What it is instead.
pub fn read_message(body: &[u8]) -> Result<Told, Wrong> {
    let members = members(body)?;
    let content = members.get("content").is_some_and(|content| content.get().starts_with('['));
    if string(&members, "type").as_deref() != Some("message") || !content {
        return Err(Wrong::OtherJson);
    }
    let mut usage = Usage::default();
    if let Some(reported) = members.get("usage").and_then(|raw| serde_json::from_str(raw.get()).ok()) {
        usage::take(&mut usage, &reported);
    }
    Ok(Told { id: string(&members, "id"), stop_reason: string(&members, "stop_reason"), usage })
}

/// Whether a 200 body of `/v1/messages/count_tokens` is a count; gives it.
///
/// # Errors
/// What it is instead.
pub fn check_count(body: &[u8]) -> Result<u64, Wrong> {
    let members = members(body)?;
    let count = members.get("input_tokens").and_then(|raw| raw.get().parse().ok());
    count.ok_or(Wrong::OtherJson)
}

type Members<'a> = BTreeMap<Name<'a>, &'a RawValue>;

/// A member's name, copied only where it is written with escapes. Of several members with one name the last counts.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrow<str> for Name<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The top-level members; the long ones are checked but not built.
fn members(body: &[u8]) -> Result<Members<'_>, Wrong> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err(Wrong::Empty);
    }
    if looks_like_html(body) {
        return Err(Wrong::Html);
    }
    let members: Members<'_> = match serde_json::from_slice(body) {
        Ok(members) => members,
        Err(cause) if cause.is_data() => return Err(Wrong::OtherJson),
        Err(_) => return Err(Wrong::NotJson),
    };
    let error = members.get("error").is_some_and(|error| error.get() != "null");
    if error || string(&members, "type").as_deref() == Some("error") {
        return Err(Wrong::Error(ErrorFacts::in_band(body)));
    }
    Ok(members)
}

fn string(members: &Members<'_>, name: &str) -> Option<String> {
    serde_json::from_str(members.get(name)?.get()).ok()
}
