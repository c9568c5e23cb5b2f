//! Decides what an error of a provider says, however deep a relay has wrapped it.
//!
//! The status alone is not enough: a spent budget comes as 400, 403 or 429, an overload inside a 200, and
//! relays put the true error as a string of JSON into the message of their own. So type, code and message are
//! taken from the innermost error, two wrappings down at most. What they mean is `topic`'s.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::wait::{self, regain_at};

mod google;
pub(crate) mod topic;

pub use topic::Topic;

/// Longest message that is kept, in characters.
pub const MAX_MESSAGE: usize = 500;

/// How many objects are opened on the way inwards: an envelope and its error, for the provider's own error
/// and for two more that relays have wrapped.
const LEVELS: usize = 6;

/// How much of a body that is not JSON is read as text, in bytes.
const MAX_TEXT: usize = 4096;

/// What an error says, from status and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorFacts {
    /// The HTTP status, or for an error within a 200 the one that its type stands for. Where vendors use one that blames
    /// somebody else, the one that it ought to be: 401 for a refused key under 400, 400 for a flagged prompt under 403, 502
    /// for what the model wrote wrongly under 400.
    pub status: u16,
    /// `error.type`, or Google's `error.status`, of the innermost error that has one.
    pub kind: Option<String>,
    /// `error.details.error_code`, a `reason` among Google's details, else `error.code`: the discriminator that is meant for
    /// machines.
    pub code: Option<String>,
    /// The text, at most [`MAX_MESSAGE`] characters; empty where there is none.
    pub message: String,
    /// What the error is about.
    pub topic: Topic,
    /// Whether the body was a web page.
    pub html: bool,
    /// When a spent quota returns, as the body says, since the Unix epoch.
    pub regain_at: Option<Duration>,
    /// How long the body asks to be left alone, at most a year. Headers that say something else are newer.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for ErrorFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        for word in [&self.kind, &self.code].into_iter().flatten() {
            write!(f, " {word}")?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl ErrorFacts {
    /// Reads an answer with an error status. Any body will do, none too.
    #[must_use]
    pub fn from_response(status: u16, body: &[u8]) -> Self {
        Self::conclude(Some(status), body)
    }

    /// Reads an error that came within a 200: an `error` event's data, or an error object as the body.
    #[must_use]
    pub fn in_band(body: &[u8]) -> Self {
        Self::conclude(None, body)
    }

    /// An error that a decoder has read already.
    #[must_use]
    pub fn stated(status: u16, kind: String, message: String) -> Self {
        let (google, words) = (google::Details::default(), [Some(kind.as_str()), None]);
        let retry_after = google.wait(words, &message).or_else(|| wait_of(status, &message));
        let told = google.topic(words, &message);
        let topic = told.unwrap_or_else(|| topic::of(status, None, Some(&kind), &message));
        let regain_at = if topic == Topic::Quota { regain_at(&message) } else { None };
        Self { status, kind: Some(kind), code: None, message, topic, html: false, regain_at, retry_after }
    }

    fn conclude(status: Option<u16>, body: &[u8]) -> Self {
        let html = looks_like_html(body);
        let mut raw = Raw::default();
        match serde_json::from_slice::<Value>(body.trim_ascii()) {
            Ok(value) => raw.read(&value, 0),
            Err(_) if html => raw.message = "a web page instead of an API answer".to_owned(),
            Err(_) => {
                let text = body.trim_ascii();
                raw.message = String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT)]).into_owned();
            }
        }
        let Raw { kind, code, message, google, flagged, reset } = raw;
        let words = [kind.as_deref(), code.as_deref()];
        let told = google.topic(words, &message);
        let meant = google.status().or_else(|| meant(status, words, flagged));
        let retry_after = google.wait(words, &message);
        let code = google.reason().map(str::to_owned).or(code);
        let status = meant.or(status).unwrap_or_else(|| equivalent(kind.as_deref(), code.as_deref()));
        let retry_after = retry_after.or_else(|| wait_of(status, &message));
        let topic = told.unwrap_or_else(|| topic::of(status, code.as_deref(), kind.as_deref(), &message));
        let regain_at = if topic == Topic::Quota { regain_at(&message) } else { None }.or(reset);
        let message = message.chars().take(MAX_MESSAGE).collect();
        Self { status, kind, code, message, topic, html, regain_at, retry_after }
    }
}

/// Codes of Groq's for what the model wrote: no call of a tool, or not the JSON that was asked for. The same request may
/// well succeed a moment later.
const WRITTEN_WRONGLY: [&str; 2] = ["tool_use_failed", "json_validate_failed"];

/// The status that an error ought to have, where vendors use one that blames somebody else. `flagged`: a filter has refused
/// the prompt, which says nothing of the credential that it came with.
fn meant(status: Option<u16>, words: [Option<&str>; 2], flagged: bool) -> Option<u16> {
    let says = |word: &str| words.contains(&Some(word));
    match status {
        None | Some(400) if WRITTEN_WRONGLY.into_iter().any(says) => Some(502),
        None | Some(403) if flagged || says("content_policy_violation") => Some(400),
        _ => None,
    }
}

/// How long a throttle lasts by its text: relays pass on that alone.
fn wait_of(status: u16, message: &str) -> Option<Duration> {
    if status == 429 { wait::in_words(message) } else { None }
}

