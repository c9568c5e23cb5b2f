//! Every client dialect on every provider dialect: a call of a tool streamed and in one piece, an answer cut off, an error.
//! What the bytes are in detail is the dialects' own tests' business; here it is that the whole way holds for every pair.

use qcc_testkit::replies::{Framing, chunk, json_body, stream_head};
use qcc_testkit::{Answer, Ended, Reply, Request, Upstream};
use serde_json::{Value, json};

use crate::support::Running;

const CLIENTS: [&str; 3] = ["anthropic", "openai", "responses"];
const PROVIDERS: [&str; 4] = ["anthropic", "openai", "responses", "gemini"];

/// A client that asks with one tool.
fn asking(client: &str, stream: bool) -> Request {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let (path, body) = match client {
        "anthropic" => (
            "/v1/messages",
            json!({"max_tokens": 100, "messages": [{"role": "user", "content": "Weather?"}],
                "tools": [{"name": "get_weather", "description": "d", "input_schema": schema}]}),
        ),
        "openai" => (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "Weather?"}],
                "tools": [{"type": "function", "function": {"name": "get_weather", "description": "d", "parameters": schema}}]}),
        ),
        _ => (
            "/v1/responses",
            json!({"input": "Weather?", "store": false,
                "tools": [{"type": "function", "name": "get_weather", "description": "d", "parameters": schema, "strict": false}]}),
        ),
    };
    let mut body = body;
    body["model"] = json!("m");
    body["stream"] = json!(stream);
    Request::post_json(path, &body)
}

fn lines(named: bool, events: &[Value]) -> String {
    let name =
        |event: &Value| if named { format!("event: {}\n", event["type"].as_str().unwrap()) } else { String::new() };
    events.iter().map(|event| format!("{}data: {event}\n\n", name(event))).collect()
}

/// The events of a stream that says a word and calls the tool; without its last event it is cut.
fn stream(provider: &str) -> Vec<String> {
    match provider {
        "anthropic" => anthropic_stream(),
        "openai" => openai_stream(),
        "responses" => responses_stream(),
        _ => gemini_stream(),
    }
}

fn event(event: Value) -> String {
    lines(true, &[event])
}

fn data_only(event: Value) -> String {
    lines(false, &[event])
}

fn anthropic_stream() -> Vec<String> {
    vec![
        event(json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 9, "output_tokens": 1}}})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        event(
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Let me see."}}),
        ),
        event(json!({"type": "content_block_stop", "index": 0})),
        event(json!({"type": "content_block_start", "index": 1,
                "content_block": {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}})),
        event(json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "{\"city\":"}})),
        event(json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "\"Ulm\"}"}})),
        event(json!({"type": "content_block_stop", "index": 1})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})),
        event(json!({"type": "message_stop"})),
    ]
}

