//! Clients of Chat Completions: on providers of their own dialect byte for byte, on Anthropic's as if those spoke it.

use bytes::Bytes;
use qcc_testkit::replies::{Framing, Stream, chunk, event, html, json_body, message, status, stream_head};
use qcc_testkit::{Answer, Connection, Ended, Gate, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::openai::{calling, chunks, hello, piece, whole};
use crate::support::Running;

const PATH: &str = "/v1/chat/completions?trace=1";

fn body(stream: bool) -> Value {
    json!({"model": "gpt-x", "stream": stream, "messages": [{"role": "user", "content": "Hi"}],
        "stream_options": {"include_usage": true}})
}

fn asking(stream: bool) -> Request {
    Request::post_json(PATH, &body(stream)).header("authorization", "Bearer client-key")
}

/// A gateway with these providers, in this order.
async fn gateway(providers: &[(&str, &str, &Upstream)]) -> Running {
    let lines = providers.iter().map(|(name, kind, upstream)| {
        format!("  - {{name: {name}, type: {kind}, base_url: '{}', auth_value: key-{name}}}\n", upstream.url())
    });
    Running::start(&format!("providers:\n{}", lines.collect::<String>())).await
}

async fn answered(kind: &str, reply: impl Into<Script>, request: &Request) -> (Answer, Upstream, Running) {
    let upstream = Upstream::start(reply).await.unwrap();
    let running = gateway(&[("one", kind, &upstream)]).await;
    (running.ask(request).await, upstream, running)
}

/// The data of all events.
fn data(answer: &Answer) -> Vec<String> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).map(str::to_owned).collect()
}

