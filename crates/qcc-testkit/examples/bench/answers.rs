//! What the mock provider sends for each wish, built once, in one dialect.

use bytes::Bytes;
use qcc_testkit::replies::{self, Framing, Stream};
use serde_json::{Value, json};

use crate::ask::Dialect;
use crate::mock::EVENTS;

/// Size of the non-streaming answer.
const ANSWER: usize = 2000;

/// What a piece of a burst says.
const PIECE: &str = " some words of text";

/// The answers of one dialect, as they go over the wire.
pub(crate) struct Answers {
    dialect: Dialect,
    /// Head and body.
    pub(crate) whole: Bytes,
    /// The head of a stream.
    pub(crate) head: Bytes,
    /// [`EVENTS`] events in all, and the end.
    pub(crate) burst: Vec<Bytes>,
    /// What stands before the text of a stream.
    pub(crate) opening: Vec<Bytes>,
    /// What stands behind it, and the end.
    pub(crate) closing: Vec<Bytes>,
}

impl Answers {
    pub(crate) fn new(dialect: Dialect) -> Self {
        let text = "word ".repeat(ANSWER / 5 - 60);
        let (body, opening, closing) = match dialect {
            Dialect::Anthropic => {
                let empty = Stream::text([]).events();
                (replies::message(&text), empty[..3].to_vec(), empty[3..].to_vec())
            }
            Dialect::OpenAi => {
                (completion(&text), vec![openai_chunk(&json!({"role": "assistant", "content": ""}), None)], {
                    vec![
                        openai_chunk(&json!({}), Some("stop")),
                        openai_usage(),
                        Bytes::from_static(b"data: [DONE]\n\n"),
                    ]
                })
            }
        };
        let body = body.to_string();
        let headers = [("content-type", "application/json"), ("request-id", "req_bench")];
        let head = replies::head(200, &headers, Framing::ContentLength, body.len());
        let chunks = |events: &[Bytes]| events.iter().map(|event| replies::chunk(event)).collect::<Vec<_>>();
        let opening = chunks(&opening);
        let mut closing = chunks(&closing);
        let pieces = vec![replies::chunk(&delta(dialect, PIECE)); EVENTS - opening.len() - closing.len()];
        closing.push(replies::chunk(b""));
        Self {
            dialect,
            whole: [&head[..], body.as_bytes()].concat().into(),
            head: replies::stream_head(Framing::Chunked),
            burst: [&opening[..], &pieces, &closing].concat(),
            opening,
            closing,
        }
    }

    /// One event that says `text`.
    pub(crate) fn delta(&self, text: &str) -> Bytes {
        replies::chunk(&delta(self.dialect, text))
    }
}

fn delta(dialect: Dialect, text: &str) -> Bytes {
    match dialect {
        Dialect::Anthropic => {
            let delta = json!({"type": "text_delta", "text": text});
            replies::event("content_block_delta", &json!({"type": "content_block_delta", "index": 0, "delta": delta}))
        }
        Dialect::OpenAi => openai_chunk(&json!({"content": text}), None),
    }
}

/// An answer of Chat Completions in one piece.
fn completion(text: &str) -> Value {
    let message = json!({"role": "assistant", "content": text, "refusal": null, "annotations": []});
    json!({
        "id": "chatcmpl-CjtIlmgLKCdXbIbmCSAC7k1Yvy1Jy", "object": "chat.completion", "created": 1_790_000_000,
        "model": "gpt-5.5", "service_tier": "default", "system_fingerprint": null,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage()
    })
}

/// A chunk with all members that OpenAI writes.
fn openai_chunk(delta: &Value, reason: Option<&str>) -> Bytes {
    openai_event(&json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]), &Value::Null)
}

fn openai_usage() -> Bytes {
    openai_event(&json!([]), &usage())
}

fn openai_event(choices: &Value, usage: &Value) -> Bytes {
    let chunk = json!({
        "id": "chatcmpl-CjtIlmgLKCdXbIbmCSAC7k1Yvy1Jy", "object": "chat.completion.chunk", "created": 1_790_000_000,
        "model": "gpt-5.5", "service_tier": "default", "system_fingerprint": null, "choices": choices, "usage": usage,
        "obfuscation": "aBcDeF"
    });
    format!("data: {chunk}\n\n").into()
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 25, "completion_tokens": 15, "total_tokens": 40,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}
    })
}
