//! What a gateway tells, and keeps to itself, when its clients and providers speak several dialects.

use qcc_server::Source;
use qcc_testkit::replies::{Framing, chunk, json_body, message_json, stream_head};
use qcc_testkit::{Answer, Connection, Gate, Reply, Request, Upstream};
use serde_json::{Value, json};

use crate::pin::get;
use crate::support::{Running, for_message, for_stream};

/// A request that counts on a tool that only Anthropic runs.
fn with_a_server_tool() -> Request {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "web_search_20250305", "name": "web_search"}]});
    Request::post_json("/v1/messages", &body)
}

async fn never_asked() -> Upstream {
    Upstream::start(message_json("this is nobody's answer")).await.unwrap()
}

fn attempts(answer: &Answer) -> Option<&str> {
    answer.header("x-qcc-attempts")
}

#[tokio::test]
async fn a_provider_that_cannot_be_asked_is_passed_over_and_no_failure_of_its_own() {
    let (chat, main) = (never_asked().await, Upstream::start(message_json("main")).await.unwrap());
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "providers:\n  - {{name: chat, type: openai, base_url: '{}', auth_value: k}}\n  \
         - {{name: main, base_url: '{}', auth_value: k}}\n",
        chat.url(),
        main.url()
    );
    let mut running = Running::keeping(Source::Text(text), false, Some(folder.path().join("qcc.db"))).await;
    let answer = running.ask(&with_a_server_tool()).await;
    assert_eq!((answer.said(), attempts(&answer)), ("main".to_owned(), Some("1")));
    assert!(running.event("provider_unfit").await["error"].as_str().unwrap().contains("web_search"));
    let told = get(&running, &format!("/api/requests/{}", answer.header("x-qcc-request-id").unwrap())).await;
    assert_eq!((&told["request"]["tries"], told["attempts"].as_array().unwrap().len()), (&json!(1), 2), "{told}");
    let first = &told["attempts"][0];
    assert_eq!(
        (&first["provider"], &first["outcome"], &first["blame"]),
        (&json!("chat"), &json!("skipped"), &json!(null))
    );
    assert!(first["reason"].as_str().unwrap().contains("web_search"), "{told}");
    let stats = get(&running, "/api/stats").await;
    let named: Vec<_> =
        stats["providers"].as_array().unwrap().iter().filter_map(|one| one["provider"].as_str()).collect();
    assert_eq!((named, chat.posts().len()), (vec!["main"], 0), "{stats}");
}

#[tokio::test]
async fn a_request_that_nobody_can_be_asked_made_no_attempt() {
    let chat = never_asked().await;
    let text = format!("providers: [{{name: chat, type: openai, base_url: '{}', auth_value: k}}]\n", chat.url());
    for hold in ["0", "60s"] {
        let running = Running::start(&format!("{text}hold: {{max_wait: {hold}}}\n")).await;
        let answer = running.ask(&with_a_server_tool()).await;
        assert_eq!((answer.status, attempts(&answer), chat.posts().len()), (403, Some("0"), 0), "{}", answer.text());
        assert!(
            answer.text().contains("chat: it cannot be asked this: tools.web_search_20250305"),
            "{}",
            answer.text()
        );
        let told = running.stop().await;
        let named = |name: &str| told.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
        assert_eq!(named("request_finished")[0]["attempts"], 0);
        assert_eq!(named("provider_unfit").len(), 1, "it is found out once: {told:?}");
    }
}

/// A provider that takes the client's own credential.
fn passing(name: &str, kind: &str, upstream: &Upstream) -> String {
    let url = upstream.url();
    format!("  - {{name: {name}, type: {kind}, base_url: '{url}', auth_type: passthrough, allow_passthrough: true}}\n")
}

#[tokio::test]
async fn the_token_of_an_openai_client_is_not_sent_to_anthropic_by_any_route() {
    let main = never_asked().await;
    let text = format!("proxy: {{client_keys: [door-key]}}\nproviders:\n{}", passing("main", "anthropic", &main));
    let running = Running::start(&text).await;
    let by_openai = |request: Request| request.with("x-api-key", "door-key").with("authorization", "Bearer sk-openai");
    let refused = running.ask(&by_openai(Request::post_json("/v1/embeddings", &json!({"input": "a"})))).await;
    assert_eq!((refused.status, &refused.json()["error"]["type"]), (403, &json!("permission_error")));
    assert!(refused.json()["type"].is_null(), "an error as OpenAI's clients read it: {}", refused.text());
    let list = running.ask(&by_openai(Request::get("/v1/models"))).await;
    assert_eq!(list.json(), json!({"object": "list", "data": []}));
    assert_eq!(main.requests().len(), 0);
    let own = by_openai(Request::get("/v1/files")).with("anthropic-version", "2023-06-01");
    assert_eq!((running.ask(&own).await.status, main.requests().len()), (200, 1), "its own clients' token is");
}

