//! Clients of Responses: on providers of their own dialect byte for byte, on Anthropic's as if those spoke it.

use bytes::Bytes;
use qcc_testkit::replies::{Framing, Stream, chunk, stream_head};
use qcc_testkit::{Answer, Ended, Reply, Request, Upstream};
use serde_json::{Value, json};

use crate::support::Running;

fn asking(body: &Value) -> Request {
    Request::post_json("/v1/responses", body).header("authorization", "Bearer client-key")
}

fn body(input: &Value) -> Value {
    json!({"model": "gpt-x", "stream": true, "store": false, "input": input})
}

async fn gateway(providers: &[(&str, &str, &Upstream)]) -> Running {
    let lines = providers.iter().map(|(name, kind, upstream)| {
        format!("  - {{name: {name}, type: {kind}, base_url: '{}', auth_value: key-{name}}}\n", upstream.url())
    });
    Running::start(&format!("providers:\n{}", lines.collect::<String>())).await
}

/// A stream of these events; `whole`: the body ends as it should.
fn events(events: &[Value], whole: bool) -> Reply {
    let lines: String =
        events.iter().map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap())).collect();
    let reply = Reply::new().write(stream_head(Framing::Chunked)).write(chunk(lines.as_bytes()));
    if whole { reply.write(chunk(b"")) } else { reply.close() }
}

fn created() -> Value {
    json!({"type": "response.created", "sequence_number": 0, "response": {"id": "resp_1", "status": "in_progress", "output": []}})
}

fn delta(text: &str) -> Value {
    json!({"type": "response.output_text.delta", "sequence_number": 1, "output_index": 0, "item_id": "m", "delta": text})
}

fn completed(text: &str) -> Value {
    json!({"type": "response.completed", "sequence_number": 2, "response": {"id": "resp_1", "status": "completed",
        "output": [{"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": text}]}],
        "usage": {"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 7}}})
}

fn data(answer: &Answer) -> Vec<Value> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
}

/// The last event has the whole answer in it: one that is longer than other dialects' events ever are is an end too.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_a_long_end_is_whole_and_counted() {
    let long = "x".repeat(400 * 1024);
    let upstream = Upstream::start(events(&[created(), delta("x"), completed(&long)], true)).await.unwrap();
    let mut running = gateway(&[("one", "responses", &upstream)]).await;
    let answer = running.ask(&asking(&body(&json!("Hi")))).await;
    assert_eq!((answer.status, answer.ended, data(&answer).len()), (200, Ended::Clean, 3));
    let row = running.row().await;
    assert_eq!((&row["verdict"], &row["input_tokens"], &row["output_tokens"]), (&json!("done"), &json!(40), &json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_only_at_the_end_is_an_answer() {
    let upstream = Upstream::start(events(&[completed("hi")], true)).await.unwrap();
    let running = gateway(&[("one", "responses", &upstream)]).await;
    let answer = running.ask(&asking(&body(&json!("Hi")))).await;
    assert_eq!((answer.status, answer.ended), (200, Ended::Clean));
    assert_eq!(answer.header("x-qcc-attempts"), Some("1"));
}

/// Anthropic signs its thinking, the client carries it sealed, and Anthropic gets it back; OpenAI, which would refuse it,
/// gets all but that.
#[tokio::test(flavor = "multi_thread")]
async fn thinking_goes_back_to_who_has_signed_it_and_to_nobody_else() {
    let anthropic = Upstream::start(Stream::new().and_thinking("Hm.").and_text(["Well."]).reply()).await.unwrap();
    let running = gateway(&[("one", "anthropic", &anthropic)]).await;
    let first = running.ask(&asking(&body(&json!("Hi")))).await;
    let last = data(&first).pop().unwrap();
    assert_eq!(last["type"], "response.completed");
    let mut input = vec![json!({"role": "user", "content": "Hi"})];
    input.extend(last["response"]["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"role": "user", "content": "Go on."}));
    let request = asking(&body(&Value::Array(input)));
    running.ask(&request).await;
    let sent = anthropic.posts().pop().unwrap().json();
    let thought = &sent["messages"][1]["content"][0];
    assert_eq!((&thought["type"], &thought["thinking"]), (&json!("thinking"), &json!("Hm.")));
    let openai = Upstream::start(events(&[created(), delta("hi"), completed("hi")], true)).await.unwrap();
    let running = gateway(&[("one", "responses", &openai)]).await;
    running.ask(&request).await;
    let sent = openai.posts().pop().unwrap();
    assert!(!String::from_utf8_lossy(&sent.body).contains("qcc1."));
    let kinds: Vec<Value> = sent.json()["input"].as_array().unwrap().iter().map(|item| item["role"].clone()).collect();
    assert_eq!(kinds, ["user", "assistant", "user"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn between_equal_dialects_request_and_stream_pass_byte_for_byte() {
    let text = "{ \"model\": \"gpt-x\",\"stream\":true, \"input\":\"\\u0048i\",\"x_new\":1e3 }";
    let reply = events(&[created(), delta("hi"), completed("hi")], true);
    let upstream = Upstream::start(reply).await.unwrap();
    let running = gateway(&[("one", "responses", &upstream)]).await;
    let answer = running.ask(&asking(&json!({})).body(text)).await;
    assert_eq!(upstream.posts()[0].body, Bytes::from_static(text.as_bytes()));
    assert_eq!(data(&answer), [created(), delta("hi"), completed("hi")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_before_content_is_failed_over_across_dialects_and_one_after_it_is_told() {
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "server_error", "message": "no"}}});
    let cases = [events(&[created(), failed], true), events(&[created()], false)];
    for reply in cases {
        let bad = Upstream::start(reply).await.unwrap();
        let good = Upstream::start(Stream::text(["from ", "Anthropic"]).reply()).await.unwrap();
        let running = gateway(&[("bad", "responses", &bad), ("good", "anthropic", &good)]).await;
        let answer = running.ask(&asking(&body(&json!("Hi")))).await;
        let last = data(&answer).pop().unwrap();
        assert_eq!(last["response"]["output"][0]["content"][0]["text"], "from Anthropic");
        assert_eq!(answer.header("x-qcc-attempts"), Some("2"));
    }
    let cut = Upstream::start(events(&[created(), delta("Half")], false)).await.unwrap();
    let running = gateway(&[("one", "responses", &cut)]).await;
    let answer = running.ask(&asking(&body(&json!("Hi")))).await;
    assert_eq!((&data(&answer).last().unwrap()["type"], answer.ended), (&json!("error"), Ended::Unterminated));
}