/// The HTTP status that an in-band error stands for: by its type, else by a code that is a status.
fn equivalent(kind: Option<&str>, code: Option<&str>) -> u16 {
    let known = [kind, code].into_iter().flatten().find_map(status_of);
    known.or_else(|| code?.parse().ok().filter(|code| (400..600).contains(code))).unwrap_or(500)
}

/// The status of a type or code. Types are Anthropic's, then those of OpenAI and OpenRouter, then Google's.
fn status_of(word: &str) -> Option<u16> {
    Some(match word {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        "api_error" => 500,
        "invalid_request" | "invalid_prompt" | "context_length_exceeded" | "content_policy_violation" => 400,
        "invalid_api_key" | "authentication" => 401,
        "payment_required" => 402,
        "permission_denied" => 403,
        "not_found" | "model_not_found" => 404,
        "payload_too_large" => 413,
        "unprocessable" => 422,
        "rate_limit_exceeded" | "slow_down" | "insufficient_quota" => 429,
        "server_error" | "server" => 500,
        "provider_unavailable" => 502,
        "service_unavailable_error" | "server_is_overloaded" | "provider_overloaded" => 503,
        "timeout" => 504,
        word => return google::status_of(word),
    })
}

/// What is gathered on the way inwards; inner words replace outer ones.
#[derive(Default)]
struct Raw {
    kind: Option<String>,
    code: Option<String>,
    message: String,
    google: google::Details,
    /// Whether a filter has refused the prompt.
    flagged: bool,
    /// When a limit that is reached is lifted, since the Unix epoch.
    reset: Option<Duration>,
}

impl Raw {
    /// Reads `{"error": {...}}`, `{"error": "text"}`, `{"message"|"msg"|"detail": ...}`, a string, or an
    /// array that holds one of them.
    fn read(&mut self, value: &Value, level: usize) {
        if level >= LEVELS {
            return;
        }
        match value {
            Value::String(message) => self.message(message, level),
            Value::Array(items) => {
                if let Some(first) = items.first() {
                    self.read(first, level);
                }
            }
            Value::Object(_) => self.object(value, level),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn object(&mut self, value: &Value, level: usize) {
        // The envelope of an Anthropic error is itself typed "error"; that says nothing.
        if let Some(kind) = text(value, "type").filter(|&kind| kind != "error") {
            self.kind = Some(kind.to_owned());
        }
        if let Some(word) = text(value, "status").filter(|word| google::is_status_word(word)) {
            self.kind = Some(word.to_owned());
        }
        if let Some(Value::Array(details)) = value.get("details") {
            self.google.read(details);
        }
        let detailed = value.get("details").and_then(|details| details.get("error_code"));
        if let Some(code) = detailed.or_else(|| value.get("code")).and_then(word) {
            self.code = Some(code);
        }
        for member in ["message", "msg", "detail"] {
            if let Some(message) = text(value, member) {
                self.message(message, level);
                break;
            }
        }
        // FastAPI lists what is wrong with each member, and Mistral puts that list where others have a text.
        for member in ["detail", "message"] {
            if let Some(list @ (Value::Array(_) | Value::Object(_))) = value.get(member) {
                self.read(list, level + 1);
            }
        }
        if let Some(metadata) = value.get("metadata") {
            self.metadata(metadata, level);
        }
        for member in ["error", "upstream_error"] {
            if let Some(inner) = value.get(member) {
                self.read(inner, level + 1);
            }
        }
    }

    /// OpenRouter's word for what happened, which limit is reached until when, and what the vendor behind it said.
    fn metadata(&mut self, metadata: &Value, level: usize) {
        self.flagged |= metadata.get("flagged_input").is_some();
        if let Some(Value::Object(headers)) = metadata.get("headers") {
            let header = |name: &str| headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?.1.as_str();
            self.reset = wait::plain_reset(&header).or(self.reset);
        }
        if let Some(kind) = text(metadata, "error_type") {
            self.kind = Some(kind.to_owned());
        }
        match metadata.get("raw") {
            Some(Value::String(said)) => self.message(said, level),
            Some(said @ Value::Object(_)) => self.read(said, level + 1),
            _ => {}
        }
    }

    /// Takes a text, and opens it where a relay has put JSON into it.
    fn message(&mut self, message: &str, level: usize) {
        if message.is_empty() {
            return;
        }
        message.clone_into(&mut self.message);
        let inside = message.find('{').zip(message.rfind('}')).and_then(|(start, end)| message.get(start..=end));
        if let Some(inside) = inside
            && let Ok(value @ Value::Object(_)) = serde_json::from_str(inside)
        {
            self.read(&value, level + 1);
        }
    }
}

/// A string member, if it is there and is a string.
fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

/// A code as text: relays send numbers too.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(code) if !code.is_empty() => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    }
}

/// Whether a body is a web page: login forms, firewalls and gateways on the way answer with one.
#[must_use]
pub fn looks_like_html(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    if body.first() != Some(&b'<') {
        return false;
    }
    let head = body[..body.len().min(1024)].to_ascii_lowercase();
    ["<!doctype html", "<html", "<head", "<title", "<body", "<script", "<center"]
        .iter()
        .any(|tag| memchr::memmem::find(&head, tag.as_bytes()).is_some())
}