fn openai_stream() -> Vec<String> {
    let choice = |delta: Value, reason: Value| {
        data_only(json!({"id": "c", "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
    };
    let call = |id: Value, name: Value, arguments: &str| {
        json!({"tool_calls": [{"index": 0, "id": id, "type": "function",
                    "function": {"name": name, "arguments": arguments}}]})
    };
    vec![
        choice(json!({"role": "assistant", "content": "Let me see."}), Value::Null),
        choice(call(json!("call_1"), json!("get_weather"), ""), Value::Null),
        choice(call(Value::Null, Value::Null, "{\"city\":"), Value::Null),
        choice(call(Value::Null, Value::Null, "\"Ulm\"}"), Value::Null),
        choice(json!({}), json!("tool_calls"))
            + &data_only(json!({"id": "c", "model": "m", "choices": [],
                        "usage": {"prompt_tokens": 9, "completion_tokens": 5}}))
            + "data: [DONE]\n\n",
    ]
}

fn responses_stream() -> Vec<String> {
    let item = json!({"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather",
                "arguments": "{\"city\":\"Ulm\"}", "status": "completed"});
    let mut open = item.clone();
    open["arguments"] = json!("");
    vec![
        event(json!({"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress"}})),
        event(json!({"type": "response.output_item.added", "output_index": 0,
                    "item": {"type": "message", "id": "msg_1", "role": "assistant", "content": []}})),
        event(
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Let me see."}),
        ),
        event(json!({"type": "response.output_item.done", "output_index": 0, "item": {"type": "message",
                    "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "Let me see."}]}})),
        event(json!({"type": "response.output_item.added", "output_index": 1, "item": open})),
        event(json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "{\"city\":"})),
        event(json!({"type": "response.function_call_arguments.delta", "output_index": 1, "delta": "\"Ulm\"}"})),
        event(json!({"type": "response.output_item.done", "output_index": 1, "item": item})),
        event(json!({"type": "response.completed", "response": whole("responses")})),
    ]
}

fn gemini_stream() -> Vec<String> {
    let part = |part: Value, end: Value| {
        data_only(json!({"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": end}],
                    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}, "modelVersion": "m"}))
    };
    vec![
        part(json!({"text": "Let me see."}), Value::Null),
        part(json!({"functionCall": {"name": "get_weather", "args": {"city": "Ulm"}}}), Value::Null),
        part(json!({"text": ""}), json!("STOP")),
    ]
}

/// The same in one piece.
fn whole(provider: &str) -> Value {
    match provider {
        "anthropic" => json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Ulm"}}],
            "stop_reason": "tool_use", "usage": {"input_tokens": 9, "output_tokens": 5}}),
        "openai" => json!({"id": "c", "object": "chat.completion", "model": "m",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "Let me see.",
                "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "get_weather", "arguments": "{\"city\":\"Ulm\"}"}}]}}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 5}}),
        "responses" => json!({"id": "resp_1", "object": "response", "model": "m", "status": "completed",
            "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Let me see.", "annotations": []}]},
                {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather",
                    "arguments": "{\"city\":\"Ulm\"}", "status": "completed"}],
            "usage": {"input_tokens": 9, "output_tokens": 5, "total_tokens": 14}}),
        _ => json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "Let me see."},
                {"functionCall": {"name": "get_weather", "args": {"city": "Ulm"}}}]}, "finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 5}, "modelVersion": "m"}),
    }
}

fn streamed(events: &[String], cut: bool) -> Reply {
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(events.concat().as_bytes()));
    if cut { reply.close() } else { reply.write(chunk(b"")) }
}

async fn answered(client: &str, provider: &str, reply: Reply, stream: bool) -> (Answer, Upstream, Running) {
    let upstream = Upstream::start(reply).await.unwrap();
    let text = format!(
        "providers:\n  - {{name: one, type: {provider}, base_url: '{}', auth_value: the-key}}\nhold: {{max_wait: 0}}\nretry: {{same_provider: 0}}\n",
        upstream.url()
    );
    let running = Running::start(&text).await;
    (running.ask(&asking(client, stream)).await, upstream, running)
}

/// The data of all events.
fn data(answer: &Answer) -> Vec<Value> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.filter_map(|data| serde_json::from_str(data).ok()).collect()
}

/// Text, tool, input and the reason for the end, as the client puts them together from a stream.
fn put_together(client: &str, events: &[Value]) -> (String, String, String, String) {
    let all = |pointer: &str| -> Vec<String> {
        events.iter().filter_map(|event| event.pointer(pointer)?.as_str().map(str::to_owned)).collect()
    };
    let last = |texts: Vec<String>| texts.last().cloned().unwrap_or_default();
    match client {
        "anthropic" => (
            all("/delta/text").concat(),
            last(all("/content_block/name")),
            all("/delta/partial_json").concat(),
            last(all("/delta/stop_reason")),
        ),
        "openai" => (
            all("/choices/0/delta/content").concat(),
            last(all("/choices/0/delta/tool_calls/0/function/name")),
            all("/choices/0/delta/tool_calls/0/function/arguments").concat(),
            last(all("/choices/0/finish_reason")),
        ),
        _ => {
            let deltas = |kind: &str| -> String {
                let of_kind = events.iter().filter(|event| event["type"] == kind);
                of_kind.filter_map(|event| event["delta"].as_str()).collect()
            };
            (
                deltas("response.output_text.delta"),
                last(all("/item/name")),
                deltas("response.function_call_arguments.delta"),
                last(all("/response/status")),
            )
        }
    }
}

fn reason(client: &str) -> &'static str {
    match client {
        "anthropic" => "tool_use",
        "openai" => "tool_calls",
        _ => "completed",
    }
}

