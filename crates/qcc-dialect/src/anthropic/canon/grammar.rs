//! Checks that a stream is one that Anthropic's own clients take: every rule of its streams, strictly, as far as one can
//! see from outside. Every stream that is written in tests goes through it.

use bytes::Bytes;
use serde_json::Value;

use crate::sse::{Splitter, fields};

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With `message_stop`.
    Whole,
    /// With an `error` event.
    Error,
    /// Somewhere.
    Cut,
}

/// Checks whole events one after the other, from the first on.
pub(crate) fn check(stream: &[u8]) -> Result<End, String> {
    let mut splitter = Splitter::new();
    let batch = splitter.push(Bytes::copy_from_slice(stream));
    if !splitter.finish().is_empty() {
        return Err("half an event at the end".to_owned());
    }
    let mut grammar = Grammar::default();
    for (at, event) in batch.events().filter(|event| event[0] != b':').enumerate() {
        grammar.event(event).map_err(|why| format!("event {at}: {why}\n{}", String::from_utf8_lossy(event)))?;
    }
    Ok(grammar.end.unwrap_or(End::Cut))
}

#[derive(Default)]
struct Grammar {
    started: bool,
    /// Type of the open block, and whether its signature came.
    open: Option<(String, bool)>,
    index: u64,
    ids: Vec<String>,
    stopped: bool,
    end: Option<End>,
}

type Checked = Result<(), String>;

