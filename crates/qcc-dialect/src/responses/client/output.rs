//! Items of an answer and the answer around them, as clients of this dialect read them: every member that the SDKs call
//! required is there, also where there is nothing to say.

use serde::Serialize;
use serde_json::{Value, json};

use super::{thoughts, tools};
use crate::canon::{ClientTool, StopReason, Thought, Usage};

/// What an answer is about.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    /// Seconds since the Unix epoch.
    pub(super) created: u64,
}

impl Head {
    /// The id of an item, of the answer's own and its place.
    pub(super) fn item(&self, kind: &str, index: usize) -> String {
        let id = self.id.strip_prefix("resp_").unwrap_or(&self.id);
        format!("{kind}_{id}_{index}")
    }
}

/// How far an answer is.
pub(super) enum Stage<'a> {
    InProgress,
    Ended(&'a StopReason),
    Failed { code: &'a str, message: &'a str },
}

/// The answer as a whole.
#[derive(Serialize)]
pub(super) struct Response<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<Value>,
    incomplete_details: Option<Value>,
    instructions: Option<&'a str>,
    max_output_tokens: Option<u64>,
    metadata: Value,
    model: &'a str,
    output: &'a [Value],
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a str>,
    store: bool,
    temperature: Option<f64>,
    text: Value,
    tool_choice: &'static str,
    tools: [Value; 0],
    top_p: Option<f64>,
    truncation: &'static str,
    usage: Option<Value>,
    user: Option<&'a str>,
}

impl<'a> Response<'a> {
    pub(super) fn new(head: &'a Head, stage: &Stage<'_>, output: &'a [Value], usage: Usage) -> Self {
        let cut = match stage {
            Stage::Ended(reason) => incomplete(reason),
            Stage::InProgress | Stage::Failed { .. } => None,
        };
        let status = match stage {
            Stage::InProgress => "in_progress",
            Stage::Ended(_) if cut.is_some() => "incomplete",
            Stage::Ended(_) => "completed",
            Stage::Failed { .. } => "failed",
        };
        let error = match stage {
            Stage::Failed { code, message } => Some(json!({"code": code, "message": message})),
            Stage::InProgress | Stage::Ended(_) => None,
        };
        Self {
            id: &head.id,
            object: "response",
            created_at: head.created,
            status,
            background: false,
            error,
            incomplete_details: cut.map(|reason| json!({"reason": reason})),
            instructions: None,
            max_output_tokens: None,
            metadata: json!({}),
            model: &head.model,
            output,
            parallel_tool_calls: true,
            previous_response_id: None,
            store: false,
            temperature: None,
            text: json!({"format": {"type": "text"}}),
            tool_choice: "auto",
            tools: [],
            top_p: None,
            truncation: "disabled",
            usage: (!matches!(stage, Stage::InProgress)).then(|| self::usage(usage)),
            user: None,
        }
    }
}

/// Why an answer is not complete, in this dialect's words. `None`: it is.
pub(super) fn incomplete(reason: &StopReason) -> Option<&str> {
    match reason {
        StopReason::MaxTokens | StopReason::ContextExceeded => Some("max_output_tokens"),
        StopReason::Refusal => Some("content_filter"),
        StopReason::Other(word) if matches!(word.as_str(), "max_messages" | "steered") => Some(word),
        StopReason::EndTurn
        | StopReason::StopSequence
        | StopReason::ToolUse
        | StopReason::PauseTurn
        | StopReason::Other(_) => None,
    }
}

/// The prompt's count includes what the cache served and stored.
fn usage(usage: Usage) -> Value {
    let (read, write) = (usage.cache_read.unwrap_or_default(), usage.cache_write.unwrap_or_default());
    let input = usage.input.unwrap_or_default().saturating_add(read).saturating_add(write);
    let output = usage.output.unwrap_or_default();
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.thinking.unwrap_or_default()},
        "total_tokens": input.saturating_add(output),
    })
}

/// A text within a message.
pub(super) fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// A message. `None`: it has just begun.
pub(super) fn message(id: &str, text: Option<&str>) -> Value {
    let content: Vec<Value> = text.map(text_part).into_iter().collect();
    json!({"id": id, "type": "message", "status": status(text.is_some()), "role": "assistant", "content": content})
}

fn status(done: bool) -> &'static str {
    if done { "completed" } else { "in_progress" }
}

/// A thought as its summary, and with it what its vendor wants back.
pub(super) fn reasoning(id: &str, thought: &Thought) -> Value {
    let mut summary = Vec::new();
    if !thought.text.is_empty() {
        summary.push(json!({"type": "summary_text", "text": thought.text}));
    }
    json!({"id": id, "type": "reasoning", "summary": summary, "encrypted_content": thoughts::sealed(thought)})
}

/// A thought that only its vendor can read.
pub(super) fn redacted(id: &str, data: &str) -> Value {
    json!({"id": id, "type": "reasoning", "summary": [], "encrypted_content": thoughts::redacted(data)})
}

/// What the id of a call begins with: OpenAI refuses items of a conversation whose ids begin otherwise.
pub(super) fn item_prefix(tool: Option<&ClientTool>) -> &'static str {
    if tool.is_some_and(|tool| tool.plain) { "ctc" } else { "fc" }
}

/// A call.
pub(super) struct Call<'a> {
    pub(super) id: &'a str,
    pub(super) call_id: &'a str,
    pub(super) name: &'a str,
    /// How the client knows the tool.
    pub(super) tool: Option<&'a ClientTool>,
}

impl Call<'_> {
    /// Whether the client's tool takes a text.
    pub(super) fn is_plain(&self) -> bool {
        self.tool.is_some_and(|tool| tool.plain)
    }

    /// The item. `None`: it has just begun. Input that is no whole object was cut: a client must not run that.
    pub(super) fn item(&self, input: Option<&str>) -> Value {
        let name = self.tool.map_or(self.name, |tool| &tool.own);
        let whole = input.is_none_or(is_object);
        let mut item = if self.is_plain() {
            let input = input.map(plain_input).unwrap_or_default();
            json!({"id": self.id, "type": "custom_tool_call", "call_id": self.call_id, "name": name, "input": input})
        } else {
            let arguments = input.unwrap_or_default();
            json!({"id": self.id, "type": "function_call", "call_id": self.call_id, "name": name, "arguments": arguments})
        };
        item["status"] = json!(if whole { status(input.is_some()) } else { "incomplete" });
        if let Some(group) = self.tool.and_then(|tool| tool.group.as_deref()) {
            item["namespace"] = json!(group);
        }
        item
    }
}

fn is_object(input: &str) -> bool {
    input.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(input).is_ok()
}

/// The text that the object stands for; where the model wrote something else, that.
pub(super) fn plain_input(input: &str) -> String {
    let object: Option<Value> = serde_json::from_str(input).ok();
    let text = object.as_ref().and_then(|object| object.get(tools::INPUT)?.as_str());
    text.unwrap_or(input).to_owned()
}
