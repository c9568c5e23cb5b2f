//! Google's Gemini: chunks without names, calls whole and without ids, and no mark at the end but the reason for it. No
//! client asks in it; its answers are read to know what a provider had said by when.

use bytes::Bytes;
use qcc_testkit::sse;
use serde_json::{Value, json};

use super::{Heard, Question, Said, Stopped, Stretch, Usage, What, nameless, text};

pub(super) fn stream(said: &Said) -> Vec<Bytes> {
    let parts = parts(said);
    let last = parts.len() - 1;
    let chunk = |(index, part): (usize, &Value)| nameless(&answer(said, std::slice::from_ref(part), index == last));
    parts.iter().enumerate().map(chunk).collect()
}

pub(super) fn whole(said: &Said) -> Value {
    answer(said, &parts(said), true)
}

fn parts(said: &Said) -> Vec<Value> {
    let mut parts = Vec::new();
    for stretch in said.stretches() {
        match stretch {
            Stretch::Thought(thought) => parts.push(json!({"text": thought, "thought": true})),
            Stretch::Text(pieces) => parts.extend(pieces.iter().map(|piece| json!({"text": piece}))),
            Stretch::Call(call) => {
                let mut part = json!({"functionCall": {"name": call.name, "args": call.arguments}});
                if said.calls.first() == Some(call) {
                    part["thoughtSignature"] = json!("c2ltdWxhdGVk");
                }
                parts.push(part);
            }
        }
    }
    parts
}

fn answer(said: &Said, parts: &[Value], last: bool) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if last {
        candidate["finishReason"] = json!(if said.cut { "MAX_TOKENS" } else { "STOP" });
    }
    let Usage { prompt, cached, output } = said.usage;
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "cachedContentTokenCount": cached,
            "candidatesTokenCount": output,
            "totalTokenCount": prompt + output
        },
        "modelVersion": said.model,
        "responseId": said.id
    })
}

pub(super) fn hear(body: &[u8]) -> Heard {
    let mut heard = Heard::default();
    sse::events(body).iter().for_each(|event| take(&event.json(), &mut heard));
    heard
}

pub(super) fn hear_whole(body: &Value) -> Heard {
    let mut heard = Heard::default();
    take(body, &mut heard);
    heard
}

fn take(data: &Value, heard: &mut Heard) {
    if data["error"].is_object() {
        heard.errors += 1;
        return;
    }
    let candidate = &data["candidates"][0];
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        let call = &part["functionCall"];
        if call.is_object() {
            heard.begin(
                0,
                What::Call { id: String::new(), name: text(call, "name").to_owned() },
                &call["args"].to_string(),
            );
            heard.end_all();
        } else {
            let what = if part["thought"] == true { What::Thought } else { What::Text };
            heard.add(0, what, text(part, "text"));
        }
    }
    let calls = heard.begun().count() > 0;
    heard.stopped = match text(candidate, "finishReason") {
        "STOP" if calls => Some(Stopped::ForCalls),
        "STOP" => Some(Stopped::Itself),
        "MAX_TOKENS" => Some(Stopped::AtLimit),
        _ => heard.stopped,
    };
    if heard.stopped.is_some() {
        heard.end_all();
        heard.ends = 1;
    }
}

pub(super) fn read(path: &str, body: &Value) -> Option<Question> {
    let (model, method) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
    // A count is of a request within it, or of its contents.
    let asked = if body["generateContentRequest"].is_object() { &body["generateContentRequest"] } else { body };
    let parts = |content: &Value| super::texts(&content["parts"], "text").concat();
    let functions = asked["tools"].as_array().into_iter().flatten();
    Some(Question {
        model: model.to_owned(),
        words: asked["contents"].as_array()?.iter().map(parts).collect(),
        tools: functions.flat_map(|tool| super::texts(&tool["functionDeclarations"], "name")).collect(),
        stream: method == "streamGenerateContent?alt=sse",
        counts: true,
    })
}
