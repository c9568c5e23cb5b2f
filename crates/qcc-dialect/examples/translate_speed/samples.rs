//! What is translated: texts, requests and answers in the shapes that were recorded of the vendors, made longer.

use bytes::Bytes;
use qcc_dialect::asker::Asker;
use qcc_dialect::translate::Dialect;
use serde_json::{Value, json};

/// Pieces of a stream.
const PIECES: usize = 400;

/// Source code has the quotes, line ends and backslashes that models write; it is cut into pieces of 10 to 40 bytes.
const CODE: &str = include_str!("../../src/sse.rs");

/// Prose has few of them.
const PROSE: &str =
    "The gateway stands between clients and many providers, and makes them look like one that does not fail. ";

/// What a stream consists of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Prose,
    Code,
    Call,
    Thinking,
}

impl Answer {
    pub(crate) const ALL: [Self; 4] = [Self::Prose, Self::Code, Self::Call, Self::Thinking];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prose => "prose",
            Self::Code => "code",
            Self::Call => "tool input",
            Self::Thinking => "thinking",
        }
    }

    /// The pieces, of 10 to 40 bytes.
    pub(crate) fn pieces(self) -> Vec<String> {
        let text = match self {
            Self::Prose | Self::Thinking => PROSE.repeat(200),
            Self::Code => CODE.repeat(3),
            Self::Call => json!({"file_path": "/home/user/project/src/sse.rs", "content": CODE.repeat(2)}).to_string(),
        };
        let mut pieces = Vec::with_capacity(PIECES);
        let mut rest = text.as_str();
        for at in 0..PIECES {
            let mut end = 10 + at * 7 % 31;
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            let (piece, after) = rest.split_at(end);
            pieces.push(piece.to_owned());
            rest = after;
        }
        if self == Self::Call {
            pieces.push(rest.to_owned());
        }
        pieces
    }
}

/// The smallest request, for a stream to come back to.
pub(crate) fn small_request(asker: Asker) -> Vec<u8> {
    let name = match asker {
        Asker::Anthropic => "claude-opus-4-8",
        Asker::OpenAi | Asker::Responses => "gpt-5.5",
    };
    if asker == Asker::Responses {
        return json!({"model": name, "stream": true, "input": "Go on."}).to_string().into();
    }
    let messages = json!([{"role": "user", "content": "Go on."}]);
    json!({"model": name, "max_tokens": 4096, "stream": true, "messages": messages}).to_string().into()
}

/// Requests of about 60 kB: one of a first turn, which is tools for the most part, and one of a long conversation.
pub(crate) fn requests(asker: Asker) -> [(&'static str, Vec<u8>); 2] {
    let write = match asker {
        Asker::Anthropic => claude_code,
        Asker::OpenAi => chat,
        Asker::Responses => codex,
    };
    [("first turn", write(25, 0)), ("20 calls", write(6, 20))]
}

fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "The absolute path to the file to modify"},
            "old_string": {"type": "string", "description": "The text to replace"},
            "replace_all": {"type": "boolean", "default": false},
            "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9_007_199_254_740_991_u64}
        },
        "required": ["file_path", "old_string"], "additionalProperties": false
    })
}

/// What Claude Code sends: three blocks of system, tools with their schemas, a conversation of calls and results.
fn claude_code(tools: usize, calls: usize) -> Vec<u8> {
    let marked = json!({"type": "ephemeral"});
    let tool = |number: usize| json!({"name": format!("Tool{number}"), "description": &CODE[number * 100..][..1500], "input_schema": schema()});
    let mut messages = vec![
        json!({"role": "user", "content": [{"type": "text", "text": &CODE[..900], "cache_control": marked}]}),
        json!({"role": "system", "content": &CODE[..2000]}),
    ];
    for call in 0..calls {
        let id = format!("toolu_{call:024}");
        let input = json!({"file_path": "/home/user/project/src/scan.rs", "offset": call, "limit": 40});
        messages.push(json!({"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Read it first.", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h".repeat(8)},
            {"type": "tool_use", "id": id, "name": "Tool1", "input": input}
        ]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": &CODE[call % 50 * 100..][..1000], "is_error": false}
        ]}));
    }
    let user = json!({"device_id": "3b8f0c6d".repeat(8), "account_uuid": "", "session_id": "6f1c9a52-3f6e-4c0b"});
    let system = json!([
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.197.5c1; cc_entrypoint=cli;"},
        {"type": "text", "text": "You are Claude Code.", "cache_control": marked},
        {"type": "text", "text": &CODE[..6000], "cache_control": marked}
    ]);
    let body = json!({
        "model": "claude-opus-4-8", "messages": messages, "system": system, "tools": (0..tools).map(tool).collect::<Vec<_>>(),
        "metadata": {"user_id": user.to_string()}, "max_tokens": 32_000, "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"}, "stream": true
    });
    body.to_string().into()
}

