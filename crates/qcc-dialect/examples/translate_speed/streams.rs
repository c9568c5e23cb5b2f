//! Streams of the providers' dialects.

use qcc_dialect::translate::Dialect;
use serde_json::{Value, json};

use crate::samples::Answer;

/// A stream of the provider's dialect, event by event.
pub(crate) fn stream(dialect: Dialect, answer: Answer) -> Vec<Vec<u8>> {
    let pieces = answer.pieces();
    let events: Vec<String> = match dialect {
        Dialect::Anthropic => anthropic(answer, &pieces),
        Dialect::OpenAi => openai(answer, &pieces),
        Dialect::Responses => responses(answer, &pieces),
        Dialect::Gemini => gemini(answer, &pieces),
    };
    events.into_iter().map(String::into_bytes).collect()
}

fn anthropic(answer: Answer, pieces: &[String]) -> Vec<String> {
    let event = |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    let usage = json!({"input_tokens": 2679, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 3});
    let message = json!({"model": "claude-opus-4-8", "id": "msg_014p7gG3wDgGV9EUtLvnow3U", "type": "message", "role": "assistant", "content": [], "stop_reason": null, "stop_sequence": null, "usage": usage});
    let (block, kind, member) = match answer {
        Answer::Prose | Answer::Code => (json!({"type": "text", "text": ""}), "text_delta", "text"),
        Answer::Call => {
            let block =
                json!({"type": "tool_use", "id": "toolu_01T1x1fJ34qAmk2tNTrN7Up6", "name": "Write", "input": {}});
            (block, "input_json_delta", "partial_json")
        }
        Answer::Thinking => {
            (json!({"type": "thinking", "thinking": "", "signature": ""}), "thinking_delta", "thinking")
        }
    };
    let mut events = vec![
        event(json!({"type": "message_start", "message": message})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": block})),
        event(json!({"type": "ping"})),
    ];
    events.extend(pieces.iter().map(|piece| {
        event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": kind, member: piece}}))
    }));
    if answer == Answer::Thinking {
        let signature = json!({"type": "signature_delta", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3h".repeat(8)});
        events.push(event(json!({"type": "content_block_delta", "index": 0, "delta": signature})));
    }
    let stop =
        json!({"stop_reason": if answer == Answer::Call { "tool_use" } else { "end_turn" }, "stop_sequence": null});
    events.push(event(json!({"type": "content_block_stop", "index": 0})));
    events.push(event(json!({"type": "message_delta", "delta": stop, "usage": {"output_tokens": 3510}})));
    events.push(event(json!({"type": "message_stop"})));
    events
}

fn openai(answer: Answer, pieces: &[String]) -> Vec<String> {
    let chunk = |delta: Value, reason: Value, usage: Value| {
        let choices = json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]);
        let data = json!({
            "id": "chatcmpl-CjtIlmgLKCdXbIbmCSAC7k1Yvy1Jy", "object": "chat.completion.chunk", "created": 1_790_000_000,
            "model": "deepseek-v4-pro", "service_tier": "default", "system_fingerprint": "fp_ffca4fd160",
            "choices": choices, "usage": usage
        });
        format!("data: {data}\n\n")
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null, Value::Null)];
    if answer == Answer::Call {
        let call = json!({"index": 0, "id": "call_00_iT8y3vQmkP2vZ0s", "type": "function", "function": {"name": "Write", "arguments": ""}});
        events.push(chunk(json!({"tool_calls": [call]}), Value::Null, Value::Null));
    }
    events.extend(pieces.iter().map(|piece| {
        let delta = match answer {
            Answer::Prose | Answer::Code => json!({"content": piece}),
            Answer::Call => json!({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}),
            Answer::Thinking => json!({"content": null, "reasoning_content": piece}),
        };
        chunk(delta, Value::Null, Value::Null)
    }));
    if answer == Answer::Thinking {
        events.push(chunk(json!({"content": "So.", "reasoning_content": null}), Value::Null, Value::Null));
    }
    let reason = if answer == Answer::Call { "tool_calls" } else { "stop" };
    let usage = json!({"prompt_tokens": 2679, "completion_tokens": 3510, "total_tokens": 6189});
    events.push(chunk(json!({}), json!(reason), usage));
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn responses(answer: Answer, pieces: &[String]) -> Vec<String> {
    let mut sequence = 0;
    let mut event = |kind: &str, mut data: Value| {
        data["type"] = json!(kind);
        data["sequence_number"] = json!(sequence);
        sequence += 1;
        format!("event: {kind}\ndata: {data}\n\n")
    };
    let whole = pieces.concat();
    let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []});
    let (item, done, delta, end) = match answer {
        Answer::Prose | Answer::Code => {
            let item = |content| json!({"id": "msg_1", "type": "message", "role": "assistant", "content": content});
            let end = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0, "text": whole});
            (item(json!([])), item(json!([part(&whole)])), "response.output_text", end)
        }
        Answer::Call => {
            let item = |arguments| json!({"id": "fc_1", "type": "function_call", "call_id": "call_iT8y3", "name": "Write", "arguments": arguments});
            let end = json!({"item_id": "fc_1", "output_index": 0, "arguments": whole});
            (item(""), item(&whole), "response.function_call_arguments", end)
        }
        Answer::Thinking => {
            let item = |summary| json!({"id": "rs_1", "type": "reasoning", "summary": summary});
            let end = json!({"item_id": "rs_1", "output_index": 0, "summary_index": 0, "text": whole});
            let summary = json!([{"type": "summary_text", "text": whole}]);
            (item(json!([])), item(summary), "response.reasoning_summary_text", end)
        }
    };
    let response = |status: &str, output: Value, usage: Value| {
        json!({"response": {
            "id": "resp_68a1", "object": "response", "created_at": 1_790_000_000, "status": status, "model": "gpt-5.5",
            "output": output, "usage": usage
        }})
    };
    let mut events = vec![
        event("response.created", response("in_progress", json!([]), Value::Null)),
        event("response.output_item.added", json!({"output_index": 0, "item": item})),
    ];
    let mut more = end.clone();
    for member in ["text", "arguments"] {
        more.as_object_mut().and_then(|members| members.remove(member));
    }
    for piece in pieces {
        more["delta"] = json!(piece);
        more["obfuscation"] = json!("aBcDeF");
        events.push(event(&format!("{delta}.delta"), more.clone()));
    }
    events.push(event(&format!("{delta}.done"), end));
    events.push(event("response.output_item.done", json!({"output_index": 0, "item": done})));
    let usage = json!({"input_tokens": 2679, "output_tokens": 3510, "total_tokens": 6189});
    events.push(event("response.completed", response("completed", json!([done]), usage)));
    events
}

