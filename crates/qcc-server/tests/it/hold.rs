//! While nobody can answer, a request waits instead of being refused, and goes on the moment somebody is back.

use qcc_testkit::replies::{message_json, status};
use qcc_testkit::{Connection, Request, Script, Upstream};
use serde_json::json;

use crate::support::{Running, for_message, for_stream};

/// One failure is enough to be out, for longer than any test; then requests are held.
const HOLDS: &str = "breaker: {failure_threshold: 1, success_threshold: 1, open_initial: 1h, open_max: 1h}\n\
                     retry: {same_provider: 0}\nhold: {max_wait: 2m}\n";

fn failing() -> Script {
    Script::always(status(500, "api_error", "down", &[]))
}

async fn reset(running: &Running, provider: &str) {
    let request = Request::post_json(&format!("/api/providers/{provider}/reset"), &json!({}));
    assert_eq!(running.ask(&request).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_while_everybody_is_out_and_is_answered_when_somebody_is_back() {
    let a = Upstream::start(failing()).await.unwrap();
    let mut running = Running::with(&[("a", &a)], HOLDS).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    running.event("provider_cooled").await;
    a.set_script(message_json("back"));
    reset(&running, "a").await;
    let answer = client.receive().await.unwrap();
    assert_eq!((answer.status, answer.said().as_str()), (200, "back"));
    assert!(running.row().await["held_ms"].as_f64().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_waits_goes_on_when_the_provider_answers_again() {
    let a = Upstream::start(failing()).await.unwrap();
    let mut running = Running::with(&[("a", &a)], HOLDS).await;
    let mut clients = Vec::new();
    for _ in 0..12 {
        let mut client = Connection::open(running.address()).await.unwrap();
        client.send(&for_message()).await.unwrap();
        clients.push(client);
    }
    running.event("provider_cooled").await;
    a.set_script(message_json("back"));
    reset(&running, "a").await;
    for mut client in clients {
        let answer = client.receive().await.unwrap();
        assert_eq!((answer.status, answer.said().as_str()), (200, "back"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waiting_cannot_mend_is_refused_at_once() {
    let a = Upstream::start(status(401, "authentication_error", "no", &[])).await.unwrap();
    let running = Running::with(&[("a", &a)], HOLDS).await;
    assert_eq!(running.ask(&for_message()).await.status, 403);
    assert_eq!(running.ask(&for_message()).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_it_waits_leaves_no_trace() {
    let a = Upstream::start(failing()).await.unwrap();
    let mut running = Running::with(&[("a", &a)], HOLDS).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_stream()).await.unwrap();
    running.event("provider_cooled").await;
    drop(client);
    assert_eq!(running.row().await["verdict"], "client_gone");
    let asked = a.posts().len();
    a.set_script(message_json("back"));
    reset(&running, "a").await;
    assert_eq!(a.posts().len(), asked, "nobody waits any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_provider_is_asked_before_anybody_waits() {
    let (a, b) = (Upstream::start(failing()).await.unwrap(), Upstream::start(message_json("from b")).await.unwrap());
    let running = Running::with(&[("a", &a), ("b", &b)], HOLDS).await;
    assert_eq!(running.ask(&for_message()).await.said(), "from b");
}

#[tokio::test(flavor = "multi_thread")]
async fn counting_tokens_never_waits() {
    let a = Upstream::start(failing()).await.unwrap();
    let mut running = Running::with(&[("a", &a)], HOLDS).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    running.event("provider_cooled").await;
    let body = json!({"model": "claude-sonnet-5", "messages": [{"role": "user", "content": "hello"}]});
    let counted = running.ask(&Request::post_json("/v1/messages/count_tokens", &body)).await;
    assert_eq!(counted.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_room_refuses_nobody_unasked() {
    let a = Upstream::start(failing()).await.unwrap();
    let full = HOLDS.replace("{max_wait: 2m}", "{max_wait: 2m, max_waiters: 1}");
    let mut running = Running::with(&[("a", &a)], &full).await;
    let mut first = Connection::open(running.address()).await.unwrap();
    first.send(&for_message()).await.unwrap();
    running.event("provider_cooled").await;
    let asked = a.posts().len();
    assert_eq!(running.ask(&for_message()).await.status, 503);
    assert_eq!(a.posts().len(), asked + 1, "it was asked although it is out");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_waited_long_enough_asks_who_is_out_before_it_is_refused() {
    let a = Upstream::start(failing()).await.unwrap();
    let short = HOLDS.replace("max_wait: 2m", "max_wait: 50ms");
    let running = Running::with(&[("a", &a)], &short).await;
    assert_eq!(running.ask(&for_message()).await.status, 503);
    assert_eq!(a.posts().len(), 2, "at first, and before it was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_provider_confirms_after_a_wait_that_the_request_is_at_fault() {
    let odd = || Script::always(status(418, "teapot", "no", &[]));
    let (a, b) = (Upstream::start(odd()).await.unwrap(), Upstream::start(failing()).await.unwrap());
    let mut running = Running::with(&[("a", &a), ("b", &b)], HOLDS).await;
    let mut client = Connection::open(running.address()).await.unwrap();
    client.send(&for_message()).await.unwrap();
    assert_eq!(running.event("provider_cooled").await["provider"], "a");
    assert_eq!(running.event("provider_cooled").await["provider"], "b");
    b.set_script(odd());
    reset(&running, "b").await;
    assert_eq!(client.receive().await.unwrap().status, 418);
    assert_eq!(running.standing("a").await, "closed", "its charge is taken back");
}