/// Where a whole answer has its text, tool, input and tokens of the answer.
fn members(client: &str, answer: &Value) -> (Value, Value, Value, Value) {
    let at = |pointer: &str| answer.pointer(pointer).cloned().unwrap_or_default();
    match client {
        "anthropic" => {
            (at("/content/0/text"), at("/content/1/name"), at("/content/1/input"), at("/usage/output_tokens"))
        }
        "openai" => (
            at("/choices/0/message/content"),
            at("/choices/0/message/tool_calls/0/function/name"),
            parsed(&at("/choices/0/message/tool_calls/0/function/arguments")),
            at("/usage/completion_tokens"),
        ),
        _ => (
            at("/output/0/content/0/text"),
            at("/output/1/name"),
            parsed(&at("/output/1/arguments")),
            at("/usage/output_tokens"),
        ),
    }
}

fn parsed(text: &Value) -> Value {
    serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_streamed_call_reaches_every_client_from_every_provider() {
    for client in CLIENTS {
        for provider in PROVIDERS {
            let (answer, upstream, mut running) =
                answered(client, provider, streamed(&stream(provider), false), true).await;
            let pair = format!("{client} from {provider}: {}", answer.text());
            assert_eq!((answer.status, answer.ended), (200, Ended::Clean), "{pair}");
            let (text, tool, input, end) = put_together(client, &data(&answer));
            assert_eq!((text.as_str(), tool.as_str()), ("Let me see.", "get_weather"), "{pair}");
            assert_eq!(parsed(&json!(input)), json!({"city": "Ulm"}), "{pair}");
            assert_eq!(end, reason(client), "{pair}");
            let row = running.row().await;
            assert_eq!((&row["verdict"], &row["output_tokens"]), (&json!("done"), &json!(5)), "{pair} {row}");
            assert_eq!((&row["dialect_down"], &row["dialect_up"]), (&json!(client), &json!(provider)));
            let received = upstream.posts().remove(0);
            let (path, header, key) = match provider {
                "anthropic" => ("/v1/messages", "x-api-key", "the-key"),
                "openai" => ("/v1/chat/completions", "authorization", "Bearer the-key"),
                "responses" => ("/v1/responses", "authorization", "Bearer the-key"),
                _ => ("/v1beta/models/m:streamGenerateContent?alt=sse", "x-goog-api-key", "the-key"),
            };
            assert_eq!((received.path.as_str(), received.header(header)), (path, Some(key)), "{pair}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_one_piece_reaches_every_client_from_every_provider() {
    for client in CLIENTS {
        for provider in PROVIDERS {
            let (answer, ..) = answered(client, provider, json_body(200, &[], &whole(provider)), false).await;
            let pair = format!("{client} from {provider}: {}", answer.text());
            let (text, tool, input, tokens) = members(client, &answer.json());
            assert_eq!((text, tool), (json!("Let me see."), json!("get_weather")), "{pair}");
            assert_eq!((input, tokens), (json!({"city": "Ulm"}), json!(5)), "{pair}");
        }
    }
}

/// DESIGN 3.5.9: no client can take it for whole.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_never_ends_as_if_it_were_whole() {
    for client in CLIENTS {
        for provider in PROVIDERS {
            let events = stream(provider);
            // After the first text, and in the middle of the call, which Gemini does not have.
            let places = match provider {
                "gemini" => [1, 1],
                "openai" => [1, 3],
                _ => [3, 6],
            };
            for kept in places {
                for cut in [true, false] {
                    let reply = streamed(&events[..kept], cut);
                    let (answer, _, mut running) = answered(client, provider, reply, true).await;
                    let pair = format!("{client} from {provider}, {kept}, {cut}: {}", answer.text());
                    let (.., end) = put_together(client, &data(&answer));
                    assert_ne!(end, "completed", "{pair}");
                    assert!(!answer.text().contains("[DONE]") && !answer.text().contains("\"message_stop\""), "{pair}");
                    assert!(
                        data(&answer).iter().any(|event| event.get("error").is_some_and(|error| !error.is_null())
                            || event["type"] == "error"
                            || event["type"] == "response.failed"),
                        "{pair}"
                    );
                    assert_eq!(running.row().await["verdict"], "broken", "{pair}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_a_provider_refuses_is_refused_in_the_clients_words() {
    for client in CLIENTS {
        for provider in PROVIDERS {
            let refusal = match provider {
                "anthropic" => {
                    json!({"type": "error", "error": {"type": "invalid_request_error", "message": "bad thing"}})
                }
                "gemini" => json!({"error": {"code": 400, "message": "bad thing", "status": "INVALID_ARGUMENT"}}),
                _ => {
                    json!({"error": {"message": "bad thing", "type": "invalid_request_error", "param": null, "code": null}})
                }
            };
            let (answer, ..) = answered(client, provider, json_body(400, &[], &refusal), true).await;
            let error = answer.json();
            assert_eq!(answer.status, 400, "{client} from {provider}");
            assert_eq!(error["error"]["message"], "bad thing", "{client} from {provider}");
            assert_eq!(error["error"]["type"], "invalid_request_error", "{client} from {provider}");
            assert_eq!(error["type"] == "error", client == "anthropic", "{client} from {provider}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_under_200_is_nobodys_answer() {
    for client in CLIENTS {
        for provider in PROVIDERS {
            let (answer, ..) = answered(client, provider, qcc_testkit::replies::html(200), true).await;
            assert_eq!(answer.status, 503, "{client} from {provider}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_count_are_asked_for_the_size_of_a_prompt() {
    let table = [
        ("responses", json!({"object": "response.input_tokens", "input_tokens": 77}), "/v1/responses/input_tokens"),
        ("gemini", json!({"totalTokens": 77}), "/v1beta/models/m:countTokens"),
    ];
    for (provider, counted, path) in table {
        let upstream = Upstream::start(json_body(200, &[], &counted)).await.unwrap();
        let text =
            format!("providers:\n  - {{name: one, type: {provider}, base_url: '{}', auth_value: k}}\n", upstream.url());
        let running = Running::start(&text).await;
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
        let answer = running.ask(&Request::post_json("/v1/messages/count_tokens", &body)).await;
        assert_eq!(answer.json(), json!({"input_tokens": 77}), "{provider}");
        assert_eq!(upstream.posts()[0].path, path);
    }
}

/// What a provider of this dialect says in the middle of a stream instead of going on.
fn error_in_stream(provider: &str) -> String {
    let error = json!({"type": "error", "error": {"type": "server_error", "message": "down", "code": "server_error"}});
    match provider {
        "anthropic" | "responses" => event(error),
        "openai" => data_only(json!({"error": error["error"]})),
        _ => data_only(json!({"error": {"code": 500, "message": "down", "status": "INTERNAL"}})),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_before_content_is_failed_over_to_another_dialect_unseen() {
    for client in CLIENTS {
        for (place, provider) in PROVIDERS.into_iter().enumerate() {
            let next = PROVIDERS[(place + 1) % PROVIDERS.len()];
            let faults = [
                ("500", json_body(500, &[], &json!({"error": {"message": "down"}}))),
                ("429", json_body(429, &[("retry-after", "60")], &json!({"error": {"message": "slow down"}}))),
                ("closed", Reply::new().close()),
                ("empty", streamed(&[], false)),
                ("only the beginning", streamed(&stream(provider)[..usize::from(provider == "anthropic")], true)),
                ("an error in the stream", streamed(&[error_in_stream(provider)], false)),
                ("another dialect", streamed(&[data_only(json!({"something": "else"}))], false)),
            ];
            for (what, fault) in faults {
                let (bad, good) = (
                    Upstream::start(fault).await.unwrap(),
                    Upstream::start(streamed(&stream(next), false)).await.unwrap(),
                );
                let running = Running::start(&format!(
                    "retry: {{same_provider: 0}}\nproviders:\n  - {{name: bad, type: {provider}, base_url: '{}', auth_value: k}}\n  \
                     - {{name: good, type: {next}, base_url: '{}', auth_value: k}}\n",
                    bad.url(),
                    good.url()
                ))
                .await;
                let answer = running.ask(&asking(client, true)).await;
                let pair = format!("{what}: {client} from {provider} to {next}: {}", answer.text());
                assert_eq!((answer.status, answer.ended), (200, Ended::Clean), "{pair}");
                assert_eq!(answer.header("x-qcc-provider"), Some("good"), "{pair}");
                let (text, tool, ..) = put_together(client, &data(&answer));
                assert_eq!((text.as_str(), tool.as_str()), ("Let me see.", "get_weather"), "{pair}");
            }
        }
    }
}
