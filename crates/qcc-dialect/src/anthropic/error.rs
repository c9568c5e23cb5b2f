//! How an error of ours looks in this dialect.

use bytes::Bytes;
use serde_json::json;

/// An error in this dialect's shape. Give it `kind` words of Anthropic's own list (`api_error`,
/// `rate_limit_error`, ...); `overloaded_error` would cost Claude Code most of its retries.
#[must_use]
pub fn error_body(kind: &str, message: &str, request_id: &str) -> Bytes {
    let error = json!({
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": request_id,
    });
    error.to_string().into()
}