/// The same of a client of Chat Completions.
fn chat(tools: usize, calls: usize) -> Vec<u8> {
    let tool = |number: usize| {
        json!({"type": "function", "function": {
            "name": format!("tool_{number}"), "description": &CODE[number * 100..][..1500], "parameters": schema()
        }})
    };
    let mut messages =
        vec![json!({"role": "system", "content": &CODE[..8000]}), json!({"role": "user", "content": &CODE[..900]})];
    for call in 0..calls {
        let id = format!("call_{call:024}");
        let arguments = json!({"file_path": "/home/user/project/src/scan.rs", "offset": call, "limit": 40}).to_string();
        let function = json!({"name": "tool_1", "arguments": arguments});
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [{"id": id, "type": "function", "function": function}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": &CODE[call % 50 * 100..][..1000]}));
    }
    let tools: Vec<Value> = (0..tools).map(tool).collect();
    let body = json!({
        "model": "claude-opus-4-8", "messages": messages, "tools": tools, "max_completion_tokens": 32_000, "stream": true,
        "stream_options": {"include_usage": true}, "reasoning_effort": "high"
    });
    body.to_string().into()
}

/// The same of codex.
fn codex(tools: usize, calls: usize) -> Vec<u8> {
    let tool = |number: usize| {
        json!({
            "type": "function", "name": format!("tool_{number}"), "description": &CODE[number * 100..][..1500],
            "strict": false, "parameters": schema()
        })
    };
    let said = |role: &str, text: &str| json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]});
    let mut input = vec![said("developer", &CODE[..2000]), said("user", &CODE[..900])];
    for call in 0..calls {
        let id = format!("call_{call:024}");
        let arguments = json!({"file_path": "/home/user/project/src/scan.rs", "offset": call, "limit": 40}).to_string();
        input.push(json!({"type": "function_call", "name": "tool_1", "arguments": arguments, "call_id": id}));
        let output = &CODE[call % 50 * 100..][..1000];
        input.push(json!({"type": "function_call_output", "call_id": id, "output": output}));
    }
    let body = json!({
        "model": "claude-opus-4-8", "instructions": &CODE[..6000], "input": input,
        "tools": (0..tools).map(tool).collect::<Vec<_>>(), "tool_choice": "auto", "parallel_tool_calls": true,
        "reasoning": {"effort": "high", "summary": "auto"}, "store": false, "stream": true,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "6f1c9a52-3f6e-4c0b"
    });
    body.to_string().into()
}

/// An answer in one piece: a text and a call.
pub(crate) fn whole(dialect: Dialect) -> Bytes {
    let text = &CODE[..4000];
    let input = json!({"file_path": "/home/user/project/src/sse.rs", "content": &CODE[..4000]});
    let answer = match dialect {
        Dialect::Anthropic => json!({
            "model": "claude-opus-4-8", "id": "msg_014p7gG3wDgGV9EUtLvnow3U", "type": "message", "role": "assistant",
            "content": [
                {"type": "text", "text": text},
                {"type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "Write", "input": input}
            ],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 2679, "output_tokens": 3510}
        }),
        Dialect::OpenAi => {
            let function = json!({"name": "Write", "arguments": input.to_string()});
            let call = json!({"id": "call_00_iT8y3vQmkP2vZ0s", "type": "function", "function": function});
            let message = json!({"role": "assistant", "content": text, "tool_calls": [call]});
            json!({
                "id": "chatcmpl-CjtIlmgLKCdXbIbmCSAC7k1Yvy1Jy", "object": "chat.completion", "created": 1_790_000_000,
                "model": "deepseek-v4-pro", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
                "usage": {"prompt_tokens": 2679, "completion_tokens": 3510, "total_tokens": 6189}
            })
        }
        Dialect::Responses => {
            let said = json!([{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]);
            json!({
                "id": "resp_68a1", "object": "response", "created_at": 1_790_000_000, "status": "completed",
                "model": "gpt-5.5", "output": [
                    {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": said},
                    {
                        "id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_iT8y3vQmkP2vZ0s",
                        "name": "Write", "arguments": input.to_string()
                    }
                ],
                "usage": {"input_tokens": 2679, "output_tokens": 3510, "total_tokens": 6189}
            })
        }
        Dialect::Gemini => {
            let call = json!({"functionCall": {"name": "Write", "args": input, "id": "iT8y3vQm"}});
            json!({
                "candidates": [{
                    "content": {"parts": [{"text": text}, call], "role": "model"}, "finishReason": "STOP", "index": 0
                }],
                "usageMetadata": {"promptTokenCount": 2679, "candidatesTokenCount": 3510, "totalTokenCount": 6189},
                "modelVersion": "gemini-3-pro", "responseId": "abc"
            })
        }
    };
    answer.to_string().into()
}