#[tokio::test]
async fn a_route_that_is_passed_on_says_so_where_nobody_speaks_anthropic() {
    let chat = never_asked().await;
    let text = format!("providers: [{{name: chat, type: openai, base_url: '{}', auth_value: k}}]\n", chat.url());
    let running = Running::start(&text).await;
    let answer =
        running.ask(&Request::post_json("/v1/embeddings", &json!({})).header("authorization", "Bearer k")).await;
    let told = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    assert_eq!((answer.status, chat.requests().len()), (403, 0), "{told}");
    assert!(told.contains("providers of type anthropic alone"), "{told}");
}

#[tokio::test]
async fn a_client_without_a_credential_for_anybody_is_told_what_its_own_is_called() {
    let (main, chat) = (never_asked().await, never_asked().await);
    let both = [passing("main", "anthropic", &main), passing("chat", "openai", &chat)].concat();
    let running = Running::start(&format!("providers:\n{both}")).await;
    let by_openai = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    for (request, variable) in [
        (for_message().with("x-api-key", ""), "ANTHROPIC_API_KEY"),
        (Request::post_json("/v1/chat/completions", &by_openai), "OPENAI_API_KEY"),
    ] {
        let answer = running.ask(&request).await;
        assert!(answer.status == 403 && answer.text().contains(&format!("set {variable} for")), "{}", answer.text());
    }
    let running = Running::start(&format!("providers:\n{}", passing("chat", "openai", &chat))).await;
    let answer = running.ask(&for_message()).await;
    assert!(answer.text().contains("not sent to providers of another dialect"), "{}", answer.text());
    assert_eq!((main.requests().len(), chat.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_list_of_models_without_what_a_clients_own_credential_sees_is_not_kept() {
    let list = |id: &str| json_body(200, &[], &json!({"data": [{"type": "model", "id": id}], "has_more": false}));
    let (own, chat) = (Upstream::start(list("own")).await.unwrap(), Upstream::start(list("theirs")).await.unwrap());
    let text = format!(
        "providers:\n{}  - {{name: chat, type: openai, base_url: '{}', auth_value: k}}\n",
        passing("main", "anthropic", &own),
        chat.url()
    );
    let running = Running::start(&text).await;
    let names = async |request: Request| {
        let body = running.ask(&request).await.json();
        body["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(names(Request::get("/v1/models").header("authorization", "Bearer k")).await, ["theirs"]);
    assert_eq!(names(Request::get("/v1/models").header("x-api-key", "k")).await, ["own", "theirs"]);
}

#[tokio::test]
async fn routes_of_openai_that_are_not_served_are_not_found_in_its_own_form() {
    let main = never_asked().await;
    let running = Running::with(&[("main", &main)], "").await;
    for path in ["/v1/responses/compact", "/v1/responses/resp_1/cancel", "/v1/chat/other", "/v1/chat/completions/x"] {
        let answer = running.ask(&Request::post_json(path, &json!({}))).await;
        let body = answer.json();
        assert!(body["type"].is_null() && body["error"]["message"].is_string(), "{path}: {body}");
        assert_eq!((answer.status, main.requests().len()), (404, 0), "{path}");
    }
}

const KEY: &str = "sk-the-gateways-own";

/// A gateway before a provider that speaks OpenAI's dialect and says this.
async fn before_chat(reply: Reply) -> (Running, Upstream) {
    let chat = Upstream::start(reply).await.unwrap();
    let text = format!("providers: [{{name: chat, type: openai, base_url: '{}', auth_value: {KEY}}}]\n", chat.url());
    (Running::start(&text).await, chat)
}

fn blurted() -> Value {
    json!({"error": {"message": format!("something is wrong with {KEY}"), "type": "invalid_request_error"}})
}

#[tokio::test]
async fn a_key_in_a_refusal_of_another_dialect_goes_no_further() {
    let (running, _chat) = before_chat(json_body(400, &[], &blurted())).await;
    let answer = running.ask(&for_message()).await;
    assert_eq!((answer.status, answer.header("x-qcc-provider")), (400, Some("chat")));
    let told = answer.text();
    assert!(told.contains("something is wrong with [redacted]") && !told.contains(KEY), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_in_an_error_within_a_stream_of_another_dialect_goes_no_further() {
    let gate = Gate::new();
    let line = |data: Value| chunk(format!("data: {data}\n\n").as_bytes());
    let word = line(json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": {"content": "a word"}, "finish_reason": null}]}));
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(word).wait_for(&gate);
    let (running, _chat) = before_chat(reply.write(line(blurted())).close()).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    let head = client.receive_head().await.unwrap();
    gate.open();
    let told = client.receive_rest(head).await.unwrap().text();
    assert!(told.contains("a word") && told.contains("something is wrong with [redacted]"), "{told}");
    assert!(!told.contains(KEY), "{told}");
}
