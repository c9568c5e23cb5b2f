//! What bounds repeats and time: `max_attempts`, `same_provider`, the budget and the client's own patience. First tries
//! are bounded by nothing but time. And what providers announce of their own limits.

use qcc_testkit::replies::{Stream, html, json_body, message, message_json, silence, status};
use qcc_testkit::{Reply, Request, Script, Upstream};
use serde_json::json;

use crate::support::{Running, for_message, for_stream, providers};

async fn up(script: impl Into<Script>) -> Upstream {
    Upstream::start(script).await.unwrap()
}

fn good() -> Reply {
    Stream::text(["good"]).reply()
}

fn down() -> Reply {
    status(503, "api_error", "down", &[])
}

/// Asks a lone provider that fails in this way under these `retry` settings; how often it was asked.
async fn tries_on_a_lone_provider(fault: Reply, retry: &str) -> usize {
    let a = up(fault).await;
    let running = Running::with(&[("a", &a)], &format!("retry: {{initial: 1ms, max: 2ms, {retry}}}\n")).await;
    let answer = running.ask(&for_stream()).await;
    let tries = a.posts().len();
    assert_eq!(answer.header("x-qcc-attempts").unwrap(), tries.to_string());
    tries
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_provider_that_failed_is_asked_once_more() {
    let a = up(Script::sequence([down()], good())).await;
    let running = Running::with(&[("a", &a)], "retry: {initial: 1ms, max: 2ms}\n").await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.status, answer.header("x-qcc-attempts")), (200, Some("2")));
    assert_eq!(running.standing("a").await, "closed", "the repeat has shown that it is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_candidate_goes_before_a_repeat() {
    let (a, b) = (up(down()).await, up(Script::sequence([down()], good())).await);
    let running = Running::with(&[("a", &a), ("b", &b)], "retry: {initial: 1ms, max: 2ms}\n").await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.status, answer.header("x-qcc-provider")), (200, Some("b")));
    assert_eq!((a.posts().len(), b.posts().len()), (2, 2), "a, b, a again, b again");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_on_one_provider_are_bounded() {
    for (retry, tries) in [("same_provider: 0", 1), ("same_provider: 1", 2), ("same_provider: 3", 4)] {
        assert_eq!(tries_on_a_lone_provider(down(), retry).await, tries, "{retry}");
    }
    assert_eq!(tries_on_a_lone_provider(down(), "same_provider: 9, max_attempts: 3").await, 3);
    assert_eq!(tries_on_a_lone_provider(down(), "same_provider: 9, max_attempts: 1").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_attempts_does_not_bound_first_tries() {
    let (a, b, c) = (up(down()).await, up(html(500)).await, up(good()).await);
    let running = Running::with(&[("a", &a), ("b", &b), ("c", &c)], "retry: {max_attempts: 1}\n").await;
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("c"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_budget_nothing_is_repeated_and_everything_is_tried() {
    let none = "retry: {initial: 1ms, max: 2ms, same_provider: 9, budget: 0, budget_floor: 0}\n";
    assert_eq!(tries_on_a_lone_provider(down(), "same_provider: 9, budget: 0, budget_floor: 0").await, 1);
    let (a, b) = (up(Reply::new().reset()).await, up(good()).await);
    let running = Running::with(&[("a", &a), ("b", &b)], none).await;
    assert_eq!(running.ask(&for_stream()).await.header("x-qcc-provider"), Some("b"));
    assert_eq!(a.posts().len(), 1, "not even a connection that died");
    assert_eq!(running.standing("a").await, "fault", "which is then charged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_again_is_not_repeated() {
    for (code, kind) in [
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (429, "rate_limit_error"),
    ] {
        assert_eq!(tries_on_a_lone_provider(status(code, kind, "no", &[]), "same_provider: 5").await, 1, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_took_too_long_is_not_repeated() {
    let a = up(silence()).await;
    let running = Running::with(&[("a", &a)], "timeouts: {first_byte: 100ms, response: 100ms}\n").await;
    for request in [for_stream(), for_message()] {
        let answer = running.ask(&request).await;
        assert_eq!((answer.status, answer.header("x-qcc-attempts")), (503, Some("1")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_answered_before_its_announced_patience_ends() {
    // Nothing else in this configuration would end the wait before the test client's own patience does.
    for request in [for_stream(), for_message()] {
        let a = up(silence()).await;
        let running = Running::with(&[("a", &a)], "").await;
        let answer = running.ask(&request.header("X-Stainless-Timeout", "1")).await;
        assert_eq!((answer.status, answer.json()["error"]["type"].as_str()), (503, Some("api_error")));
        assert_eq!(a.closed(1).await, 1, "the provider was let go");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_total_time_bounds_the_wait_for_a_repeat_too() {
    let a = up(down()).await;
    let running = Running::with(&[("a", &a)], "timeouts: {total: 30s}\nretry: {initial: 1h, max: 1h}\n").await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.status, a.posts().len()), (503, 1), "a wait that is too long is not begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_529_other_hosts_are_asked_before_another_provider_of_the_same_host() {
    let overloaded = || status(529, "overloaded_error", "Overloaded", &[]);
    let (a, b, c) = (up(overloaded()).await, up(good()).await, up(good()).await);
    let elsewhere = c.url().replace("127.0.0.1", "localhost");
    let list = [("a", a.url()), ("b", b.url()), ("c", elsewhere)];
    let running = Running::start(&providers(&list)).await;
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.header("x-qcc-provider"), answer.header("x-qcc-attempts")), (Some("c"), Some("2")));
    let answer = running.ask(&for_stream()).await;
    assert_eq!((answer.header("x-qcc-provider"), b.posts().len()), (Some("c"), 0), "the next request knows it too");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_announces_that_nothing_remains_is_skipped_before_it_refuses() {
    let headers = [
        ("anthropic-ratelimit-requests-limit", "50"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "2999-01-01T00:00:00Z"),
    ];
    let spent = json_body(200, &headers, &message("the last one"));
    let (a, b) = (up(spent).await, up(message_json("good")).await);
    let running = Running::with(&[("a", &a), ("b", &b)], "").await;
    let asks = async |model: &str| {
        let answer = running.ask(&Request::post_json("/v1/messages", &json!({"model": model, "messages": []}))).await;
        answer.header("x-qcc-provider").unwrap().to_owned()
    };
    assert_eq!(asks("opus").await, "a");
    assert_eq!(asks("opus").await, "b");
    assert_eq!(asks("haiku").await, "a", "another model has a count of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_while_another_is_served_is_left_out_alone() {
    let a = up(Script::new(|request, _| {
        if request.json()["model"] == "opus" { status(500, "api_error", "no", &[]) } else { message_json("good") }
    }))
    .await;
    let b = up(message_json("good")).await;
    let running = Running::with(&[("a", &a), ("b", &b)], "breaker: {failure_threshold: 3}\n").await;
    let asks = async |model: &str| {
        let answer = running.ask(&Request::post_json("/v1/messages", &json!({"model": model, "messages": []}))).await;
        (answer.header("x-qcc-provider").unwrap().to_owned(), answer.header("x-qcc-attempts").unwrap().to_owned())
    };
    let (first, second) = (("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned()));
    for _ in 0..3 {
        assert_eq!(asks("haiku").await, first);
        assert_eq!(asks("opus").await, second);
    }
    assert_eq!(asks("opus").await, ("b".to_owned(), "1".to_owned()), "it is not even tried");
    assert_eq!(asks("haiku").await, first);
    assert_eq!(running.standing("a").await, "model_fault");
}
