//! Checks that a stream is one that clients of Chat Completions take: every rule of its streams, strictly, as far as one
//! can see from outside. Every stream that is written in tests goes through it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sse::{Splitter, fields};

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With `[DONE]`.
    Whole,
    /// With an error.
    Error,
    /// Somewhere.
    Cut,
}

/// Checks whole events one after the other, from the first on. `counts`: whether the client asked for counts.
pub(crate) fn check(stream: &[u8], counts: bool) -> Result<End, String> {
    let mut splitter = Splitter::new();
    let batch = splitter.push(Bytes::copy_from_slice(stream));
    if !splitter.finish().is_empty() {
        return Err("half an event at the end".to_owned());
    }
    let mut grammar = Grammar { counts, ..Grammar::default() };
    // Comments are no events.
    for (at, event) in batch.events().filter(|event| event[0] != b':').enumerate() {
        grammar.event(event).map_err(|why| format!("event {at}: {why}\n{}", String::from_utf8_lossy(event)))?;
    }
    Ok(grammar.end.unwrap_or(End::Cut))
}

#[derive(Default)]
struct Grammar {
    counts: bool,
    /// `id`, `created` and `model` of the first chunk.
    head: Option<[Value; 3]>,
    began: bool,
    /// Ids of calls, and the input of each.
    calls: Vec<(String, String)>,
    reason: Option<String>,
    counted: bool,
    end: Option<End>,
}

type Checked = Result<(), String>;

fn need(holds: bool, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(why.to_owned()) }
}

/// Whether an object has these members and no others.
fn has_only(value: &Value, members: &[&str]) -> bool {
    value.as_object().is_some_and(|object| object.keys().all(|name| members.contains(&name.as_str())))
}

impl Grammar {
    fn event(&mut self, event: &[u8]) -> Checked {
        let fields = fields(event);
        need(event.ends_with(b"\n\n") && !fields.stray && fields.event.is_none(), "not one frame without a name")?;
        need(self.end.is_none(), "something follows the end")?;
        if *fields.data == *b"[DONE]" {
            self.end = Some(End::Whole);
            need(self.reason.is_some(), "an end without a reason")?;
            return need(self.counted == self.counts, "counts are missing, or were not asked for");
        }
        let data: Value = serde_json::from_slice(&fields.data).map_err(|cause| cause.to_string())?;
        if let Some(error) = data.get("error") {
            self.end = Some(End::Error);
            let told = error["message"].is_string() && error["type"].is_string() && error.get("param").is_some();
            return need(told && error.get("code").is_some(), "no error of this dialect");
        }
        self.chunk(&data)
    }

    fn chunk(&mut self, data: &Value) -> Checked {
        need(data["object"] == "chat.completion.chunk", "no chunk")?;
        let head = ["id", "created", "model"].map(|name| data[name].clone());
        need(head[0].is_string() && head[1].is_u64() && head[2].is_string(), "no id, time or model")?;
        need(*self.head.get_or_insert_with(|| head.clone()) == head, "another id, time or model")?;
        let choices = data["choices"].as_array().ok_or("no choices")?;
        let usage = data.get("usage");
        let [choice] = choices.as_slice() else {
            need(choices.is_empty() && self.reason.is_some(), "counts before the reason, or several answers")?;
            need(self.counts && !std::mem::replace(&mut self.counted, true), "counts twice, or not asked for")?;
            return counts(usage.unwrap_or(&Value::Null));
        };
        need(usage.is_some() == self.counts && usage.is_none_or(Value::is_null), "counts beside an answer")?;
        need(choice["index"] == 0 && self.reason.is_none(), "another answer, or after its end")?;
        let delta = &choice["delta"];
        need(has_only(delta, &["role", "content", "reasoning_content", "refusal", "tool_calls"]), "a strange delta")?;
        let begins = delta["role"] == "assistant";
        need(begins != std::mem::replace(&mut self.began, true), "the role is not told once and first")?;
        need(delta.get("role").is_none() || begins, "a role that is not the assistant's")?;
        for name in ["content", "reasoning_content", "refusal"] {
            need(delta.get(name).is_none_or(Value::is_string), "a text is none")?;
        }
        if let Some(calls) = delta.get("tool_calls") {
            calls.as_array().ok_or("no list of calls")?.iter().try_for_each(|call| self.call(call))?;
        }
        match choice.get("finish_reason") {
            Some(Value::Null) => Ok(()),
            Some(Value::String(reason)) => self.finish(reason),
            _ => Err("no member for the reason".to_owned()),
        }
    }