/// A call comes whole.
fn gemini(answer: Answer, pieces: &[String]) -> Vec<String> {
    let chunk = |part: Value, reason: Value| {
        let candidate = json!({"content": {"parts": [part], "role": "model"}, "finishReason": reason, "index": 0});
        let usage = json!({
            "promptTokenCount": 2679, "candidatesTokenCount": 3510, "totalTokenCount": 6189,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2679}]
        });
        let data = json!({
            "candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-pro-preview",
            "responseId": "qJv9aJ3kLoGqkdUPz9mBmQ0"
        });
        format!("data: {data}\r\n\r\n")
    };
    let mut events: Vec<String> = match answer {
        Answer::Prose | Answer::Code => pieces.iter().map(|piece| chunk(json!({"text": piece}), Value::Null)).collect(),
        Answer::Thinking => {
            pieces.iter().map(|piece| chunk(json!({"text": piece, "thought": true}), Value::Null)).collect()
        }
        Answer::Call => {
            let input: Value = serde_json::from_str(&pieces.concat()).unwrap_or_default();
            vec![chunk(json!({"functionCall": {"name": "Write", "args": input}}), Value::Null)]
        }
    };
    let last = if answer == Answer::Thinking { "So." } else { "" };
    events.push(chunk(json!({"text": last}), json!("STOP")));
    events
}
