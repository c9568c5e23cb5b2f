//! Whose fault it is, and what the client hears: the request's own faults at once and in the provider's words, the rest
//! as a final word that real clients make the best of.

use bytes::Bytes;
use qcc_testkit::replies::{
    Stream, error_body, error_event, gzip, html, json_body, message_json, silence, status, whole,
};
use qcc_testkit::{Answer, Reply, Script, Upstream};
use serde_json::json;

use crate::support::{QUICK, Running, for_message, for_stream};

const JSON: (&str, &str) = ("content-type", "application/json");

async fn up(script: impl Into<Script>) -> Upstream {
    Upstream::start(script).await.unwrap()
}

fn good() -> Stream {
    Stream::text(["good"])
}

/// Providers that answer so, in this order, and what a stream's client then gets.
async fn asked(replies: Vec<Reply>) -> (Running, Vec<Upstream>, Answer) {
    let mut upstreams = Vec::new();
    for reply in replies {
        upstreams.push(up(reply).await);
    }
    let names = ["a", "b", "c", "d"];
    let named: Vec<_> = names.into_iter().zip(&upstreams).collect();
    let running = Running::with(&named, QUICK).await;
    let answer = running.ask(&for_stream()).await;
    (running, upstreams, answer)
}

fn assert_ours(answer: &Answer, code: u16, kind: &str) {
    let body = answer.json();
    assert_eq!((answer.status, &body["error"]["type"]), (code, &json!(kind)), "{}", answer.text());
    assert_eq!(body["type"], "error");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(body["request_id"].as_str(), answer.header("x-qcc-request-id"));
    assert!(!answer.text().contains("overloaded_error"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_at_fault_is_answered_at_once_in_the_providers_own_bytes() {
    let odd = "{\"type\":\"error\" , \"error\": {\"type\":\"invalid_request_error\",\n\"message\":\"messages: 参数 \\u9519\"}}\n";
    let headers = [JSON, ("request-id", "req_1"), ("x-should-retry", "false")];
    for code in [400, 413, 422] {
        for request in [for_stream(), for_message()] {
            let (a, b) = (up(whole(code, &headers, odd.as_bytes())).await, up(good().reply()).await);
            let running = Running::with(&[("a", &a), ("b", &b)], QUICK).await;
            let answer = running.ask(&request).await;
            assert_eq!((answer.status, answer.text().as_str()), (code, odd));
            for (name, value) in headers.into_iter().chain([("x-qcc-provider", "a"), ("x-qcc-attempts", "1")]) {
                assert_eq!(answer.header(name), Some(value), "{code}");
            }
            assert_eq!(running.standing("a").await, "closed", "{code}: nobody is charged");
            assert_eq!((a.posts().len(), b.posts().len()), (1, 0), "{code}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_texts_that_clients_read_numbers_from_arrive_as_they_are() {
    for text in [
        "prompt is too long: 214001 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 188240 + 64000 > 200000, decrease input length",
    ] {
        let body = error_body("invalid_request_error", text).to_string();
        let (_running, upstreams, answer) = asked(vec![whole(400, &[JSON], body.as_bytes()), good().reply()]).await;
        assert_eq!((answer.status, answer.text()), (400, body));
        assert!(upstreams[1].posts().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_came_compressed_goes_down_as_what_it_says() {
    let body = error_body("invalid_request_error", "no").to_string();
    let packed = whole(400, &[JSON, ("content-encoding", "gzip")], &gzip(body.as_bytes()));
    let (_running, _upstreams, answer) = asked(vec![packed]).await;
    assert_eq!((answer.status, answer.text(), answer.header("content-encoding")), (400, body, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_at_fault_inside_a_200_is_answered_with_the_status_that_it_stands_for() {
    let event = json!({"type": "error", "error": {"type": "invalid_request_error", "message": "scripted invalid_request_error"}});
    let (running, upstreams, answer) = asked(vec![error_event("invalid_request_error"), good().reply()]).await;
    assert_eq!((answer.status, answer.text()), (400, event.to_string()));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(running.standing("a").await, "closed");
    assert!(upstreams[1].posts().is_empty());

    let body = error_body("request_too_large", "Request exceeds the maximum size");
    for request in [for_stream(), for_message()] {
        let (a, b) = (up(json_body(200, &[], &body)).await, up(good().reply()).await);
        let running = Running::with(&[("a", &a), ("b", &b)], QUICK).await;
        let answer = running.ask(&request).await;
        assert_eq!((answer.status, answer.text()), (413, body.to_string()));
        assert_eq!((running.standing("a").await.as_str(), b.posts().len()), ("closed", 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_strange_refusal_from_two_providers_is_the_requests_fault() {
    for code in [405, 409, 418, 451] {
        let said = |who: &str| status(code, "strange_error", who, &[]);
        let (running, upstreams, answer) = asked(vec![said("a"), said("b"), good().reply()]).await;
        assert_eq!((answer.status, answer.header("x-qcc-provider")), (code, Some("b")));
        assert_eq!(answer.json()["error"]["message"], "b");
        assert_eq!(running.standing("a").await, "closed", "{code}: the first charge is taken back");
        assert_eq!(running.standing("b").await, "closed", "{code}");
        assert!(upstreams[2].posts().is_empty(), "{code}: a third provider was asked");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn different_strange_refusals_are_the_providers_faults() {
    let replies = vec![status(409, "x", "a", &[]), status(418, "x", "b", &[]), good().reply()];
    let (running, _upstreams, answer) = asked(replies).await;
    assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("c")));
    assert_eq!((running.standing("a").await.as_str(), running.standing("b").await.as_str()), ("fault", "fault"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_failed_the_word_is_503_and_never_an_overload() {
    let overloaded = || status(529, "overloaded_error", "Overloaded: {\"type\":\"overloaded_error\"}", &[]);
    let throttled = || status(429, "rate_limit_error", "slow down", &[("retry-after", "3600")]);
    let refused = || status(401, "authentication_error", "invalid x-api-key", &[]);
    let down = || status(500, "api_error", "down", &[("retry-after", "120")]);
    for replies in [
        vec![overloaded(), overloaded(), overloaded()],
        vec![error_event("overloaded_error"), overloaded()],
        vec![throttled(), down()],
        vec![refused(), down()],
        vec![refused(), throttled()],
        vec![html(404), html(403)],
        vec![status(404, "not_found_error", "model: x", &[]), down()],
    ] {
        let (_running, _upstreams, answer) = asked(replies).await;
        assert_ours(&answer, 503, "api_error");
        assert_eq!(answer.header("retry-after"), None);
        assert_eq!(answer.header("x-should-retry"), None);
        assert_eq!(answer.header("x-qcc-provider"), None);
        assert!(answer.header("x-qcc-attempts").is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_throttle_the_word_is_429_with_a_wait_that_clients_obey() {
    let throttled = |wait: &str| status(429, "rate_limit_error", "slow down", &[("retry-after", wait)]);
    let (_running, _upstreams, answer) = asked(vec![throttled("5000"), throttled("3600")]).await;
    assert_ours(&answer, 429, "rate_limit_error");
    assert_eq!(answer.header("retry-after"), Some("30"), "above 60 Claude Code gives up at once");

    let (_running, _upstreams, answer) = asked(vec![throttled("3600"), throttled("20")]).await;
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "the shortest wait counts: {wait}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_only_the_body_tells_counts_and_a_minutes_quota_is_a_throttle() {
    let throttled = |wait: &str| {
        let message = "You exceeded your current quota, please check your plan and billing details.";
        let limit = json!([{"quotaId": "GenerateRequestsPerMinutePerProject"}]);
        let details = json!([{"violations": limit}, {"retryDelay": wait}]);
        let error = json!({"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED", "details": details});
        json_body(429, &[], &json!({"error": error}))
    };
    let (running, _upstreams, answer) = asked(vec![throttled("5000s"), throttled("3600.5s")]).await;
    assert_ours(&answer, 429, "rate_limit_error");
    let text = answer.text();
    let wait = text.split("for another ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    assert!((31..=3601).contains(&wait.parse::<u64>().unwrap()), "{text}");
    assert_eq!(running.standing("a").await, "throttled");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_every_credential_is_refused_the_word_is_403_and_says_what_to_do() {
    let replies = vec![
        status(401, "authentication_error", "invalid x-api-key", &[]),
        status(402, "billing_error", "no credit", &[]),
        status(403, "permission_error", "not for you", &[]),
    ];
    let (running, upstreams, answer) = asked(replies).await;
    assert_ours(&answer, 403, "permission_error");
    assert!(answer.json()["error"]["message"].as_str().unwrap().contains("hint: "));
    assert_eq!(running.standing("a").await, "credential");
    assert_eq!(running.standing("b").await, "quota");
    assert_eq!(running.standing("c").await, "permission");

    upstreams[0].set_script(good().reply());
    upstreams[1].set_script(good().reply());
    upstreams[2].set_script(status(403, "permission_error", "not for you", &[]));
    let again = running.ask(&for_stream()).await;
    assert_eq!(again.status, 403);
    assert_eq!((upstreams[0].posts().len(), upstreams[1].posts().len()), (1, 1), "a refused key is not tried anyway");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_provider_has_the_model_the_last_one_says_so_itself() {
    let missing = |who: &str| status(404, "not_found_error", &format!("model: unknown to {who}"), &[]);
    let (running, _upstreams, answer) = asked(vec![missing("a"), missing("b")]).await;
    assert_eq!((answer.status, answer.json()), (404, error_body("not_found_error", "model: unknown to b")));
    assert_eq!(running.standing("a").await, "model_missing");
    let other = for_stream().body(json!({"model": "claude-haiku-4-5", "stream": true, "messages": []}).to_string());
    let other = running.ask(&other).await;
    assert_eq!(other.header("x-qcc-attempts"), Some("2"), "only that model is left out");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_all_are_out_the_one_that_is_due_first_is_tried_anyway() {
    let throttled = |wait: &str| status(429, "rate_limit_error", "slow down", &[("retry-after", wait)]);
    let (running, upstreams, answer) = asked(vec![throttled("5000"), throttled("300"), throttled("4000")]).await;
    assert_eq!(answer.status, 429);
    for upstream in &upstreams {
        upstream.set_script(good().reply());
    }
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("b")));
    assert_eq!(answer.header("x-qcc-attempts"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_was_out_is_back_when_it_answers() {
    let (mut running, upstreams, answer) = asked(vec![status(500, "api_error", "down", &[])]).await;
    assert_eq!(answer.status, 503);
    assert_eq!(running.event("provider_cooled").await["reason"], "fault");
    upstreams[0].set_script(good().reply());
    assert_eq!(running.ask(&for_stream()).await.status, 200);
    assert_eq!(running.event("provider_recovered").await["provider"], "a");
    assert_eq!(running.standing("a").await, "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_says_who_gave_it_and_after_how_many_tries() {
    let (_running, _upstreams, answer) = asked(vec![html(502), silence().close(), good().reply()]).await;
    assert_eq!(answer.header("x-qcc-provider"), Some("c"));
    assert_eq!(answer.header("x-qcc-attempts"), Some("4"), "a died before its answer and was asked twice");
    let id = answer.header("x-qcc-request-id").unwrap();
    assert!(id.starts_with("qcc_") && id.len() > 10, "{id}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_header_can_carry_does_not_break_the_answer() {
    let a = up(message_json("fine")).await;
    let running =
        Running::start(&format!("providers: [{{name: Zürich 中, base_url: '{}', auth_value: k}}]\n", a.url())).await;
    let answer = running.ask(&for_message()).await;
    assert_eq!((answer.said().as_str(), answer.header("x-qcc-provider")), ("fine", Some("Z?rich ?")));
}

/// Limits and cookies of whoever owns the key, and an id of the answer.
const OWNERS: [(&str, &str); 8] = [
    ("retry-after", "7"),
    ("retry-after-ms", "7000"),
    ("anthropic-ratelimit-requests-remaining", "3"),
    ("anthropic-ratelimit-unified-status", "allowed"),
    ("anthropic-priority-input-tokens-limit", "1"),
    ("x-ratelimit-remaining-tokens", "5"),
    ("set-cookie", "sid=1"),
    ("x-qcc-provider", "forged"),
];
const PUBLIC: [(&str, &str); 3] = [("request-id", "req_9"), ("cf-ray", "77"), ("x-envoy-upstream-service-time", "4")];

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_the_owner_of_a_pooled_key_is_not_passed_down() {
    let headers: Vec<_> = OWNERS.into_iter().chain(PUBLIC).collect();
    let of = |code, media, body: &[u8]| {
        let all: Vec<_> = headers.iter().copied().chain([("content-type", media)]).collect();
        whole(code, &all, body)
    };
    let refusal = error_body("invalid_request_error", "no").to_string();
    for reply in [
        of(200, "text/event-stream", &good().body()),
        of(400, "application/json", refusal.as_bytes()),
        of(404, "application/json", error_body("not_found_error", "model: x").to_string().as_bytes()),
    ] {
        let (_running, _upstreams, answer) = asked(vec![reply]).await;
        for (name, value) in OWNERS {
            assert_ne!(answer.header(name), Some(value), "{} {name}", answer.status);
        }
        for (name, value) in PUBLIC {
            assert_eq!(answer.header(name), Some(value), "{} {name}", answer.status);
        }
    }
}

/// Provider `own` takes the client's credential, provider `pooled` has its own.
async fn with_passthrough(own: &Upstream, pooled: &Upstream) -> Running {
    Running::start(&format!(
        "providers:\n  - {{name: own, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}\n  \
         - {{name: pooled, base_url: '{}', auth_value: pool-key}}\n",
        own.url(),
        pooled.url()
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_of_the_clients_own_credential_is_the_clients_to_hear() {
    for (code, kind) in
        [(401, "authentication_error"), (402, "billing_error"), (403, "permission_error"), (429, "rate_limit_error")]
    {
        let body = Bytes::from(error_body(kind, "yours").to_string());
        let headers: Vec<_> = OWNERS.into_iter().chain(PUBLIC).chain([JSON, ("retry-after", "3600")]).collect();
        let (own, pooled) = (up(whole(code, &headers, &body)).await, up(good().reply()).await);
        let running = with_passthrough(&own, &pooled).await;
        let answer = running.ask(&for_stream()).await;
        assert_eq!((answer.status, &answer.body), (code, &body));
        for (name, value) in &OWNERS[..6] {
            assert_eq!(answer.header(name), Some(*value), "{code} {name}");
        }
        assert_eq!(answer.header("set-cookie"), None);
        assert!(pooled.posts().is_empty(), "{code}: another credential must not pay for it");
        assert_eq!(own.posts()[0].header("x-api-key"), Some("client-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_clients_throttle_is_not_anothers() {
    let script = Script::new(|request, _| match request.header("x-api-key") {
        Some("busy") => status(429, "rate_limit_error", "slow down", &[("retry-after", "3600")]),
        _ => good().reply(),
    });
    let (own, pooled) = (up(script).await, up(good().reply()).await);
    let running = with_passthrough(&own, &pooled).await;
    let busy = for_stream().with("x-api-key", "busy");
    assert_eq!(running.ask(&busy).await.status, 429);
    assert_eq!(running.ask(&busy).await.header("x-qcc-provider"), Some("pooled"), "its throttle is remembered");
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("own"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_a_passthrough_provider_is_repaired_like_any_other() {
    for fault in [status(500, "api_error", "down", &[]), html(403), error_event("overloaded_error")] {
        let (own, pooled) = (up(fault).await, up(good().reply()).await);
        let answer = with_passthrough(&own, &pooled).await.ask(&for_stream()).await;
        assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("pooled")));
        assert_eq!(pooled.posts()[0].header("x-api-key"), Some("pool-key"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_credential_is_served_by_providers_that_need_none() {
    let (own, pooled) = (up(good().reply()).await, up(good().reply()).await);
    for bare in [for_stream().without("x-api-key"), for_stream().with("x-api-key", "proxy-managed")] {
        let answer = with_passthrough(&own, &pooled).await.ask(&bare).await;
        assert_eq!(answer.header("x-qcc-provider"), Some("pooled"));
    }
    assert!(own.posts().is_empty());

    let alone = format!(
        "providers: [{{name: own, base_url: '{}', auth_type: passthrough, allow_passthrough: true}}]\n",
        own.url()
    );
    let answer = Running::start(&alone).await.ask(&for_stream().without("x-api-key")).await;
    assert_ours(&answer, 403, "permission_error");
}
