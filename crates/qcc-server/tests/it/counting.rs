//! `count_tokens` always answers, for Claude Code would otherwise ask the same of `/v1/messages` and pay for it; and what
//! happens to it says nothing about a provider.

use qcc_testkit::replies::{error_body, html, json_body, message_json, silence, status, whole};
use qcc_testkit::{Refusing, Reply, Request, Script, Upstream};
use serde_json::json;

use crate::support::{QUICK, Running, for_message, providers};

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