fn said(answer: &Answer) -> String {
    let chunks = data(answer).into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
    chunks.filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn between_equal_dialects_request_and_stream_pass_byte_for_byte() {
    let text = "{ \"model\": \"gpt-x\",\"stream\":true, \"messages\":[{\"role\":\"user\",\"content\":\"\\u0048i\"}],\"x_new\":1e3 }";
    let request = asking(true).body(text).header("x-client", "mine");
    let stream = ": OPENROUTER PROCESSING\n\ndata: {\"id\":\"c\",\"odd\":1.0,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\r\n\r\n\
        data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(stream.as_bytes())).write(chunk(b""));
    let (answer, upstream, mut running) = answered("openai", reply, &request).await;
    let received = upstream.posts().remove(0);
    assert_eq!(received.body, Bytes::from_static(text.as_bytes()));
    assert_eq!(received.path, "/v1/chat/completions?trace=1");
    assert_eq!((received.header("authorization"), received.header("x-client")), (Some("Bearer key-one"), Some("mine")));
    assert_eq!((answer.status, answer.ended), (200, Ended::Clean));
    assert_eq!(String::from_utf8_lossy(&answer.body), stream);
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["path"]), (&json!("done"), &json!("/v1/chat/completions")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mapped_model_is_the_only_change() {
    let upstream = Upstream::start(json_body(200, &[], &whole("hello"))).await.unwrap();
    let text = format!(
        "providers:\n  - {{name: one, type: openai, base_url: '{}', auth_value: k, models: {{'gpt-*': local}}}}\n",
        upstream.url()
    );
    let running = Running::start(&text).await;
    let text = "{\"messages\": [{\"role\":\"user\",\"content\":\"Hi\"}], \"model\" : \"gpt-x\", \"n\":1.0}";
    let answer = running.ask(&asking(false).body(text)).await;
    assert_eq!((answer.status, &answer.json()), (200, &whole("hello")));
    assert_eq!(upstream.posts()[0].body, Bytes::from(text.replace("gpt-x", "local")));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_before_content_are_failed_over_across_dialects_unseen() {
    let error = json!({"error": {"message": "overloaded", "type": "server_error", "code": "server_is_overloaded"}});
    let cut = chunks(&[piece(&json!({"role": "assistant", "content": ""}), None)], false);
    // An end without a reason is no end, also when there was content before it in the same read.
    let unfinished = [hello()[..2].to_vec(), vec![]].concat();
    let table = [
        ("500", status(500, "api_error", "no", &[])),
        ("an error under 200", json_body(200, &[], &error)),
        ("an error in the stream", chunks(&[error], true)),
        ("a web page", html(200)),
        ("cut before content", cut),
        ("done without a reason", chunks(&unfinished, true)),
    ];
    for (what, reply) in table {
        let bad = Upstream::start(reply).await.unwrap();
        let good = Upstream::start(Stream::text(["from ", "Anthropic"]).reply()).await.unwrap();
        let running = gateway(&[("bad", "openai", &bad), ("good", "anthropic", &good)]).await;
        let answer = running.ask(&asking(true)).await;
        assert_eq!(
            (answer.status, answer.ended, said(&answer).as_str()),
            (200, Ended::Clean, "from Anthropic"),
            "{what}"
        );
        assert_eq!(answer.header("x-qcc-attempts"), Some("2"), "{what}");
        assert_eq!(data(&answer).last().map(String::as_str), Some("[DONE]"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_ends_with_an_error_and_a_cut() {
    let (answer, ..) = answered("openai", chunks(&hello()[..3], false), &asking(true)).await;
    assert_eq!((answer.status, said(&answer).as_str()), (200, "hello"));
    assert_ne!(answer.ended, Ended::Clean);
    let last: Value = serde_json::from_str(data(&answer).last().unwrap()).unwrap();
    assert_eq!(last["error"]["type"], "server_error");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_and_a_clean_end_are_a_whole_answer_without_the_mark() {
    let lines: String = hello().iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(lines.as_bytes())).write(chunk(b""));
    let (answer, _, mut running) = answered("openai", reply, &asking(true)).await;
    assert_eq!((answer.ended, String::from_utf8_lossy(&answer.body)), (Ended::Clean, lines.into()));
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["input_tokens"]), (&json!("done"), &json!(40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anthropic_provider_answers_as_if_it_spoke_chat_completions() {
    let script = Script::sequence([Stream::text(["hel", "lo"]).reply()], json_body(200, &[], &message("whole")));
    let upstream = Upstream::start(script).await.unwrap();
    let running = gateway(&[("one", "anthropic", &upstream)]).await;
    let answer = running.ask(&asking(true)).await;
    assert_eq!(
        (answer.header("content-type"), said(&answer).as_str()),
        (Some("text/event-stream; charset=utf-8"), "hello")
    );
    let chunks = data(&answer);
    let usage: Value = serde_json::from_str(&chunks[chunks.len() - 2]).unwrap();
    assert!(usage["usage"]["prompt_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{usage}");
    let received = upstream.posts().remove(0);
    assert_eq!(received.path, "/v1/messages");
    assert_eq!((received.header("x-api-key"), received.header("authorization")), (Some("key-one"), None));
    assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    let sent = received.json();
    assert_eq!((&sent["model"], &sent["stream"], &sent["max_tokens"]), (&json!("gpt-x"), &json!(true), &json!(32_000)));
    let answer = running.ask(&asking(false)).await.json();
    assert_eq!((&answer["object"], &answer["model"]), (&json!("chat.completion"), &json!("gpt-x")));
    assert_eq!(answer["choices"][0]["message"]["content"], "whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_a_tool_goes_there_and_back() {
    let reply = Stream::new().and_tool_use("Read", &json!({"path": "a"})).reply();
    let mut asked = body(true);
    asked["tools"] = json!([{"type": "function", "function": {"name": "Read", "parameters": {"type": "object"}}}]);
    asked["logprobs"] = json!(true);
    let (answer, upstream, mut running) = answered("anthropic", reply, &Request::post_json(PATH, &asked)).await;
    let chunks: Vec<Value> = data(&answer).iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    let calls: Vec<&Value> = chunks.iter().filter_map(|chunk| chunk.pointer("/choices/0/delta/tool_calls/0")).collect();
    assert_eq!(calls[0]["function"]["name"], "Read");
    let arguments: String = calls.iter().filter_map(|call| call["function"]["arguments"].as_str()).collect();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({"path": "a"}));
    assert!(chunks.iter().any(|chunk| chunk["choices"][0]["finish_reason"] == "tool_calls"));
    assert_eq!(upstream.posts()[0].json()["tools"][0]["input_schema"], json!({"type": "object"}));
    assert_eq!(answer.header("x-qcc-loss"), Some("logprobs: dropped"));
    assert_eq!(running.row().await["loss"], "logprobs: dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_is_told_whatever_its_name_is() {
    let mut asked = body(false);
    asked["gr\u{f6}\u{df}e"] = json!(1);
    let reply = json_body(200, &[], &message("hi"));
    let (answer, _, mut running) = answered("anthropic", reply, &Request::post_json(PATH, &asked)).await;
    assert_eq!(answer.header("x-qcc-loss"), Some("gr??e: dropped"));
    assert_eq!(running.row().await["loss"], "gr\u{f6}\u{df}e: dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_refuses_is_refused_in_the_clients_words() {
    let too_long = status(400, "invalid_request_error", "prompt is too long: 300 tokens > 200 maximum", &[]);
    let (answer, ..) = answered("anthropic", too_long, &asking(true)).await;
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"]), (400, &json!("context_length_exceeded")));
    assert_eq!(error["message"], "prompt is too long: 300 tokens > 200 maximum");
    // A provider of the same dialect is quoted.
    let said =
        json!({"error": {"message": "no such thing", "type": "invalid_request_error", "param": "x", "code": null}});
    let (answer, ..) = answered("openai", json_body(400, &[], &said), &asking(true)).await;
    assert_eq!((answer.status, answer.json()), (400, said));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_a_provider_repeats_is_not_told_in_other_words() {
    let careless = "what to do with key-one?";
    let (answer, ..) = answered("anthropic", status(400, "invalid_request_error", careless, &[]), &asking(true)).await;
    assert_eq!(answer.json()["error"]["message"], "what to do with [redacted]?");
    // The same in the middle of an answer.
    let content = Stream::text(["hel", "lo"]).events()[..4].concat();
    let error = event("error", &json!({"type": "error", "error": {"type": "api_error", "message": careless}}));
    let (gate, head) = (Gate::new(), stream_head(Framing::Chunked));
    let reply = Reply::new().write(head).write(chunk(&content)).wait_for(&gate).write(chunk(&error)).write(chunk(b""));
    let upstream = Upstream::start(reply).await.unwrap();
    let running = gateway(&[("one", "anthropic", &upstream)]).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&asking(true)).await.unwrap();
    let head = client.receive_head().await.unwrap();
    gate.open();
    let answer = client.receive_rest(head).await.unwrap();
    let last: Value = serde_json::from_str(data(&answer).last().unwrap()).unwrap();
    assert_eq!((said(&answer).as_str(), &last["error"]["message"]), ("hel", &json!("what to do with [redacted]?")));
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_ours_have_the_shape_of_the_dialect() {
    let (answer, upstream, _) =
        answered("anthropic", status(500, "api_error", "no", &[]), &asking(true).body("{")).await;
    let error = answer.json();
    assert_eq!((answer.status, &error["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(error["request_id"].as_str(), answer.header("x-qcc-request-id"));
    assert_eq!(upstream.requests().len(), 0);
    // Something that only the other dialect's readers see.
    let answer =
        answered("anthropic", status(500, "api_error", "no", &[]), &asking(true).body("{\"model\":\"m\"}")).await.0;
    assert_eq!(
        (answer.status, answer.json()["error"]["message"].as_str()),
        (400, Some("messages: is missing or empty"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_brings_its_own_key_is_served_by_providers_of_its_dialect_alone() {
    let chat = Upstream::start(json_body(200, &[], &whole("hello"))).await.unwrap();
    let anthropic = Upstream::start(json_body(200, &[], &message("no"))).await.unwrap();
    let text = format!(
        "providers:\n  - {{name: a, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}\n  \
         - {{name: b, type: openai, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}\n",
        anthropic.url(),
        chat.url()
    );
    let running = Running::start(&text).await;
    let answer = running.ask(&asking(false).header("x-api-key", "sk-ant")).await;
    assert_eq!(answer.json(), whole("hello"));
    assert_eq!((anthropic.requests().len(), chat.posts().len()), (0, 1));
    let received = chat.posts().remove(0);
    assert_eq!((received.header("authorization"), received.header("x-api-key")), (Some("Bearer client-key"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_models_has_the_askers_form() {
    let list = json!({"data": [{"type": "model", "id": "claude-x", "display_name": "X", "created_at": "2026-01-02T00:00:00Z"}]});
    let (answer, ..) = answered(
        "anthropic",
        json_body(200, &[], &list),
        &Request::get("/v1/models").header("authorization", "Bearer k"),
    )
    .await;
    let expected = json!({"id": "claude-x", "object": "model", "created": 1_767_312_000, "owned_by": "qcc"});
    assert_eq!(answer.json(), json!({"object": "list", "data": [expected]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_provider_of_the_same_dialect_pass_as_they_are() {
    let (answer, ..) = answered("openai", chunks(&calling(), true), &asking(true)).await;
    let lines: String = calling().iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    assert_eq!(String::from_utf8_lossy(&answer.body), format!("{lines}data: [DONE]\n\n"));
}

/// A client that asks with the result of a call which was thought about.
fn with_result(id: &str) -> Value {
    let call = json!({"id": id, "type": "function", "function": {"name": "Read", "arguments": "{\"path\": \"a\"}"}});
    let mut asked = body(false);
    asked["reasoning_effort"] = json!("high");
    asked["tools"] = json!([{"type": "function", "function": {"name": "Read", "parameters": {"type": "object"}}}]);
    asked["messages"] = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": null, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "content": "42"},
    ]);
    asked
}

/// Item of PROTOCOLS 5.2: what the provider wants back and the client cannot carry is kept for the session.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_thought_before_a_call_goes_back_to_it_with_the_result() {
    for stream in [true, false] {
        let thinking = Stream::new().and_thinking("Hm.").and_tool_use("Read", &json!({"path": "a"}));
        let mut whole = message("");
        let id = "toolu_01";
        whole["content"] = json!([
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            {"type": "tool_use", "id": id, "name": "Read", "input": {"path": "a"}},
        ]);
        let first = if stream { thinking.reply() } else { json_body(200, &[], &whole) };
        let upstream = Upstream::start(Script::sequence([first], json_body(200, &[], &message("done")))).await.unwrap();
        let running = gateway(&[("one", "anthropic", &upstream)]).await;
        let answer = running.ask(&asking(stream)).await;
        let id = if stream {
            let chunks = data(&answer).into_iter().filter_map(|data| serde_json::from_str::<Value>(&data).ok());
            chunks
                .filter_map(|chunk| Some(chunk.pointer("/choices/0/delta/tool_calls/0/id")?.as_str()?.to_owned()))
                .next()
                .unwrap()
        } else {
            id.to_owned()
        };
        let request = Request::post_json(PATH, &with_result(&id)).header("authorization", "Bearer client-key");
        let answer = running.ask(&request).await;
        assert_eq!(answer.status, 200);
        let sent = upstream.posts().remove(1).json();
        let block = &sent["messages"][1]["content"][0];
        assert_eq!((&block["type"], &block["thinking"]), (&json!("thinking"), &json!("Hm.")), "{stream}: {sent}");
        assert!(block["signature"].as_str().is_some_and(|signature| !signature.is_empty()), "{block}");
        // Another client does not meet it.
        let request = Request::post_json(PATH, &with_result(&id)).header("authorization", "Bearer another");
        running.ask(&request).await;
        let sent = upstream.posts().remove(2).json();
        assert_eq!(sent["messages"][1]["content"][0]["type"], "tool_use", "{sent}");
    }
}

/// Several answers can be had from a provider of the client's own dialect alone: another is passed over, not the request
/// refused.
#[tokio::test(flavor = "multi_thread")]
async fn what_one_dialect_alone_gives_is_asked_of_those_who_speak_it() {
    let other = Upstream::start(json_body(200, &[], &message("from the other dialect"))).await.unwrap();
    let own = Upstream::start(json_body(200, &[], &whole("from its own"))).await.unwrap();
    let running = gateway(&[("other", "anthropic", &other), ("own", "openai", &own)]).await;
    let mut several = body(false);
    several["n"] = json!(2);
    let answer = running.ask(&Request::post_json(PATH, &several)).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(answer.status == 200 && text.contains("from its own"), "{} {text}", answer.status);
    assert_eq!((other.posts().len(), own.posts().len()), (0, 1));
}

/// Case 57: a limit of the answer that leaves too little of the context for the prompt gives way, for this request.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_shortened_where_prompt_and_answer_do_not_fit_together() {
    let refusal = json!({"error": {"message": "This model's maximum context length is 32768 tokens. However, you requested \
        37000 tokens (5000 in the messages, 32000 in the completion).", "type": "BadRequestError", "code": 400}});
    let script = Script::new(move |received, _| match received.json()["max_tokens"].as_u64() {
        Some(32_000) => json_body(400, &[], &refusal),
        _ => json_body(200, &[], &whole("hello")),
    });
    let upstream = Upstream::start(script).await.unwrap();
    let running = gateway(&[("open", "openai", &upstream)]).await;
    let body = |limit: u64| json!({"model": "m", "max_tokens": limit, "messages": [{"role": "user", "content": "Hi"}]});
    let answer = running.ask(&Request::post_json("/v1/messages", &body(32_000))).await;
    assert_eq!((answer.status, answer.header("x-qcc-attempts")), (200, Some("1")), "{}", answer.text());
    assert!(answer.header("x-qcc-loss").is_some_and(|loss| loss.contains("max_tokens")), "{:?}", answer.headers);
    // Another prompt may leave more room.
    drop(running.ask(&Request::post_json("/v1/messages", &body(31_000))).await);
    let limits: Vec<u64> = upstream.posts().iter().filter_map(|post| post.json()["max_tokens"].as_u64()).collect();
    assert_eq!(limits, [32_000, 27_640, 31_000]);
}