    fn call(&mut self, call: &Value) -> Checked {
        let index = call["index"].as_u64().and_then(|index| usize::try_from(index).ok()).ok_or("no index")?;
        let arguments = call["function"]["arguments"].as_str().ok_or("no input")?;
        if index == self.calls.len() {
            let id = call["id"].as_str().unwrap_or_default().to_owned();
            need(!id.is_empty() && self.calls.iter().all(|(other, _)| *other != id), "no id, or one twice")?;
            need(call["type"] == "function", "no kind of call")?;
            need(call["function"]["name"].as_str().is_some_and(|name| !name.is_empty()), "no name")?;
            self.calls.push((id, String::new()));
        } else {
            need(index + 1 == self.calls.len(), "the index jumps")?;
            need(has_only(call, &["index", "function"]), "a call that goes on has a beginning")?;
        }
        self.calls[index].1.push_str(arguments);
        Ok(())
    }

    fn finish(&mut self, reason: &str) -> Checked {
        self.reason = Some(reason.to_owned());
        let objects = self.calls.iter().all(|(_, input)| {
            serde_json::from_str::<Value>(input).is_ok_and(|input| input.is_object()) || input.contains("\\ud83d")
        });
        match reason {
            "stop" => need(self.calls.is_empty(), "there are calls and none is announced"),
            "tool_calls" => {
                need(!self.calls.is_empty(), "calls are announced and there are none")?;
                need(objects, "the input of a call is no object")
            }
            "length" | "content_filter" => Ok(()),
            _ => Err("a reason that clients do not know".to_owned()),
        }
    }
}

fn counts(usage: &Value) -> Checked {
    let count = |name: &str| usage[name].as_u64().ok_or_else(|| format!("no {name}"));
    let all = count("prompt_tokens")?.saturating_add(count("completion_tokens")?);
    need(all == count("total_tokens")?, "the sum is wrong")
}

#[test]
fn streams_outside_the_grammar_are_found() {
    let chunk = |choices: Value, usage: Value| {
        let head = json!({"id": "c", "object": "chat.completion.chunk", "created": 7, "model": "m"});
        let mut chunk = head;
        chunk["choices"] = choices;
        chunk["usage"] = usage;
        format!("data: {chunk}\n\n")
    };
    let says = |delta: Value, reason: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": reason}]), Value::Null)
    };
    let call = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "t", "arguments": ""}});
    let frames = [
        says(json!({"role": "assistant", "content": ""}), Value::Null),
        says(json!({"content": "Hi"}), Value::Null),
        says(json!({"tool_calls": [call]}), Value::Null),
        says(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}), Value::Null),
        says(json!({}), json!("tool_calls")),
        chunk(json!([]), json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3})),
        "data: [DONE]\n\n".to_owned(),
    ];
    let whole = frames.concat();
    assert_eq!(check(whole.as_bytes(), true), Ok(End::Whole));
    assert_eq!(check(frames[..6].concat().as_bytes(), true), Ok(End::Cut));
    let error = "data: {\"error\":{\"message\":\"x\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n";
    assert_eq!(check([&frames[0], error].concat().as_bytes(), true), Ok(End::Error));
    assert!(check(whole.as_bytes(), false).is_err());
    for left_out in 0..frames.len() {
        let rest: String = (0..frames.len()).filter(|at| *at != left_out).map(|at| &*frames[at]).collect();
        // Without a text or the mark it is still a stream.
        assert_eq!(check(rest.as_bytes(), true).is_ok(), [1, 6].contains(&left_out), "{rest}");
        let twice: String =
            (0..frames.len()).flat_map(|at| vec![&*frames[at]; 1 + usize::from(at == left_out)]).collect();
        assert_eq!(check(twice.as_bytes(), true).is_ok(), left_out == 1, "{twice}");
    }
    for (right, wrong) in [
        ("\"index\":0", "\"index\":1"),
        ("\"id\":\"a\"", "\"id\":\"\""),
        ("\"tool_calls\"}", "\"stop\"}"),
        ("\"tool_calls\"}", "\"end_turn\"}"),
        ("\"{}\"", "\"{\""),
        ("\"total_tokens\":3", "\"total_tokens\":4"),
        ("\"content\":\"Hi\"", "\"text\":\"Hi\""),
        ("\"finish_reason\":null", "\"finish\":null"),
        ("data: {\"id\":\"c\"", "event: x\ndata: {\"id\":\"c\""),
        ("\"usage\":null", "\"usage\":{}"),
        ("[DONE]", "[DONE]\n\ndata: [DONE]"),
    ] {
        assert!(whole.contains(right), "{right}");
        assert!(check(whole.replace(right, wrong).as_bytes(), true).is_err(), "{wrong}");
    }
}