fn need(holds: bool, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

impl Grammar {
    fn event(&mut self, event: &[u8]) -> Checked {
        let fields = fields(event);
        let name = String::from_utf8_lossy(fields.event.unwrap_or_default()).into_owned();
        let data: Value = serde_json::from_slice(&fields.data).map_err(|cause| cause.to_string())?;
        need(event.ends_with(b"\n\n") && !fields.stray, "not one frame")?;
        need(data["type"] == name.as_str(), "the name is not the type")?;
        need(self.end.is_none(), "something follows the end")?;
        match name.as_str() {
            "ping" => return Ok(()),
            "error" => {
                self.end = Some(End::Error);
                let error = &data["error"];
                let kind = error["type"].as_str().unwrap_or_default();
                need(error["message"].is_string() && ERRORS.contains(&kind), "no error of this dialect")?;
                return need(!data.to_string().contains("overloaded_error"), "it costs clients their tries");
            }
            "message_start" => {
                need(!std::mem::replace(&mut self.started, true), "a second message")?;
                return message(&data["message"]);
            }
            _ => need(self.started, "before message_start")?,
        }
        match name.as_str() {
            "content_block_start" => self.block_start(&data),
            "content_block_delta" => self.block_delta(&data),
            "content_block_stop" => {
                need(data["index"] == self.index && self.open.take().is_some(), "no such block is open")?;
                self.index += 1;
                Ok(())
            }
            "message_delta" => self.message_delta(&data),
            "message_stop" => {
                self.end = Some(End::Whole);
                need(self.stopped && self.open.is_none(), "an end without a reason, or within a block")
            }
            _ => Err("an unknown event".to_owned()),
        }
    }

    fn block_start(&mut self, data: &Value) -> Checked {
        need(self.open.is_none() && !self.stopped, "a block within another or after the reason to stop")?;
        need(data["index"] == self.index, "the index jumps")?;
        let block = &data["content_block"];
        let kind = block["type"].as_str().unwrap_or_default();
        self.open = Some((kind.to_owned(), false));
        match kind {
            "text" => need(block["text"] == "", "text does not begin empty"),
            "thinking" => need(block["thinking"] == "" && block["signature"] == "", "thinking does not begin empty"),
            "redacted_thinking" => need(block["data"].is_string(), "no data"),
            "tool_use" => {
                let id = block["id"].as_str().unwrap_or_default().to_owned();
                let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
                need(!id.is_empty() && id.bytes().all(legal), "an illegal id")?;
                need(!self.ids.contains(&id), "an id twice")?;
                self.ids.push(id);
                need(block["name"].is_string() && block["input"] == serde_json::json!({}), "no name, or an input")
            }
            _ => Err("a block that answers do not have".to_owned()),
        }
    }

    fn block_delta(&mut self, data: &Value) -> Checked {
        need(data["index"] == self.index, "the index is not the open block's")?;
        let Some((open, signed)) = &mut self.open else { return Err("no block is open".to_owned()) };
        let delta = &data["delta"];
        let kind = delta["type"].as_str().unwrap_or_default();
        let member = match (open.as_str(), kind) {
            ("text", "text_delta") => "text",
            ("thinking", "thinking_delta") if !*signed => "thinking",
            ("thinking", "signature_delta") => {
                *signed = true;
                "signature"
            }
            ("tool_use", "input_json_delta") => "partial_json",
            _ => return Err("no delta of this block".to_owned()),
        };
        need(delta[member].is_string(), "no content")
    }

    fn message_delta(&mut self, data: &Value) -> Checked {
        need(self.open.is_none(), "within a block")?;
        let delta = data["delta"].as_object().ok_or("no delta")?;
        let told = delta.contains_key("stop_reason") && delta.contains_key("stop_sequence");
        need(told && delta["stop_reason"].is_string(), "no stop reason")?;
        self.stopped = true;
        need(data["usage"]["output_tokens"].is_u64(), "no count of the answer")?;
        let calls = !self.ids.is_empty();
        need((delta["stop_reason"] != "tool_use") | calls, "calls are announced and there are none")?;
        need((delta["stop_reason"] != "end_turn") | !calls, "there are calls and none is announced")
    }
}

fn message(message: &Value) -> Checked {
    let is = |member: &str, value: &str| message[member] == value;
    need(is("type", "message") && is("role", "assistant"), "no message of the assistant")?;
    need(message["id"].is_string() && message["model"].is_string(), "no id or no model")?;
    need(message["content"] == serde_json::json!([]), "content must be an empty list")?;
    let members = message.as_object().ok_or("no object")?;
    let nulls = ["stop_reason", "stop_sequence"].iter().all(|member| members.get(*member) == Some(&Value::Null));
    need(nulls, "stop members must be there and null")?;
    let counts = ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"];
    need(counts.iter().all(|count| message["usage"][count].is_u64()), "a count is missing")
}

const ERRORS: [&str; 10] = [
    "invalid_request_error",
    "authentication_error",
    "billing_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "request_too_large",
    "rate_limit_error",
    "api_error",
    "timeout_error",
];

#[test]
fn streams_outside_the_grammar_are_found() {
    use super::tests::{says, start, stop, stream};
    use crate::canon::{Block, Event, StopReason};
    let text = [start(), Event::Open(Block::Text), says("x"), Event::Close, stop(StopReason::EndTurn), Event::End];
    let whole = stream(&text);
    assert_eq!(check(whole.as_bytes()), Ok(End::Whole));
    let frames: Vec<&str> = whole.split_inclusive("\n\n").collect();
    for left_out in 0..frames.len() {
        let rest: String =
            frames.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, frame)| *frame).collect();
        // Without a delta or the last event it is still a stream.
        assert_eq!(check(rest.as_bytes()).is_ok(), [2, frames.len() - 1].contains(&left_out), "{rest}");
        let twice: String =
            frames.iter().enumerate().flat_map(|(at, frame)| vec![*frame; 1 + usize::from(at == left_out)]).collect();
        assert_eq!(check(twice.as_bytes()).is_ok(), [2, frames.len() - 2].contains(&left_out), "{twice}");
    }
    let wrong = [
        ("\"content\":[]", "\"content\":null"),
        ("\"stop_reason\":null,", ""),
        ("\"input_tokens\":77,", ""),
        ("\"index\":0,\"delta\"", "\"index\":1,\"delta\""),
        ("text_delta", "thinking_delta"),
        ("event: message_delta", "event: message"),
        ("\"end_turn\"", "\"tool_use\""),
        ("\"end_turn\"", "null"),
        ("\"output_tokens\":0}}\n\nevent: message_stop", "\"a\":0}}\n\nevent: message_stop"),
    ];
    for (right, wrong) in wrong {
        assert!(whole.contains(right), "{right}");
        assert!(check(whole.replace(right, wrong).as_bytes()).is_err(), "{wrong}");
    }
}
