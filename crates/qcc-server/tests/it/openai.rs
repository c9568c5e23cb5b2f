//! A client of the Anthropic dialect on providers that speak OpenAI's: it hears what an Anthropic provider would have said,
//! and everything that holds for those holds here.

use bytes::Bytes;
use qcc_server::Source;
use qcc_testkit::claude::claude_request;
use qcc_testkit::replies::{Framing, Stream, chunk, html, json_body, message_json, status, stream_head};
use qcc_testkit::sse;
use qcc_testkit::{Answer, Ended, Received, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::pin::get;
use crate::support::{Running, for_message, for_stream};

/// A stream of these chunks; `done`: with its end.
pub(crate) fn chunks(chunks: &[Value], done: bool) -> Reply {
    let lines: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let end = if done { "data: [DONE]\n\n" } else { "" };
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(format!("{lines}{end}").as_bytes()));
    if done { reply.write(chunk(b"")) } else { reply.close() }
}

pub(crate) fn piece(delta: &Value, finish: Option<&str>) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

pub(crate) fn usage() -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x", "choices": [],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 107,
            "prompt_tokens_details": {"cached_tokens": 60}}})
}

pub(crate) fn hello() -> Vec<Value> {
    vec![
        piece(&json!({"role": "assistant", "content": ""}), None),
        piece(&json!({"content": "hel"}), None),
        piece(&json!({"content": "lo"}), None),
        piece(&json!({}), Some("stop")),
        usage(),
    ]
}

pub(crate) fn calling() -> Vec<Value> {
    let first =
        json!([{"index": 0, "id": "call_1", "type": "function", "function": {"name": "Read", "arguments": ""}}]);
    vec![
        piece(&json!({"role": "assistant", "content": null, "tool_calls": first}), None),
        piece(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"path\":"}}]}), None),
        piece(&json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"a\"}"}}]}), None),
        piece(&json!({}), Some("tool_calls")),
        usage(),
    ]
}

pub(crate) fn whole(content: &str) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-x",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}})
}

/// A gateway with an OpenAI provider before an Anthropic one.
async fn gateway(reply: Reply) -> (Running, Upstream, Upstream) {
    let open = Upstream::start(reply).await.unwrap();
    let other = Upstream::start(Stream::text(["from the other"]).reply()).await.unwrap();
    let text = format!(
        "providers:\n  - {{name: open, type: openai, base_url: '{}', auth_value: sk-open, models: {{'*': gpt-x}}}}\n  \
         - {{name: other, base_url: '{}', auth_value: key-other}}\n",
        open.url(),
        other.url()
    );
    (Running::start(&text).await, open, other)
}

async fn asked(reply: Reply, request: &Request) -> (Answer, Received, Running) {
    let (running, open, _other) = gateway(reply).await;
    let answer = running.ask(request).await;
    (answer, open.posts().remove(0), running)
}

