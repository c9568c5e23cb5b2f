//! `count_tokens` always answers, for Claude Code would otherwise ask the same of `/v1/messages` and pay for it; and what
//! happens to it says nothing about a provider.

use std::time::Duration;

use bytes::Bytes;
use qcc_testkit::replies::{
    Framing, chunk, error_body, html, json_body, message, message_json, silence, status, stream_head, whole,
};
use qcc_testkit::{PATIENCE, Refusing, Reply, Request, Script, Upstream};
use serde_json::{Value, json};

use crate::support::{QUICK, Running, asking, for_message, pass_time, providers};

fn counting() -> Request {
    let body =
        json!({"model": "claude-opus-4-8", "messages": [{"role": "user", "content": "How many tokens is this?"}]});
    Request::post_json("/v1/messages/count_tokens?beta=true", &body)
        .header("anthropic-beta", "token-counting-2024-11-01")
        .header("x-api-key", "client-key")
}

async fn up(script: impl Into<Script>) -> Upstream {
    Upstream::start(script).await.unwrap()
}

fn faults() -> Vec<Reply> {
    let mut faults: Vec<Reply> = [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "api_error"),
        (529, "overloaded_error"),
    ]
    .map(|(code, kind)| status(code, kind, "no", &[]))
    .into();
    faults.extend([
        html(404),
        html(200),
        Reply::new().reset(),
        whole(200, &[], b""),
        json_body(200, &[], &error_body("api_error", "no")),
        message_json("not a count"),
        json_body(200, &[], &json!({"input_tokens": null})),
    ]);
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_count_passes_as_it_is() {
    let text = b"{ \"input_tokens\":\t14 }\n";
    let a = up(whole(200, &[("content-type", "application/json")], text)).await;
    let running = Running::with(&[("a", &a)], "").await;
    let answer = running.ask(&counting()).await;
    assert_eq!((answer.status, &answer.body[..]), (200, &text[..]));
    let sent = &a.posts()[0];
    assert_eq!(sent.path, "/v1/messages/count_tokens?beta=true");
    assert_eq!(sent.body, counting().body);
    assert_eq!(sent.header("anthropic-beta"), Some("token-counting-2024-11-01"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_does_not_count_is_passed_over_and_not_charged() {
    for fault in faults() {
        // A request at fault would be at fault everywhere: nobody else is asked.
        let own =
            matches!(fault.steps.first(), Some(qcc_testkit::Step::Write(bytes)) if bytes.starts_with(b"HTTP/1.1 400"));
        let script = Script::new(move |request, _| match request.path.as_str() {
            "/v1/messages" => message_json("from a"),
            _ => fault.clone(),
        });
        let (a, b) = (up(script).await, up(json_body(200, &[], &json!({"input_tokens": 777}))).await);
        let running = Running::with(&[("a", &a), ("b", &b)], QUICK).await;
        let answer = running.ask(&counting()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["input_tokens"] == 777, !own, "{}", answer.text());
        assert_eq!(running.standing("a").await, "closed");
        assert_eq!(running.ask(&for_message()).await.said(), "from a");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_stands_in_when_nobody_counts() {
    for fault in faults() {
        let a = up(fault).await;
        let running = Running::with(&[("a", &a)], QUICK).await;
        let answer = running.ask(&counting()).await;
        let tokens = answer.json()["input_tokens"].as_u64().unwrap();
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert!((5..50).contains(&tokens), "{tokens} for six words");
        assert_eq!(running.standing("a").await, "closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_stands_in_when_nobody_can_be_reached_or_answers_in_time() {
    let dead = Refusing::new().unwrap();
    let running = Running::start(&format!("{}{QUICK}", providers(&[("dead", dead.url())]))).await;
    assert!(running.ask(&counting()).await.json()["input_tokens"].is_u64());

    let mute = up(silence()).await;
    let running = Running::with(&[("mute", &mute)], "timeouts: {response: 100ms}\n").await;
    assert!(running.ask(&counting()).await.json()["input_tokens"].is_u64());
    assert_eq!(running.standing("mute").await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_stands_in_when_every_provider_is_out() {
    let a = up(status(401, "authentication_error", "no", &[])).await;
    let running = Running::with(&[("a", &a)], "").await;
    assert_eq!(running.ask(&for_message()).await.status, 403);
    let answer = running.ask(&counting()).await;
    assert_eq!((answer.status, a.posts().len()), (200, 1));
    assert!(answer.json()["input_tokens"].is_u64());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_stands_in_where_the_clients_own_credential_is_refused_or_missing() {
    for fault in faults() {
        let own = up(fault).await;
        let yaml = format!(
            "providers: [{{name: own, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}]\n{QUICK}",
            own.url()
        );
        let running = Running::start(&yaml).await;
        for request in [counting(), counting().without("x-api-key")] {
            let answer = running.ask(&request).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert!(answer.json()["input_tokens"].is_u64());
        }
        assert_eq!(running.standing("own").await, "closed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_prompt_is_estimated_higher() {
    let running = Running::start("providers: []\n").await;
    let mut last = 0;
    for words in [10, 1000, 100_000] {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "word ".repeat(words)}]});
        let answer = running.ask(&counting().body(body.to_string())).await;
        let tokens = answer.json()["input_tokens"].as_u64().unwrap();
        assert!(tokens > last && tokens >= words as u64, "{tokens} for {words} words");
        last = tokens;
    }
}

/// Some thousand tokens of code.
fn long(model: &str) -> Value {
    json!({"model": model, "max_tokens": 9, "messages": [{"role": "user", "content": include_str!("counting.rs")}]})
}

async fn counted(running: &Running, body: &Value) -> u64 {
    let answer = running.ask(&counting().body(body.to_string())).await;
    answer.json()["input_tokens"].as_u64().unwrap()
}

/// Asks for a count until it is another one than `before`: what an answer teaches comes a moment after it.
async fn counted_anew(running: &Running, body: &Value, before: u64) -> u64 {
    let anew = async {
        loop {
            let now = counted(running, body).await;
            if now != before {
                return now;
            }
        }
    };
    tokio::time::timeout(PATIENCE, anew).await.expect("the answer taught something")
}

/// A provider that does not count, and says of every prompt that it has so many tokens, of which a part came from a cache
/// and a part went into one.
fn reports(prompt: u64) -> Script {
    let mut told = message("hello");
    told["usage"]["input_tokens"] = json!(prompt / 2);
    told["usage"]["cache_read_input_tokens"] = json!(prompt / 3);
    told["usage"]["cache_creation_input_tokens"] = json!(prompt - prompt / 2 - prompt / 3);
    Script::new(move |request, _| match request.path.as_str() {
        "/v1/messages" => json_body(200, &[], &told),
        _ => status(404, "not_found_error", "no", &[]),
    })
}

#[track_caller]
fn assert_near(counted: u64, expected: u64) {
    assert!(counted.abs_diff(expected) * 100 <= expected, "{counted}, not {expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_corrected_by_what_the_provider_counts_of_real_prompts() {
    let a = up(reports(1)).await;
    let running = Running::with(&[("a", &a)], QUICK).await;
    let body = long("claude-opus-4-8");
    let before = counted(&running, &body).await;
    a.set_script(reports(before * 4 / 5));
    assert_eq!(running.ask(&asking(&body)).await.said(), "hello");
    let after = counted_anew(&running, &body, before).await;
    assert_near(after, before * 4 / 5);
    let other = long("claude-sonnet-5");
    assert_eq!(counted(&running, &other).await, before, "another model may count otherwise");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_compared_before_the_first_estimate_for_that_would_load_the_tokeniser() {
    let body = long("claude-opus-4-8");
    let documented = counted(&Running::start("providers: []\n").await, &body).await;
    let a = up(reports(documented / 2)).await;
    let running = Running::with(&[("a", &a)], QUICK).await;
    running.ask(&asking(&body)).await;
    for _ in 0..5 {
        assert_eq!(counted(&running, &body).await, documented);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_estimate_is_for_whoever_would_answer_and_for_the_model_as_it_is_sent_there() {
    let (a, b) = (up(reports(1)).await, up(reports(1)).await);
    let text = format!(
        "providers:\n  - {{name: a, type: openai, base_url: '{}', auth_value: k, models: {{'*': gpt-5}}}}\n  \
         - {{name: b, base_url: '{}', auth_value: k}}\n",
        a.url(),
        b.url()
    );
    let running = Running::start(&text).await;
    let (gpt, claude) = (counted(&running, &long("gpt-5")).await, counted(&running, &long("claude-opus-4-8")).await);
    assert_eq!(claude, gpt, "the model is mapped");
    a.set_script(status(401, "authentication_error", "no", &[]));
    running.ask(&asking(&long("claude-opus-4-8"))).await;
    let claude = counted(&running, &long("claude-opus-4-8")).await;
    assert_near(claude, gpt * 155 / 100);
}

#[tokio::test]
async fn an_answer_that_counts_nothing_teaches_nothing() {
    let piece = |delta: Value, finish: Option<&str>| {
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-x",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let events = |prompt: Option<u64>| {
        let usage = prompt.map(|prompt| {
            json!({"id": "c", "object": "chat.completion.chunk", "created": 1,
            "model": "gpt-x", "choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": 2}})
        });
        let all = [piece(json!({"content": "hello"}), None), piece(json!({}), Some("stop"))].into_iter().chain(usage);
        let lines: String = all.map(|event| format!("data: {event}\n\n")).collect();
        let body = chunk(format!("{lines}data: [DONE]\n\n").as_bytes());
        Reply::new().write(stream_head(Framing::Chunked)).write(body).write(Bytes::from("0\r\n\r\n"))
    };
    let open = up(events(None)).await;
    let text = format!("providers: [{{name: open, type: openai, base_url: '{}', auth_value: k}}]\n", open.url());
    let running = Running::start(&text).await;
    let mut body = long("gpt-x");
    let before = counted(&running, &body).await;
    body["stream"] = json!(true);
    assert!(running.ask(&asking(&body)).await.text().contains("message_stop"));
    // The next sample is due.
    pass_time(Duration::from_secs(10)).await;
    open.set_script(events(Some(before * 3 / 2)));
    running.ask(&asking(&body)).await;
    let after = counted_anew(&running, &body, before).await;
    assert_near(after, before * 3 / 2);
}
