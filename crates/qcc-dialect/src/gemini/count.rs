//! Counting tokens at the provider, which is free.

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::head::resource;
use super::request::{encode_prompt, printed};
use super::response::json;
use crate::answer::Wrong;
use crate::canon::{Losses, Request, Unfit};
use crate::capabilities::Capabilities;
use crate::error::ErrorFacts;

/// The body of `:countTokens` for what `request` would be sent as: the form that counts tools and system too.
///
/// # Errors
/// Where the request could only be sent with another meaning.
pub fn encode_count(request: &Request, known: &Capabilities, model: &str) -> Result<Bytes, Unfit> {
    // What is lost is told when the request itself is sent.
    let prompt = encode_prompt(request, known, model, &mut Losses::new())?;
    let body = Body { generate_content_request: Counted { model: resource(model), prompt } };
    printed(&body, request.rough_size())
}

/// How many tokens the provider counted.
///
/// # Errors
/// What the body is instead of a count.
pub fn decode_count(body: &[u8]) -> Result<u64, Wrong> {
    let counted: Value = serde_json::from_slice(json(body)?).map_err(|_| Wrong::NotJson)?;
    if counted.get("error").or_else(|| counted.get(0)?.get("error")).is_some() {
        return Err(Wrong::Error(ErrorFacts::in_band(body)));
    }
    counted.get("totalTokens").and_then(Value::as_u64).ok_or(Wrong::OtherJson)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<P> {
    generate_content_request: Counted<P>,
}

#[derive(Serialize)]
struct Counted<P> {
    model: String,
    #[serde(flatten)]
    prompt: P,
}