fn names(answer: &Answer) -> Vec<String> {
    sse::events(&answer.body).iter().map(|event| event.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_comes_back_as_anthropics() {
    let (answer, received, running) = asked(chunks(&hello(), true), &for_stream()).await;
    assert_eq!((answer.status, answer.ended), (200, Ended::Clean));
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(answer.said(), "hello");
    let expected = [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(names(&answer), expected);
    assert_eq!(
        (received.path.as_str(), received.header("authorization")),
        ("/v1/chat/completions", Some("Bearer sk-open"))
    );
    assert_eq!((received.header("x-api-key"), received.header("anthropic-version")), (None, None));
    assert_eq!((&received.json()["model"], &received.json()["stream"]), (&json!("gpt-x"), &json!(true)));
    assert_eq!(running.standing("open").await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_one_piece_comes_back_as_anthropics_under_the_name_that_was_asked_for() {
    let (answer, _, mut running) = asked(json_body(200, &[], &whole("hello")), &for_message()).await;
    let message = answer.json();
    assert_eq!((&message["type"], &message["content"][0]["text"]), (&json!("message"), &json!("hello")));
    let asked: Value = serde_json::from_slice(&for_message().body).unwrap();
    assert_eq!((&message["model"], &message["stop_reason"]), (&asked["model"], &json!("end_turn")));
    let row = running.row().await;
    assert_eq!((&row["input_tokens"], &row["output_tokens"], &row["verdict"]), (&json!(9), &json!(2), &json!("done")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_tool_comes_back_with_its_input_and_the_counts_of_the_cache() {
    let (answer, ..) = asked(chunks(&calling(), true), &claude_request("claude-opus-4-8", true, 3)).await;
    let events = sse::events(&answer.body);
    let start = events.iter().find(|event| event.name == "content_block_start").unwrap().json();
    assert_eq!(
        (&start["content_block"]["type"], &start["content_block"]["name"]),
        (&json!("tool_use"), &json!("Read"))
    );
    let input: String = events
        .iter()
        .filter(|event| event.name == "content_block_delta")
        .map(|event| event.json()["delta"]["partial_json"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(input, "{\"path\":\"a\"}");
    let end = events.iter().find(|event| event.name == "message_delta").unwrap().json();
    assert_eq!(end["delta"]["stop_reason"], "tool_use");
    assert_eq!((&end["usage"]["input_tokens"], &end["usage"]["cache_read_input_tokens"]), (&json!(40), &json!(60)));
}

/// Case 21: what a beta switches on in the body is no word of another dialect, and so is its name in the header.
#[tokio::test(flavor = "multi_thread")]
async fn betas_and_other_headers_of_anthropics_stay_with_what_they_switch_on() {
    let request = for_stream()
        .header("anthropic-beta", "context-management-2025-06-27")
        .header("anthropic-beta", "oauth-2025-04-20")
        .header("x-stainless-lang", "js")
        .header("x-claude-code-session-id", "s");
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    body["context_management"] = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
    body["tools"] = json!([{"name": "t", "defer_loading": true, "input_schema": {"type": "object"}}]);
    let (answer, received, _) = asked(chunks(&hello(), true), &request.body(body.to_string())).await;
    let told = answer.header("x-qcc-loss").unwrap();
    assert!(told.contains("context_management: dropped") && told.contains("tools.defer_loading: dropped"), "{told}");
    for name in ["anthropic-beta", "anthropic-version", "x-stainless-lang", "x-claude-code-session-id"] {
        assert_eq!(received.header(name), None, "{name}");
    }
    let sent = received.json();
    assert_eq!((sent.get("context_management"), sent["tools"][0].get("defer_loading")), (None, None));
}

/// Case 11: what was thought at a provider of another dialect is taken out again before Anthropic, which has not signed it,
/// would refuse it; nothing else of the request changes.
#[tokio::test(flavor = "multi_thread")]
async fn thoughts_of_another_dialect_are_not_put_to_anthropic() {
    let thinking = [piece(&json!({"reasoning_content": "Hm."}), None)];
    let (running, open, other) = gateway(chunks(&[&thinking[..], &calling()[..]].concat(), true)).await;
    let first = running.ask(&for_stream()).await;
    let signature = sse::events(&first.body)
        .iter()
        .find_map(|event| event.json()["delta"]["signature"].as_str().map(str::to_owned))
        .unwrap();
    let body = |thought: &str| {
        format!(
            r#"{{ "model":"claude-opus-4-8", "max_tokens": 9e0, "stream":true,"messages":[{{"role":"user","content":"x"}},
            {{"role":"assistant","content":[{thought}{{"type":"tool_use","id":"call_1","name":"Read","input":{{}}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"call_1","content":"a"}}]}}]}}"#
        )
    };
    let thought = json!({"type": "thinking", "thinking": "Hm.", "signature": signature});
    open.set_script(html(503));
    let mut request = for_stream();
    request.body = body(&format!("{thought}, ")).into();
    let second = running.ask(&request).await;
    assert_eq!(second.said(), "from the other");
    assert_eq!(String::from_utf8_lossy(&other.posts().remove(0).body), body(""));
    assert_eq!(second.header("x-qcc-loss"), Some("messages.thinking: dropped: it is not signed by Anthropic"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_before_content_is_failed_over_unseen() {
    let refused = json_body(500, &[], &json!({"error": {"message": "down", "type": "server_error"}}));
    let inside = chunks(&[json!({"error": {"message": "overloaded", "code": "server_is_overloaded"}})], true);
    let empty = chunks(&[piece(&json!({"role": "assistant", "content": ""}), None)], false);
    for fault in [refused, inside, empty, html(200), Reply::new().reset(), message_json("another dialect")] {
        let (running, open, _other) = gateway(fault).await;
        let answer = running.ask(&for_stream()).await;
        assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("other")), "{}", answer.text());
        assert_eq!(running.standing("open").await, "fault", "{:?}", open.posts().len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_after_content_never_looks_whole() {
    let (answer, _, running) = asked(chunks(&hello()[..3], false), &for_stream()).await;
    assert_eq!(names(&answer).last().map(String::as_str), Some("error"), "{}", answer.text());
    assert_ne!(answer.ended, Ended::Clean);
    assert_eq!(running.standing("open").await, "fault");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_is_too_long_is_told_in_the_words_that_claude_code_knows() {
    let text = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.";
    let body = json!({"error": {"message": text, "type": "invalid_request_error", "code": "context_length_exceeded"}});
    let (answer, _, running) = asked(json_body(400, &[], &body), &for_stream()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["message"], "prompt is too long: 9001 tokens > 8192 maximum");
    assert_eq!(running.standing("open").await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_dialect_cannot_carry_is_told() {
    let body = json!({"model": "claude-opus-4-8", "max_tokens": 9, "stream": true, "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}]}]});
    let (answer, _, mut running) = asked(chunks(&hello(), true), &Request::post_json("/v1/messages", &body)).await;
    let loss = answer.header("x-qcc-loss").unwrap();
    assert!(loss.contains("cache_control"), "{loss}");
    assert_eq!(running.row().await["loss"], loss);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_losses_stays_a_header_whatever_a_client_sends() {
    let mut body = json!({"model": "claude-opus-4-8", "max_tokens": 9, "stream": true,
        "messages": [{"role": "user", "content": "hi"}]});
    for number in 0..1000 {
        body[format!("member_{number}")] = json!(true);
    }
    let (answer, ..) = asked(chunks(&hello(), true), &Request::post_json("/v1/messages", &body)).await;
    assert_eq!((answer.said().as_str(), answer.header("x-qcc-loss").unwrap().len()), ("hello", 1000));
}

/// A search that only Anthropic's servers run.
fn search() -> Request {
    let body = json!({"model": "claude-opus-4-8", "max_tokens": 9, "stream": true,
        "tools": [{"type": "web_search_20250305", "name": "web_search"}],
        "tool_choice": {"type": "tool", "name": "web_search"},
        "messages": [{"role": "user", "content": "search"}]});
    Request::post_json("/v1/messages", &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_dialect_would_get_wrong_goes_elsewhere_and_costs_nobody() {
    let (open, other) = (
        Upstream::start(chunks(&hello(), true)).await.unwrap(),
        Upstream::start(Stream::text(["other"]).reply()).await.unwrap(),
    );
    let text = format!(
        "providers:\n  - {{name: open, type: openai, base_url: '{}', auth_value: sk-open, limits: {{rpm: 1}}}}\n  - \
         {{name: other, base_url: '{}', auth_value: sk-other}}\n",
        open.url(),
        other.url()
    );
    let folder = tempfile::tempdir().unwrap();
    let running = Running::keeping(Source::Text(text), false, Some(folder.path().join("qcc.db"))).await;
    let answer = running.ask(&search()).await;
    assert_eq!((answer.header("x-qcc-provider"), answer.header("x-qcc-attempts")), (Some("other"), Some("1")));
    let told = get(&running, &format!("/api/requests/{}", answer.header("x-qcc-request-id").unwrap())).await;
    let first = &told["attempts"][0];
    assert_eq!((&first["provider"], &first["outcome"]), (&json!("open"), &json!("skipped")), "{told}");
    assert!(first["reason"].as_str().unwrap().contains("web_search"), "{told}");
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.said().as_str(), open.posts().len()), ("hello", 1), "its one request a minute was not spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_be_put_to_nobody_does_not_wait_for_anybody() {
    let open = Upstream::start(chunks(&hello(), true)).await.unwrap();
    let text = format!(
        "hold: {{max_wait: 240s}}\nproviders:\n  - {{name: open, type: openai, base_url: '{}', auth_value: sk-open}}\n",
        open.url()
    );
    let mut running = Running::start(&text).await;
    let answer = running.ask(&search()).await;
    assert_eq!((answer.status, open.posts().len()), (403, 0), "{}", answer.text());
    assert!(answer.text().contains("web_search") && answer.text().contains("drop_server_tools"), "{}", answer.text());
    assert!(running.row().await["held_ms"].is_null(), "it was not held");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_counted_by_who_can_and_models_of_all_are_listed() {
    let list = json!({"object": "list", "data": [{"id": "gpt-x", "object": "model", "owned_by": "o"}]});
    let (running, open, other) = gateway(json_body(200, &[], &list)).await;
    other.set_script(json_body(200, &[], &json!({"input_tokens": 5})));
    let count = claude_request("claude-opus-4-8", false, 3);
    let counted = running.ask(&Request { path: "/v1/messages/count_tokens".into(), ..count }).await;
    assert_eq!((counted.json()["input_tokens"].as_u64(), open.posts().len()), (Some(5), 0));
    let models = running.ask(&Request::get("/v1/models")).await.json();
    assert_eq!((&models["data"][0]["id"], &models["data"][0]["type"]), (&json!("gpt-x"), &json!("model")));
    assert_eq!(open.requests().last().unwrap().path, "/v1/models");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_a_whole_file_in_one_event_comes_back_whole() {
    let file = "x".repeat(600_000);
    let arguments = json!({"content": file}).to_string();
    let call =
        json!([{"index": 0, "id": "c", "type": "function", "function": {"name": "Write", "arguments": arguments}}]);
    let reply = chunks(&[piece(&json!({"tool_calls": call}), None), piece(&json!({}), Some("tool_calls"))], true);
    let (answer, ..) = asked(reply, &for_stream()).await;
    assert_eq!(answer.ended, Ended::Clean);
    assert!(answer.body.windows(1000).any(|window| window == &file.as_bytes()[..1000]));
    assert_eq!(names(&answer).last().map(String::as_str), Some("message_stop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_of_another_dialect_is_a_throttle_with_its_own_wait() {
    let body = json!({"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}});
    let (running, _open, _other) = gateway(json_body(429, &[("retry-after", "7")], &body)).await;
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("other"));
    assert_eq!(running.standing("open").await, "throttled");
    let spent = json!({"error": {"message": "no credit", "type": "insufficient_quota", "code": "insufficient_quota"}});
    let (running, _open, _other) = gateway(json_body(429, &[], &spent)).await;
    running.ask(&for_stream()).await;
    assert_eq!(running.standing("open").await, "quota");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_request_is_refused_as_anthropic_does() {
    let body = Bytes::from_static(br#"{"model":"m","max_tokens":9,"stream":true,"messages":"hi"}"#);
    let (running, open, _other) = gateway(status(500, "api_error", "never asked", &[])).await;
    let answer =
        running.ask(&Request::new("POST", "/v1/messages").header("content-type", "application/json").body(body)).await;
    assert_eq!((answer.status, open.posts().len()), (400, 0), "{}", answer.text());
    assert_eq!(answer.json()["error"]["type"], "invalid_request_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_where_a_stream_was_asked_for_becomes_one_and_the_other_way_round() {
    let (answer, _, mut running) = asked(json_body(200, &[], &whole("hello")), &for_stream()).await;
    assert_eq!((answer.said().as_str(), answer.ended), ("hello", Ended::Clean));
    assert_eq!(names(&answer).last().map(String::as_str), Some("message_stop"));
    let row = running.row().await;
    assert_eq!((&row["provider"], &row["verdict"], &row["output_tokens"]), (&json!("open"), &json!("done"), &json!(2)));
    let (answer, _, mut running) = asked(chunks(&calling(), true), &for_message()).await;
    let message = answer.json();
    assert_eq!(message["content"][0]["input"], json!({"path": "a"}));
    assert_eq!(
        (&message["stop_reason"], &message["usage"]["cache_read_input_tokens"]),
        (&json!("tool_use"), &json!(60))
    );
    assert_eq!(running.row().await["provider"], "open");
    // One that is cut is no answer in either form; the other provider has none for this request either.
    let (answer, ..) = asked(chunks(&calling()[..3], false), &for_message()).await;
    assert_eq!(answer.status, 503);
}

/// A gateway with an OpenAI provider of whose models this is known, and another one if it is wanted.
async fn knowing(known: &str, with_other: bool) -> (Running, Upstream, Upstream) {
    let open = Upstream::start(chunks(&hello(), true)).await.unwrap();
    let other = Upstream::start(Stream::text(["from the other"]).reply()).await.unwrap();
    let mut text = format!(
        "providers:\n  - {{name: open, type: openai, base_url: '{}', auth_value: sk, capabilities: {{'*': {known}}}}}\n",
        open.url()
    );
    if with_other {
        text.push_str(&format!("  - {{name: other, base_url: '{}', auth_value: key}}\n", other.url()));
    }
    (Running::start(&text).await, open, other)
}

fn saying(content: &Value) -> Request {
    let body = json!({"model": "m", "max_tokens": 5000, "temperature": 0.5, "stream": true, "messages": [{"role": "user", "content": content}]});
    crate::support::asking(&body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_configured_of_a_model_is_heeded_and_what_it_lacks_is_asked_elsewhere() {
    let (running, open, other) = knowing("{max_output: 100, sampling: false, images: false}", true).await;
    let answer = running.ask(&saying(&json!("hi"))).await;
    assert_eq!(answer.said(), "hello");
    let lost = answer.header("x-qcc-loss");
    assert_eq!(lost, Some("max_tokens: clamped to 100, temperature: dropped"));
    let sent: Value = serde_json::from_slice(&open.posts()[0].body).unwrap();
    assert_eq!((&sent["max_tokens"], sent.get("temperature")), (&json!(100), None));
    let image = json!([{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]);
    assert_eq!(running.ask(&saying(&image)).await.said(), "from the other");
    assert_eq!((open.posts().len(), other.posts().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_nobody_has_room_for_is_told_as_such_so_that_the_client_shortens_it() {
    let long = json!("a ".repeat(30));
    let (running, open, _) = knowing("{context: 20}", false).await;
    let answer = running.ask(&saying(&long)).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, &body["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(body["error"]["message"], "prompt is too long: 30 tokens > 20 maximum");
    assert_eq!(open.posts().len(), 0);
    let (running, _, other) = knowing("{context: 20}", true).await;
    assert_eq!((running.ask(&saying(&long)).await.said(), other.posts().len()), ("from the other".to_owned(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_by_name_is_left_out_once_and_remembered() {
    let refusal = json!({"error": {"message": "Unsupported parameter: 'temperature' is not supported with this model.",
        "type": "invalid_request_error", "param": "temperature", "code": "unsupported_parameter"}});
    let script = Script::new(move |received, _| match received.json().get("temperature") {
        Some(_) => json_body(400, &[], &refusal),
        None => json_body(200, &[], &whole("hello")),
    });
    let upstream = Upstream::start(script).await.unwrap();
    let text = format!("providers:\n  - {{name: open, type: openai, base_url: '{}', auth_value: k}}\n", upstream.url());
    let mut running = Running::start(&text).await;
    let body =
        json!({"model": "m", "max_tokens": 9, "temperature": 0.5, "messages": [{"role": "user", "content": "Hi"}]});
    for asked in 1..3 {
        let answer = running.ask(&Request::post_json("/v1/messages", &body)).await;
        assert_eq!((answer.status, answer.header("x-qcc-attempts")), (200, Some("1")), "{}", answer.text());
        assert!(answer.header("x-qcc-loss").is_some_and(|loss| loss.contains("temperature")), "{:?}", answer.headers);
        // The second request is written by what the first one taught.
        assert_eq!(upstream.posts().len(), 1 + asked);
    }
    assert!(running.row().await["loss"].as_str().is_some_and(|loss| loss.contains("temperature")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_stays_the_same_is_the_requests_own() {
    let refusal = json!({"error": {"message": "Unsupported parameter: 'temperature'", "type": "invalid_request_error",
        "param": "temperature", "code": "unsupported_parameter"}});
    let upstream = Upstream::start(json_body(400, &[], &refusal)).await.unwrap();
    let text = format!("providers:\n  - {{name: open, type: openai, base_url: '{}', auth_value: k}}\n", upstream.url());
    let running = Running::start(&text).await;
    let body =
        json!({"model": "m", "max_tokens": 9, "temperature": 0.5, "messages": [{"role": "user", "content": "Hi"}]});
    let answer = running.ask(&Request::post_json("/v1/messages", &body)).await;
    assert_eq!((answer.status, upstream.posts().len()), (400, 2));
    assert_eq!(running.standing("open").await, "closed");
}

/// Case 49: what was counted before the break is kept.
#[tokio::test(flavor = "multi_thread")]
async fn counts_that_came_before_a_break_are_in_the_row() {
    let mut first = piece(&json!({"content": "hel"}), None);
    first["usage"] = usage()["usage"].clone();
    let (_, _, mut running) = asked(chunks(&[first], false), &for_stream()).await;
    let row = running.row().await;
    assert_eq!(
        (&row["verdict"], &row["input_tokens"], &row["output_tokens"]),
        (&json!("broken"), &json!(40), &json!(7))
    );
}
