//! An error that a provider tells under status 200 is judged by what the provider meant, whether the answer was to be a
//! stream or one piece, and whether the client's dialect has a word for its status or not.

use qcc_testkit::replies::{Framing, chunk, json_body, stream_head};
use qcc_testkit::{Reply, Request, Upstream};
use serde_json::{Value, json};

use crate::support::Running;

/// Where each client asks.
const CLIENTS: [&str; 3] = ["/v1/messages", "/v1/chat/completions", "/v1/responses"];

fn asking(path: &str, stream: bool) -> Request {
    let body = match path {
        "/v1/responses" => json!({"model": "m", "stream": stream, "store": false, "input": "Hi"}),
        _ => {
            json!({"model": "m", "stream": stream, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]})
        }
    };
    Request::post_json(path, &body)
}

/// Google's errors, whose words the dialects of clients do not all have.
fn error(code: u16, status: &str) -> Value {
    json!({"error": {"code": code, "message": "it went wrong", "status": status}})
}

fn told(stream: bool, error: &Value) -> Reply {
    if !stream {
        return json_body(200, &[], error);
    }
    let data = format!("data: {error}\r\n\r\n");
    Reply::new().write(stream_head(Framing::Chunked)).write(chunk(data.as_bytes())).write(chunk(b""))
}

async fn gateway(upstream: &Upstream) -> Running {
    let address = upstream.url();
    Running::start(&format!(
        "retry: {{same_provider: 0}}\nproviders:\n  - {{name: one, type: gemini, base_url: '{address}', auth_value: k}}\n"
    ))
    .await
}

/// Case 46: a cancellation (499) and a conflict (409) are not what `invalid_request_error` would make of them.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_a_stream_is_judged_as_the_provider_means_it() {
    let table = [
        (499, "CANCELLED", 503, "an error under status 200: 499 CANCELLED"),
        (409, "ABORTED", 503, "an error under status 200: 409 ABORTED"),
        (503, "UNAVAILABLE", 503, "an error under status 200: 503 UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED", 503, "an error under status 200: 504 DEADLINE_EXCEEDED"),
        (429, "RESOURCE_EXHAUSTED", 429, "throttled"),
        (400, "INVALID_ARGUMENT", 400, "it went wrong"),
    ];
    for (code, word, expected, says) in table {
        for client in CLIENTS {
            for stream in [true, false] {
                let upstream = Upstream::start(told(stream, &error(code, word))).await.unwrap();
                let running = gateway(&upstream).await;
                let answer = running.ask(&asking(client, stream)).await;
                let what = format!("{word} at {client}, stream {stream}: {}", answer.text());
                assert_eq!(answer.status, expected, "{what}");
                assert!(answer.json()["error"]["message"].as_str().unwrap().contains(says), "{what}");
            }
        }
    }
}
