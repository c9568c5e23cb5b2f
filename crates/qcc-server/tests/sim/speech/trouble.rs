//! How providers say that something is wrong, each in its dialect, and whom that blames.

use bytes::Bytes;
use qcc_testkit::replies::{error_body, event};
use serde_json::{Value, json};

use super::{Dialect, nameless};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The request, under this status.
    Request(u16),
    /// The credential.
    Credential,
    /// The account has no money or quota left.
    Money,
    /// The account may not do this.
    Permission,
    /// There is no such model.
    Missing,
    /// Too many requests; it says how many seconds to wait, or not.
    Throttled(Option<u64>),
    /// The provider has too much to do.
    Overloaded,
    /// The provider, under this status.
    Fault(u16),
}

impl Trouble {
    /// Whom the rows have to blame.
    pub(crate) fn blame(self) -> &'static str {
        match self {
            Self::Request(400 | 413 | 422) => "request",
            Self::Credential => "credential",
            Self::Money => "quota",
            Self::Permission => "permission",
            Self::Missing => "model",
            Self::Throttled(_) => "load",
            Self::Request(_) | Self::Overloaded | Self::Fault(_) => "provider",
        }
    }
}

impl Dialect {
    /// The status under which it is refused.
    pub(crate) fn status(self, trouble: Trouble) -> u16 {
        match (trouble, self) {
            (Trouble::Request(status) | Trouble::Fault(status), _) => status,
            // Google calls a wrong key an invalid argument.
            (Trouble::Credential, Self::Gemini) => 400,
            (Trouble::Credential, _) => 401,
            (Trouble::Money, Self::Anthropic) => 402,
            (Trouble::Permission, _) => 403,
            (Trouble::Missing, _) => 404,
            // Everybody but Anthropic says so of an empty account too.
            (Trouble::Throttled(_) | Trouble::Money, _) => 429,
            (Trouble::Overloaded, Self::Anthropic) => 529,
            (Trouble::Overloaded, _) => 503,
        }
    }

    /// The body of a refusal.
    pub(crate) fn refusal(self, trouble: Trouble, text: &str) -> Value {
        match self {
            Self::Anthropic => error_body(anthropic(trouble), text),
            Self::Openai | Self::Responses => json!({"error": openai(trouble, text)}),
            Self::Gemini => json!({"error": self.gemini(trouble, text)}),
        }
    }

    /// An error within a stream. `ends`: in that form of the dialect which is the end of a stream, if it has one.
    pub(crate) fn error(self, trouble: Trouble, text: &str, ends: bool) -> Bytes {
        match self {
            Self::Anthropic => event("error", &self.refusal(trouble, text)),
            Self::Openai | Self::Gemini => nameless(&self.refusal(trouble, text)),
            Self::Responses if ends => {
                let error = json!({"code": code(trouble), "message": text});
                let response = json!({"id": "resp_failed", "object": "response", "status": "failed", "error": error, "output": []});
                event(
                    "response.failed",
                    &json!({"type": "response.failed", "sequence_number": 9, "response": response}),
                )
            }
            Self::Responses => {
                let mut error = openai(trouble, text);
                error["type"] = "error".into();
                event("error", &error)
            }
        }
    }

    fn gemini(self, trouble: Trouble, text: &str) -> Value {
        let details = match trouble {
            Trouble::Credential => {
                json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}])
            }
            Trouble::Money => exhausted("GenerateRequestsPerDayPerProject", None),
            Trouble::Throttled(wait) => exhausted("GenerateRequestsPerMinutePerProject", wait),
            _ => json!([]),
        };
        json!({"code": self.status(trouble), "message": text, "status": google(trouble), "details": details})
    }

    /// Whether a body is an error in the shape of this dialect.
    pub(crate) fn is_error(self, body: &[u8]) -> bool {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        match self {
            Self::Anthropic => body["type"] == "error" && body["error"]["type"].is_string(),
            Self::Openai | Self::Responses | Self::Gemini => body["error"]["message"].is_string(),
        }
    }
}

fn anthropic(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Request(_) => "invalid_request_error",
        Trouble::Credential => "authentication_error",
        Trouble::Money => "billing_error",
        Trouble::Permission => "permission_error",
        Trouble::Missing => "not_found_error",
        Trouble::Throttled(_) => "rate_limit_error",
        Trouble::Overloaded => "overloaded_error",
        Trouble::Fault(504) => "timeout_error",
        Trouble::Fault(_) => "api_error",
    }
}

fn openai(trouble: Trouble, text: &str) -> Value {
    let kind = match trouble {
        Trouble::Request(_) | Trouble::Credential | Trouble::Missing => "invalid_request_error",
        Trouble::Money => "insufficient_quota",
        Trouble::Permission => "permission_error",
        Trouble::Throttled(_) => "requests",
        Trouble::Overloaded | Trouble::Fault(_) => "server_error",
    };
    json!({"message": text, "type": kind, "param": null, "code": code(trouble)})
}

fn code(trouble: Trouble) -> Option<&'static str> {
    match trouble {
        Trouble::Request(_) | Trouble::Permission => None,
        Trouble::Fault(_) => Some("server_error"),
        Trouble::Credential => Some("invalid_api_key"),
        Trouble::Money => Some("insufficient_quota"),
        Trouble::Missing => Some("model_not_found"),
        Trouble::Throttled(_) => Some("rate_limit_exceeded"),
        Trouble::Overloaded => Some("server_is_overloaded"),
    }
}

fn google(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Request(_) | Trouble::Credential => "INVALID_ARGUMENT",
        Trouble::Money | Trouble::Throttled(_) => "RESOURCE_EXHAUSTED",
        Trouble::Permission => "PERMISSION_DENIED",
        Trouble::Missing => "NOT_FOUND",
        Trouble::Overloaded | Trouble::Fault(503) => "UNAVAILABLE",
        Trouble::Fault(504) => "DEADLINE_EXCEEDED",
        Trouble::Fault(_) => "INTERNAL",
    }
}

fn exhausted(quota: &str, wait: Option<u64>) -> Value {
    let violation = json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]});
    match wait {
        Some(seconds) => {
            let retry =
                json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")});
            json!([violation, retry])
        }
        None => json!([violation]),
    }
}
